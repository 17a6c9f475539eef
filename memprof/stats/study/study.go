// Package study measures how often the judge of memprof/stats is right: on seeded series whose truth is known.
//
// Each [Row] is one truth at one length: how often it was called a leak, how often the 95 %
// interval held the true rate, which shape was named. The limits beside a row are what the judge is
// held to. The unit is the standard deviation of the noise.
//
// [RunTrials] does the same for trials of factors that are on in some blocks of cycles and off in others.
package study

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ebbworker/ebb/memprof/stats"
)

// Options say how large the study is.
type Options struct {
	// Reps is the number of series of each truth without a leak. Default 500.
	Reps int
	// LeakReps is the number of series of each truth with a leak. Default Reps.
	LeakReps int
	// Seed chooses the series: the same seed gives the same result, whatever the number of
	// workers. Default 1.
	Seed uint64
	// N are the lengths of the series, in cycles. Default 20 and 30, for which there are limits.
	N []int
	// Workers is how many series are judged at a time. Default GOMAXPROCS.
	Workers int
}

func (o Options) withDefaults() Options {
	if o.Reps <= 0 {
		o.Reps = 500
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.LeakReps <= 0 {
		o.LeakReps = o.Reps
	}
	if len(o.N) == 0 {
		o.N = []int{20, 30}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// Thresholds are those with which the series are judged: growth matters from a twentieth of the noise.
var Thresholds = stats.Options{Delta: .05, Floor: .01, MinStep: 2, MinSpike: 2}

// Row is what became of the series of one truth.
type Row struct {
	Truth Truth
	N     int // cycles
	Reps  int // series

	Classes map[stats.Class]int // verdicts
	Shapes  map[stats.Shape]int // of those called a leak, the shape
	Covered int                 // series whose 95 % interval holds the true rate
	Error   float64             // mean of the estimated rate less the true one; 0 without a true one
	Needed  int                 // mean of the further cycles that undecided series are said to need
	Saws    int                 // series in which a sawtooth was seen
	Planted int                 // spikes put into the series
	Spikes  int                 // of them, found
}

// Result is a study.
type Result struct {
	Seed uint64
	Rows []Row
}

// Run makes and judges the series. It ends early with the context's error.
func Run(ctx context.Context, o Options) (Result, error) {
	o = o.withDefaults()
	result := Result{Seed: o.Seed}
	for _, n := range o.N {
		for _, truth := range Truths {
			reps := o.Reps
			if truth.Leaks {
				reps = o.LeakReps
			}
			result.Rows = append(result.Rows, Row{Truth: truth, N: n, Reps: reps})
		}
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range o.Workers {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(result.Rows) || ctx.Err() != nil {
					return
				}
				result.Rows[i].run(ctx, o.Seed)
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("study of the judge: %w", err)
	}
	return result, nil
}

// run judges the series of a row. Each series has a generator of its own, so that neither the order of the rows
// nor the number of repetitions changes it.
func (r *Row) run(ctx context.Context, seed uint64) {
	r.Classes, r.Shapes = make(map[stats.Class]int), make(map[stats.Shape]int)
	undecided, needed := 0, 0
	for rep := range r.Reps {
		if ctx.Err() != nil {
			return
		}
		g := newGenerator(seed^r.Truth.key(), uint64(r.N)<<32|uint64(rep))
		j := stats.Judge(r.Truth.make(g, r.N), Thresholds)
		if j.Sawtooth {
			r.Saws++
		}
		r.Planted += len(g.spiked)
		for at := range g.spiked {
			if slices.Contains(j.Spikes, at) {
				r.Spikes++
			}
		}
		r.Classes[j.Class]++
		if j.Class == stats.Leak {
			r.Shapes[j.Shape]++
		}
		if j.CyclesNeeded > 0 {
			undecided++
			needed += j.CyclesNeeded
		}
		if !math.IsNaN(r.Truth.Rate) {
			if j.Rate.Lo <= r.Truth.Rate && r.Truth.Rate <= j.Rate.Hi {
				r.Covered++
			}
			r.Error += (j.Rate.Value - r.Truth.Rate) / float64(r.Reps)
		}
	}
	if undecided > 0 {
		r.Needed = needed / undecided
	}
}

// percent is the part of the row's series, in percent.
func (r Row) percent(count int) float64 { return 100 * float64(count) / float64(r.Reps) }

// Leaks is how many of the series were called a leak, in percent.
func (r Row) Leaks() float64 { return r.percent(r.Classes[stats.Leak]) }

// Coverage is how many intervals hold the true rate, in percent; NaN without a true rate.
func (r Row) Coverage() float64 {
	if math.IsNaN(r.Truth.Rate) {
		return math.NaN()
	}
	return r.percent(r.Covered)
}
