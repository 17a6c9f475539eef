package memprof

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tick adds a reading a time after the start.
func (h *history) tick(at time.Time, s Series, bytes float64) {
	h.add(Sample{Start: at, Totals: Totals{Level: LevelFull, Tick: true, Values: map[Series]float64{s: bytes}}})
}

// die adds a death two seconds into the next cycle, before which it was seen what was held.
func (h *history) die(r DeathReport, held ...ProcessMemory) time.Time {
	at := h.start.Add(time.Duration(h.n+1)*4*time.Second + 2*time.Second - 100*time.Millisecond)
	if r.Cycle == 0 {
		r.Stage, r.Cycle = JudgedCycle, h.n+1
	}
	r.Held, r.Looked = held, at
	n, err := newNote(DeathNote, r)
	require.NoError(h.t, err)
	n.Time = at.Add(200 * time.Millisecond)
	h.add(n)
	return at
}

func (h *history) span(kind Kind, site string) {
	begin := h.start.Add(time.Duration(h.n+1) * 4 * time.Second)
	h.add(PhaseSpan{Cycle: h.n + 1, Kind: kind, Site: site, Start: begin, End: begin.Add(2 * time.Second)})
}

// What the kernel killed is the verdict, whatever the readings say: who was killed, who held the memory,
// how fast it rose, and whether it came within the cycle or over those before.
func TestAKillIsTheVerdict(t *testing.T) {
	h := newHistory(t, Plan{Limit: 7e8, LimitIs: "given by --memory"})
	h.cycles(3, nil)
	killed := ProcessMemory{PID: 9, Process: "renderer", Bytes: 5e8}
	at := h.start.Add(time.Duration(h.n+1)*4*time.Second + 1900*time.Millisecond)
	for i, bytes := range []float64{3e8, 1e8, 3e8, 5e8} { // the first is what another page gave back
		h.tick(at.Add(time.Duration(i-3)*500*time.Millisecond), anonRenderer, bytes)
	}
	h.span(Scrape, "shop")
	h.die(DeathReport{Kind: DeathMemory, Site: "shop", URL: "http://shop.test/", Gone: []ProcessMemory{killed}},
		killed, ProcessMemory{PID: 1, Process: "browser", Bytes: 5e7}, ProcessMemory{PID: 2, Process: Worker, Bytes: 3e7})
	h.cycles(7, nil)
	d := h.tally.Diagnosis()
	require.Equal(t, Killed, d.Verdict)
	require.Equal(t, []string{"shop", "scrape", "renderer"}, []string{d.Site, d.Phase, d.Process})
	require.Equal(t, "The kernel killed the renderer of shop for want of memory in scrape (cycle 4): it held 500.0 MB of 700.0 MB; once in 1 of 10 cycles.", d.Headline)
	require.Equal(t, CauseNone, d.Cause, "nothing else is wrong")
	k := d.Kills.Kills[0]
	require.InDelta(t, 85e6, k.Before, 1e6)
	k.Before = 0
	require.Equal(t, Kill{
		Cycle: 4, Phases: []string{"scrape shop"}, Process: "renderer", Site: "shop", URL: "http://shop.test/", Bytes: 5e8, Holder: "renderer", Held: 5e8, Total: 5.8e8,
		By: map[string]float64{"renderer": 5e8, "browser": 5e7, Worker: 3e7}, Velocity: 4e8, Over: 1, Shape: Spiked,
	}, k)
	require.NotEmpty(t, d.Advice)
}

// The kernel takes what it likes: the process that held the memory is told beside what it took. Memory
// that grew over the cycles before is told from a spike.
func TestAKillOfWhatHeldLittle(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(10, map[Series]float64{{"process.anon", "browser"}: 5e7})
	killed := ProcessMemory{PID: 9, Process: "renderer", Bytes: 4e7}
	for range 2 {
		h.span(Scrape, "shop")
		h.die(DeathReport{Kind: DeathMemory, Site: "shop", Gone: []ProcessMemory{killed}}, ProcessMemory{PID: 1, Process: "browser", Bytes: 5.6e8}, killed)
	}
	h.cycles(1, nil)
	d := h.tally.Diagnosis()
	require.Equal(t, Killed, d.Verdict)
	require.Equal(t, []int{2, 1, 11}, []int{d.Kills.Times, d.Kills.Cycles, d.Kills.Of})
	require.Equal(t, "browser", d.Kills.Kills[0].Holder)
	require.Equal(t, Linear, d.Kills.Kills[0].Shape)
	require.Contains(t, d.Headline, "the browser process held 560.0 MB, and it 40.0 MB; 2 times in 1 of 11 cycles")
	require.Equal(t, "leak", d.Profile)
	require.Contains(t, d.Advice[0], "without --memory")
}

// Of a kill whose cycle never ended, and of which nothing was seen, it is told that it was.
func TestAKillOfWhichNothingElseIsKnown(t *testing.T) {
	h := newHistory(t, Plan{})
	h.die(DeathReport{Kind: DeathMemory, Main: true})
	d := h.tally.Diagnosis()
	require.Equal(t, Killed, d.Verdict)
	require.Equal(t, "The kernel killed Chrome's main process for want of memory (cycle 1); once in 1 of 1 cycles.", d.Headline)
	require.Equal(t, []Kill{{Cycle: 1, Process: "browser"}}, d.Kills.Kills)
}

// What died otherwise, or while the cause was looked for, is a warning.
func TestOtherDeathsAreWarnings(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(10, nil)
	h.die(DeathReport{Kind: "heap limit", Site: "shop"})
	h.die(DeathReport{Kind: "heap limit", Site: "shop"})
	h.die(DeathReport{Kind: DeathMemory, Site: "shop", Stage: EvidenceCycle, Cycle: 11})
	d := h.tally.Diagnosis()
	require.Equal(t, Stable, d.Verdict)
	require.Nil(t, d.Kills)
	require.Contains(t, d.Warnings, "a process of Chrome died unasked (2 times): the renderer of shop: heap limit")
	require.Contains(t, d.Warnings, "a process of Chrome died unasked (1 times): the renderer of shop: out of memory, while the cause was looked for")
}
