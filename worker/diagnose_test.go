package worker

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/leaky"
	"github.com/ebbworker/ebb/worker/store"
)

// diagnosed is a worker on sites of package leaky whose memory is recorded as a diagnosis does.
type diagnosed struct {
	*diagnosis
	pool *browser.Pool
	path string
}

// newDiagnosed makes a worker; file gives the text of a site file by its name.
func newDiagnosed(t *testing.T, cycles int, file func(s *leaky.Server, base, name string) []byte, names ...string) *diagnosed {
	ctx := memoryCtx(t)
	server := leaky.New(leaky.Options{})
	web := httptest.NewServer(server.Handler())
	t.Cleanup(func() { require.NoError(t, server.Close()); web.Close() })
	var list []*sites.Site
	for _, name := range names {
		site, err := sites.Parse(name+".yaml", file(server, web.URL, name))
		require.NoError(t, err)
		list = append(list, site)
	}
	kept, err := store.Open(ctx, filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.Close()) })
	pool := browsertest.Pool(t, 4)
	path := filepath.Join(t.TempDir(), "run"+memprof.RecordingSuffix)
	memory, err := NewMemory(pool, MemoryOptions{Level: memprof.LevelFull, Path: path, SpikeInterval: SpikeInterval, Judged: cycles, StoreSize: kept.Size})
	require.NoError(t, err)
	w, err := New(Options{Sites: list, Store: kept, Pool: pool, Memory: memory})
	require.NoError(t, err)
	return &diagnosed{diagnosis: &diagnosis{w: w, memory: memory, names: names, o: DiagnoseOptions{Cycles: cycles, Dir: t.TempDir()}.withDefaults()}, pool: pool, path: path}
}

func caseFile(s *leaky.Server, base, name string) []byte { return s.SiteFile(name, base) }
func taskFile(s *leaky.Server, base, name string) []byte { return s.TaskSite(name, base) }

// read judges the recording, which ends with it.
func (d *diagnosed) read(t *testing.T) memprof.Diagnosis {
	require.NoError(t, d.memory.Close(context.Background()))
	file, err := os.Open(d.path)
	require.NoError(t, err)
	defer file.Close()
	found, err := memprof.Diagnose(file)
	require.NoError(t, err)
	return found
}

// A renderer that is killed in the middle of a cycle costs the readings of its page: the diagnosis
// goes on, and says so.
func TestADiagnosisOutlivesWhatItMeasures(t *testing.T) {
	d := newDiagnosed(t, 6, caseFile, "global-array")
	ctx := memoryCtx(t)
	o := d.o
	o.NoHeap = true
	var stages []string
	var mu sync.Mutex // guards stages
	o.OnCycle = func(p DiagnosisProgress) {
		mu.Lock()
		defer mu.Unlock()
		stages = append(stages, p.Stage)
	}
	killed := 0
	o.Fault = func(_ context.Context, cycle int) error {
		if cycle != 3 {
			return nil
		}
		for _, tab := range d.pool.Tabs() {
			pid, err := tab.Tab.RendererPID(memoryCtx(t))
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			<-tab.Tab.Ended()
			killed++
		}
		return nil
	}
	require.NoError(t, d.w.Diagnose(ctx, o))
	require.Equal(t, 1, killed, "the page that stays open")
	found := d.read(t)
	require.Contains(t, strings.Join(found.NotMeasured, "\n"), "devtools/collect collect of page: ", "what the killed page did not answer is told")
	require.Equal(t, 6, found.Judged)
	require.Len(t, found.Cycles, 6)
	require.Len(t, found.Recreate, 4)
	require.Contains(t, stages, memprof.RecreateCycle)
	for _, c := range found.Cycles {
		sum := 0.0
		for _, change := range c.Phases {
			sum += change
		}
		require.InDelta(t, c.Change, sum, 1, "cycle %d", c.Cycle)
	}
	openPages := memprof.Series{Metric: "target.count", Group: "page"}
	require.Equal(t, 1.0, found.Cycles[0].Values[openPages])
	require.Equal(t, found.Cycles[0].Values[openPages], found.Cycles[5].Values[openPages], "the killed page is closed")
	require.Equal(t, []string{"global-array"}, found.Sites)
	require.NotNil(t, found.Control)
}

// What goes wrong in a late cycle ends a diagnosis, and the cycles before it are judged. They were lost.
func TestADiagnosisThatEndsEarlyIsJudged(t *testing.T) {
	d := newDiagnosed(t, 6, caseFile, "global-array")
	o := d.o
	o.NoHeap = true
	away := errors.New("the database is away")
	o.Fault = func(_ context.Context, cycle int) error {
		if cycle == 4 {
			return away
		}
		return nil
	}
	err := d.w.Diagnose(memoryCtx(t), o)
	require.ErrorIs(t, err, ErrEarly)
	require.ErrorIs(t, err, away)
	require.ErrorContains(t, err, "after 3 cycles")
	require.Equal(t, 3, d.read(t).Judged)
}

// Two tasks overlap. The one that takes the memory begins first and ends last; the other is the
// last that began before memory rose, and the last that ended while it did: what a log shows beside
// the peak is not the guilty one.
func TestASpikeAmongOverlappingTasksIsGivenToTheGuiltyOne(t *testing.T) {
	const cycles = 4
	d := newDiagnosed(t, cycles, taskFile, leaky.TaskScan, leaky.TaskBuild)
	ctx := memoryCtx(t)
	d.o.Parallel = true
	require.NoError(t, d.memory.Recorder.Note(memprof.PlanNote, memprof.Plan{Cycles: cycles, Parallel: true, Sites: []memprof.PlanSite{{Name: leaky.TaskScan}, {Name: leaky.TaskBuild}}}))
	err := d.w.measured(ctx, func() error {
		working, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- d.w.engine.Run(working) }()
		require.NoError(t, d.pool.Start(ctx))
		for number := 1; number <= cycles; number++ {
			d.overlap(t, ctx, number)
		}
		stop()
		return <-ended
	})
	require.NoError(t, err)
	found := d.read(t)
	require.Equal(t, "spike", found.Profile)
	require.Len(t, found.Spikes, cycles)
	guilty := 0
	for _, p := range found.Spikes {
		if p.Phase == "scrape build" {
			guilty++
		}
		require.Positive(t, p.Velocity) // how fast depends on the machine
		require.Greater(t, p.Height, 80e6)
		require.True(t, p.Recovered || p.Cycle == 1, "the first cycle opens the tabs, which stay")
	}
	// What a log shows beside the peak would be wrong in each cycle. Where the machine does other work, readings
	// come late and may be so too.
	require.GreaterOrEqual(t, guilty, cycles/2, found.Spikes)
}

// overlap works one cycle in which the scan begins half a second after the build.
func (d *diagnosed) overlap(t *testing.T, ctx context.Context, number int) {
	cycle := d.memory.Recorder.Cycle(memprof.JudgedCycle, d.names...)
	d.w.meter.within(cycle, d.endPhase)
	defer d.w.meter.within(nil, nil)
	var wg sync.WaitGroup
	for _, task := range []string{leaky.TaskBuild, leaky.TaskScan} {
		wg.Go(func() {
			if task == leaky.TaskScan {
				_ = pause(ctx, 500*time.Millisecond)
			}
			if err := d.runSite(ctx, task, number); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.NoError(t, d.rest(ctx, cycle))
	cycle.End(ctx)
}
