package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/goruntime"
	"github.com/ebbworker/ebb/memprof/linux"
	"github.com/ebbworker/ebb/worker/store"
)

// SoakOptions say how long a worker is soaked.
type SoakOptions struct {
	// Plan is written into the recording; its Cycles are worked, unless they take longer than Budget.
	Plan memprof.SoakPlan
	// Budget is after how long no further cycle is begun. Default: 0, no bound.
	Budget time.Duration
	// Check compares the runs of a cycle, which have ended, with the truth of their pages. Needed.
	Check func(runs []store.Run) memprof.SoakItems
	// Temporary counts what the worker has in the temporary folder. Needed.
	Temporary func() (int, error)
	// OnCycle is told of each cycle that ends. Needed.
	OnCycle func(memprof.SoakCycle)
}

// soakSettle is how long memory settles after the last run of a cycle, which has settled itself.
const soakSettle = 50 * time.Millisecond

// Soak runs all sites again and again, as fast as they go and as many at once as in production, and
// reads memory when each cycle has ended. Only this program's own garbage is collected before it is read:
// Chrome is as it is. If ctx ends, the cycles so far stand.
func (w *Worker) Soak(ctx context.Context, o SoakOptions) error {
	if w.options.Memory.Recorder == nil {
		return errors.New("soak the worker: nothing is measured; set memory.profile to cheap")
	}
	s := &soak{w: w, o: o, own: w.ownSources(), wanted: memprof.SoakSeries()}
	return w.working(ctx, s.run)
}

// soak is a soak under way. One goroutine owns it.
type soak struct {
	w      *Worker
	o      SoakOptions
	own    []memprof.Source // what is read of this program and its database besides
	wanted []memprof.Series
}

// ownSources read what the recorder leaves out at the level of production: the open files of this
// program, and the size of the database.
func (w *Worker) ownSources() []memprof.Source {
	return []memprof.Source{linux.NewProcesses(linux.Options{}), storeSize{w.options.Store.Size}}
}

func (s *soak) run(ctx context.Context) error {
	pruning, stop := context.WithCancel(ctx)
	pruned := make(chan struct{})
	go func() {
		defer close(pruned)
		s.w.prune(pruning)
	}()
	defer func() {
		stop()
		<-pruned
	}()
	if err := s.w.options.Memory.Recorder.Note(memprof.SoakNote, s.o.Plan); err != nil {
		return err
	}
	began := time.Now()
	for number := 1; number <= s.o.Plan.Cycles; number++ {
		if s.o.Budget > 0 && time.Since(began) >= s.o.Budget {
			return nil
		}
		if err := s.cycle(ctx, number); err != nil {
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil
			}
			return fmt.Errorf("cycle %d of the soak: %w", number, err)
		}
	}
	return nil
}

// cycle runs each site once and reads what memory came to.
func (s *soak) cycle(ctx context.Context, number int) error {
	began := time.Now()
	runs, err := s.runs(ctx)
	if err == nil {
		err = pause(ctx, soakSettle)
	}
	if err != nil {
		return err
	}
	c := memprof.SoakCycle{Cycle: number, Runs: len(runs), Items: s.o.Check(runs)}
	for _, r := range runs {
		c.Pages += r.Pages.Done + r.Pages.Failed
		if r.State == store.RunFailed {
			c.Failed++
		}
	}
	s.read(ctx, &c)
	c.Took = time.Since(began)
	if err := s.w.options.Memory.Recorder.Note(memprof.SoakCycleNote, c); err != nil {
		return err
	}
	s.o.OnCycle(c)
	return nil
}

// runs asks for a run of each site, and waits until all have ended.
func (s *soak) runs(ctx context.Context) ([]store.Run, error) {
	var asked []int64
	for _, site := range s.w.options.Sites {
		id, err := s.w.engine.Enqueue(ctx, site.Name)
		if err != nil {
			return nil, err
		}
		asked = append(asked, id)
	}
	runs := make([]store.Run, 0, len(asked))
	for _, id := range asked {
		run, err := s.w.engine.Wait(ctx, id)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// read takes the reading of a cycle. What cannot be read is missing from it.
func (s *soak) read(ctx context.Context, c *memprof.SoakCycle) {
	goruntime.Collect()
	goruntime.Collect() // what finalizers and pools held
	for _, b := range s.w.options.Pool.Browsers() {
		c.Chromes = append(c.Chromes, id(b))
	}
	q := memprof.Request{Level: memprof.LevelFull}
	var own []memprof.Reading
	for _, source := range s.own {
		own = append(own, source.Read(ctx, q)...)
	}
	all := s.w.options.Memory.Recorder.Read(ctx).Totals
	ours := memprof.NewTotals(q, own)
	c.Totals = memprof.Totals{Level: memprof.LevelFull, Values: map[memprof.Series]float64{}}
	for _, series := range s.wanted {
		from := all
		if row, _ := memprof.MetricOf(series.Metric); row.Level == memprof.LevelFull {
			from = ours
		}
		if value, ok := from.At(series); ok {
			c.Totals.Values[series] = value
		} else {
			c.Totals.Missing = append(c.Totals.Missing, series.String())
		}
	}
	if entries, err := s.o.Temporary(); err == nil {
		count := float64(entries)
		c.Temporary = &count
	}
}
