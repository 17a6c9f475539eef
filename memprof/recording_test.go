package memprof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// written records one cycle with a tick and returns it with its summary.
func written(t *testing.T) ([]byte, Summary) {
	t.Helper()
	var out bytes.Buffer
	m := &meterable{}
	r := newRecorder(t, Options{Sources: []Source{m}, Out: &out, Interval: time.Hour})
	m.set(reading("process.count", "renderer", 1), reading("process.anon", "renderer", 1<<30),
		Reading{Metric: "target.open", Value: 1, Subject: Subject{Browser: "1", Kind: "page", Target: "T", URL: "http://a/", Opener: "O"}},
		gap("perf.*", "page", fmt.Errorf("read: %w", ErrGone)), gap("perf.*", "page", fmt.Errorf("read: %w", ErrGone)))
	c := r.Cycle("demo", "shop")
	p := c.Phase(Scrape, "shop")
	r.tick(t.Context(), true)
	p.End(t.Context())
	s := c.End(t.Context())
	require.NotEmpty(t, out.Bytes(), "the end of a cycle writes")
	require.NoError(t, r.Close())
	return out.Bytes(), s
}

func TestARecordingIsReadAsItWasWritten(t *testing.T) {
	data, s := written(t)
	rec, err := ReadRecording(bytes.NewReader(data))
	require.NoError(t, err)
	require.False(t, rec.Cut)
	require.Len(t, rec.Samples, 3)
	require.Equal(t, []bool{false, true, false}, []bool{rec.Samples[0].Totals.Tick, rec.Samples[1].Totals.Tick, rec.Samples[2].Totals.Tick})
	require.Equal(t, []string{"scrape shop"}, rec.Samples[1].Phases)
	require.Len(t, rec.Phases, 1)
	require.Len(t, rec.Cycles, 1)
	back := rec.Cycles[0]
	require.Equal(t, s.Before, back.Before)
	require.Equal(t, s.AfterScrape, back.AfterScrape)
	require.Equal(t, s.After, back.After)
	require.Equal(t, s.Deltas, back.Deltas)
	require.Equal(t, s.Duration, back.Duration)
	require.Equal(t, []OpenTarget{{Browser: "1", Target: "T", Type: "page", URL: "http://a/", Opener: "O"}}, back.Open)
	require.Equal(t, s.Peaks[chromeAnon].Value, back.Peaks[chromeAnon].Value)
	require.True(t, s.Start.Equal(back.Start))

	first := rec.Samples[0]
	require.Len(t, first.Readings, 3)
	require.Equal(t, Reading{Metric: "process.anon", Subject: Subject{Browser: "1", Kind: "renderer"}, Value: 1 << 30}, first.Readings[0])
	require.Equal(t, NewTotals(full, first.Readings), first.Totals, "the totals can be worked out again")
	require.Len(t, rec.Gaps, 3, "equal gaps of one sample are one line")
	require.Equal(t, 2, rec.Gaps[0].Count)
	require.True(t, rec.Gaps[0].Gone)
}

// kill -9 can cut a recording anywhere: what was complete is read.
func TestACutRecordingIsReadUpToTheCut(t *testing.T) {
	data, _ := written(t)
	first := bytes.IndexByte(data, '\n') + 1
	for end := first; end < len(data); end += cutEvery {
		rec, err := ReadRecording(bytes.NewReader(data[:end]))
		require.NoError(t, err, "cut at byte %d", end)
		whole := data[end-1] == '\n' || data[end] == '\n'
		require.Equal(t, !whole, rec.Cut, "cut at byte %d", end)
	}
}

func TestGarbageIsRejectedWithItsLine(t *testing.T) {
	manifest := `{"type":"manifest","schema":"ebb.recording/1","level":"cheap"}` + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "recording line 1: it is empty"},
		"no manifest":     {`{"type":"tick"}` + "\n", "recording line 1: a manifest must be the first line"},
		"cut manifest":    {`{"type":"mani`, "recording line 1: not a JSON object"},
		"other schema":    {`{"type":"manifest","schema":"ebb.recording/9"}` + "\n", `recording line 1: the schema is "ebb.recording/9"; this program reads "ebb.recording/1"`},
		"two manifests":   {manifest + manifest, "recording line 2: a manifest must be the first line and no other"},
		"not JSON":        {manifest + "hello\n", "recording line 2: not a JSON object"},
		"blank line":      {manifest + "\n" + manifest, "recording line 2: not a JSON object"},
		"array":           {manifest + "[1]\n", "recording line 2: not a JSON object"},
		"unknown type":    {manifest + `{"type":"verdict"}` + "\n", `recording line 2: unknown type "verdict"`},
		"whole last line": {manifest + `{"type":"verdict"}`, `recording line 2: unknown type "verdict"`},
		"wrong field":     {manifest + `{"type":"phase","from":"x"}` + "\n", "recording line 2: "},
		"wrong series":    {manifest + `{"type":"tick","totals":{"values":{"":1}}}` + "\n", "recording line 2: "},
		"wrong level":     {`{"type":"manifest","schema":"ebb.recording/1","level":"some"}` + "\n", "recording line 1: "},
		"bad browser":     {manifest + `{"type":"note","name":"browser","data":[]}` + "\n", `recording line 2: note "browser": `},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadRecording(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// endless is a line without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

func TestALineThatIsTooLongIsRejected(t *testing.T) {
	in := &endless{}
	_, err := ReadRecording(in)
	require.EqualError(t, err, fmt.Sprintf("recording line 1: it is longer than %d bytes", maxLine))
	require.Less(t, in.read, maxLine+1<<20)
}

func FuzzReadRecording(f *testing.F) {
	f.Add([]byte(`{"type":"manifest","schema":"ebb.recording/1","level":"cheap"}` + "\n" + `{"type":"reading","subjects":[{"values":{"a":1}}]}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := ReadRecording(bytes.NewReader(data))
		require.Equal(t, err == nil, rec != nil)
	})
}

// fullDisk is a writer whose disk is full after some bytes.
type fullDisk struct {
	room   int
	writes int
}

var errNoSpace = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	d.writes++
	if len(p) > d.room {
		return d.room, errNoSpace
	}
	d.room -= len(p)
	return len(p), nil
}

func TestAFullDiskEndsTheRecordingOnceAndNotTheMeasuring(t *testing.T) {
	disk := &fullDisk{room: 300}
	var told []error
	r := newRecorder(t, Options{
		Sources: []Source{steady(reading("go.goroutines", "", 1))}, Out: disk,
		WriteFailed: func(err error) { told = append(told, err) },
	})
	for range 3 {
		s := r.Cycle("on").End(t.Context())
		known(t, s.After, Series{Metric: "go.goroutines"}, 1)
	}
	require.Len(t, told, 1)
	require.ErrorIs(t, told[0], errNoSpace)
	require.EqualError(t, told[0], "write the recording: no space left on device")
	require.Equal(t, 1, disk.writes)
	require.NoError(t, r.Close(), "it was told already")
}

func TestCloseTellsOfAFullDiskIfNobodyElseWasTold(t *testing.T) {
	r := newRecorder(t, Options{Out: &fullDisk{}})
	r.Cycle("on").End(t.Context())
	require.ErrorIs(t, r.Close(), errNoSpace)
}

// stalled is a writer that waits until it is released.
type stalled struct {
	mu sync.Mutex
	bytes.Buffer
	release chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.release
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(p)
}

// While the disk stalls nobody waits, memory stays bounded, and what was lost is written down.
func TestAStalledDiskHoldsUpNothingAndLosesLinesByCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stalled{release: make(chan struct{})}
		r := newRecorder(t, Options{Out: out, Sources: []Source{steady(reading("go.goroutines", "", 1))}})
		stop := running(t, r)
		synctest.Wait() // Run has begun, and writes from now on
		begin := time.Now()
		r.Cycle("on").End(t.Context())
		synctest.Wait() // the writer is stalled now
		big := strings.Repeat("x", 1<<20)
		for range 2 * maxPending >> 20 {
			require.NoError(t, r.Note("big", big))
		}
		r.Cycle("on").End(t.Context())
		require.Zero(t, time.Since(begin))
		lost := r.Stats().LinesDropped
		require.Greater(t, lost, 7)
		require.LessOrEqual(t, len(r.out.pending), maxPending)
		close(out.release)
		stop()
		require.NoError(t, r.Close())
		rec, err := ReadRecording(&out.Buffer)
		require.NoError(t, err)
		last := rec.Notes[len(rec.Notes)-1]
		require.Equal(t, "dropped", last.Name)
		require.JSONEq(t, fmt.Sprintf(`{"lines":%d}`, lost), string(last.Data))
	})
}

func TestWithoutAnOutputNothingIsKept(t *testing.T) {
	r, err := NewRecorder(Options{Level: LevelCheap, Sources: []Source{steady(reading("go.goroutines", "", 1))}})
	require.NoError(t, err)
	r.Cycle("on").End(t.Context())
	require.Empty(t, r.out.pending)
	require.NoError(t, r.Close())
}

func TestLinesStopWhenTheReaderFails(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(`{"type":"manifest","schema":"ebb.recording/1","level":"cheap"}`+"\n"), failing{})
	_, err := ReadRecording(broken)
	require.EqualError(t, err, "recording line 2: disk error")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk error") }
