package memprof

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// soakHistory makes the cycles of a soak whose truth is known: a week of quarters of an hour, a new Chrome
// every 30 cycles that grows by 2 MB in each, and noise.
type soakHistory struct {
	cycles int
	life   int                // cycles of each Chrome
	grow   map[Series]float64 // by cycle, over all lives
	items  SoakItems          // of the last cycle
}

func (h soakHistory) plan() SoakPlan {
	return SoakPlan{Cycles: h.cycles, Schedule: "*/15 * * * *", CyclesPerDay: 96, Limit: 5 * MB}
}

func (h soakHistory) all() []SoakCycle {
	random := rand.New(rand.NewPCG(5, 7))
	levels := map[Series]float64{
		{"go.heap_live", ""}: 2.5 * MB, {"process.anon", Worker}: 15 * MB, {"go.goroutines", ""}: 150, {"process.fds", Worker}: 28,
		anonChrome: 120 * MB, {"process.count", Chrome}: 8, {"target.count", "page"}: 2, {"context.count", ""}: 0, {"store.bytes", ""}: 4 * MB,
	}
	noise := map[Series]float64{{"go.heap_live", ""}: 30e3, {"process.anon", Worker}: 300e3, {"go.goroutines", ""}: 4, {"process.fds", Worker}: 0.5, anonChrome: 4 * MB}
	var list []SoakCycle
	for i := range h.cycles {
		life, age := i/h.life, i%h.life
		temporary := 6.
		c := SoakCycle{Cycle: i + 1, Took: time.Second, Runs: 16, Failed: 4, Pages: 17, Items: SoakItems{Expected: 15, Stored: 15}, Chromes: []string{fmt.Sprintf("chrome-%d", life)}, Temporary: &temporary}
		c.Totals = Totals{Level: LevelFull, Values: map[Series]float64{}}
		for _, s := range SoakSeries() {
			c.Totals.Values[s] = levels[s] + h.grow[s]*float64(i) + noise[s]*random.NormFloat64()
		}
		c.Totals.Values[anonChrome] += 2 * MB * float64(age)
		list = append(list, c)
	}
	list[len(list)-1].Items.Add(h.items)
	return list
}

func (h soakHistory) soak() Soak {
	t := NewSoakTally(h.plan())
	for _, c := range h.all() {
		t.Add(c)
	}
	return t.Soak()
}

func (s Soak) metric(t *testing.T, name string) SoakMetric {
	t.Helper()
	i := slices.IndexFunc(s.Metrics, func(m SoakMetric) bool { return m.Name == name })
	require.NotEqual(t, -1, i, name)
	return s.Metrics[i]
}

func TestAFlatWeek(t *testing.T) {
	s := soakHistory{cycles: 672, life: 30}.soak()
	for _, m := range s.Metrics {
		want := SoakFlat
		if m.Name == "database" {
			want = SoakShown
		}
		require.Equal(t, want, m.Verdict, "%s: %+v", m.Name, m)
		require.Zero(t, m.MoreCycles, m.Name)
	}
	require.Equal(t, SoakFlat, s.Verdict)
	require.InDelta(t, 7, s.Days, 1e-9)
	require.Equal(t, 672*16, s.Runs)
	chrome := s.metric(t, "Chrome, anonymous")
	require.Equal(t, byLives, chrome.By, "within a life it grows by 190 MB a day")
	require.Less(t, chrome.Rate.Hi, 5*MB)
	require.Equal(t, SoakLives{Count: 23, Cycles: 30, Of: 24, Judged: 22}, SoakLives{Count: s.Lives.Count, Cycles: s.Lives.Cycles, Of: s.Lives.Of, Judged: s.Lives.Judged})
	require.InDelta(t, 46*MB, s.Lives.Last-s.Lives.First, 8*MB)
}

// What grows is found, by the right rate: in the worker, of which 4 KiB are kept of each of 16 runs in a
// cycle, and in Chrome over its lives.
func TestAWeekInWhichSomethingGrows(t *testing.T) {
	for name, c := range map[string]struct {
		series Series
		grow   float64 // per cycle
	}{
		"worker, live heap":  {Series{"go.heap_live", ""}, 16 * 4096},
		"worker, goroutines": {Series{"go.goroutines", ""}, 0.05},
		"worker, open files": {Series{"process.fds", Worker}, 0.05},
		"Chrome, anonymous":  {anonChrome, 0.2 * MB},
		"Chrome, processes":  {Series{"process.count", Chrome}, 0.05},
		"Chrome, contexts":   {Series{"context.count", ""}, 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			s := soakHistory{cycles: 672, life: 30, grow: map[Series]float64{c.series: c.grow}}.soak()
			require.Equal(t, SoakGrows, s.Verdict)
			for _, m := range s.Metrics {
				require.Equal(t, m.Name == name, m.Verdict == SoakGrows, "%s: %+v", m.Name, m)
			}
			require.InEpsilon(t, 96*c.grow, s.metric(t, name).Rate.Value, 0.1)
		})
	}
}

// Of what is too short it is said how much longer it takes, and that is not far off.
func TestASoakThatIsTooShort(t *testing.T) {
	for _, cycles := range []int{1, 5, 12, 40} {
		s := soakHistory{cycles: cycles, life: 30}.soak()
		require.Equal(t, SoakUndecided, s.Verdict, cycles)
		require.Positive(t, s.MoreCycles, cycles)
	}
	h := soakHistory{cycles: 200, life: 30}
	s := h.soak()
	require.Equal(t, SoakUndecided, s.Verdict)
	h.cycles += 2 * s.MoreCycles
	require.Less(t, h.cycles, 2000)
	require.Equal(t, SoakFlat, h.soak().Verdict, "%d cycles", h.cycles)
}

func TestItemsThatAreLostDecide(t *testing.T) {
	for name, items := range map[string]SoakItems{"lost": {Lost: 1}, "doubled": {Doubled: 1}, "wrong": {Wrong: 1}, "runs": {Runs: 1}} {
		require.Equal(t, SoakItemsWrong, soakHistory{cycles: 672, life: 30, items: items}.soak().Verdict, name)
	}
}

// A Chrome that ends early is no life to compare with, and the short time with two of them neither.
func TestShortLivesAreLeftOut(t *testing.T) {
	h := soakHistory{cycles: 672, life: 30}
	tally := NewSoakTally(h.plan())
	for i, c := range h.all() {
		switch {
		case i%30 == 29:
			c.Chromes = append(c.Chromes, "chrome-next")
		case i >= 300 && i < 305:
			c.Chromes = []string{"chrome-that-crashes"}
			c.Totals.Values[anonChrome] = 400 * MB
		}
		tally.Add(c)
	}
	s := tally.Soak()
	require.Greater(t, s.Lives.Count, s.Lives.Judged+10)
	require.Equal(t, SoakFlat, s.metric(t, "Chrome, anonymous").Verdict)
}

// What was not read is neither 0 nor flat.
func TestASoakThatReadNothing(t *testing.T) {
	h := soakHistory{cycles: 100, life: 10}
	tally := NewSoakTally(h.plan())
	for _, c := range h.all() {
		c.Totals, c.Temporary = Totals{Level: LevelFull}, nil
		tally.Add(c)
	}
	s := tally.Soak()
	require.Equal(t, SoakUndecided, s.Verdict)
	for _, m := range s.Metrics {
		require.False(t, m.Rate.Known, m.Name)
	}
	require.Equal(t, SoakUndecided, NewSoakTally(h.plan()).Soak().Verdict)
}

// A recording says the same as the cycles themselves, and what the worker noted.
func TestASoakIsReadFromItsRecording(t *testing.T) {
	h := soakHistory{cycles: 40, life: 10}
	var out bytes.Buffer
	r := newRecorder(t, Options{Out: &out})
	require.NoError(t, r.Note(BrowserNote, BrowserInfo{ID: "chrome-0"}))
	require.NoError(t, r.Note(SoakNote, h.plan()))
	for _, c := range h.all() {
		r.Read(t.Context())
		require.NoError(t, r.Note(SoakCycleNote, c))
	}
	require.NoError(t, r.Note(AlarmNote, Alarm{Says: "it grows"}))
	require.NoError(t, r.Note("control", map[string]string{"action": "collect", "reason": "memory is short"}))
	require.NoError(t, r.Close())
	text := out.String()

	tally, err := ReadSoak(strings.NewReader(text))
	require.NoError(t, err)
	read, want := tally.Soak(), h.soak()
	require.Equal(t, map[string]int{"alarm": 1, "control collect memory is short": 1}, read.Notes)
	read.Notes, want.Notes = nil, nil
	require.Equal(t, want, read)

	cut, err := ReadSoak(strings.NewReader(text[:strings.LastIndex(text, SoakCycleNote)+400]))
	require.NoError(t, err)
	require.Equal(t, 39, cut.Soak().Cycles)
	_, err = ReadSoak(strings.NewReader(strings.Replace(text, `"cycle":3,`, `"cycle":"three",`, 1)))
	require.ErrorContains(t, err, "recording line ")
	for _, other := range []string{"", strings.Repeat("{}\n", 3), strings.Repeat("{}\n", 2*soakNoteWithin) + text} {
		_, err = ReadSoak(strings.NewReader(other))
		require.ErrorIs(t, err, ErrNoSoak)
	}
}
