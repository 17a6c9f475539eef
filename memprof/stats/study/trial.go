package study

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/ebbworker/ebb/memprof/stats"
)

// TrialOptions say how large the study of trials is.
type TrialOptions struct {
	// Reps is the number of trials of each kind. Default 500.
	Reps int
	// Seed chooses the trials. Default 1.
	Seed uint64
	// Workers is how many trials are analysed at a time. Default GOMAXPROCS.
	Workers int
}

// TrialRow is what became of the trials of one kind.
type TrialRow struct {
	Truth TrialTruth
	Reps  int // trials

	Effects int // estimated
	Covered int // of them, those whose interval holds the truth
	Nulls   int // trials in which a factor has no effect
	False   int // of them, those in which one was said to help or to harm, at any look
	Differ  int // trials of which the two "nothing" are said to differ
	Right   int // trials of which every verdict is right
	Wrong   int // trials with a verdict that is not right, and not "cannot tell"
	First   int // the first trials in a row that are right
}

// TrialResult is a study of trials.
type TrialResult struct {
	Seed uint64
	Rows []TrialRow
}

// RunTrials makes and analyses the trials. It ends early with the context's error.
func RunTrials(ctx context.Context, o TrialOptions) (TrialResult, error) {
	if o.Reps <= 0 {
		o.Reps = 500
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	result := TrialResult{Seed: o.Seed, Rows: make([]TrialRow, len(TrialTruths))}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range o.Workers {
		wait.Go(func() {
			for {
				// The rows at the end take the longest.
				i := len(TrialTruths) - int(next.Add(1))
				if i < 0 || ctx.Err() != nil {
					return
				}
				result.Rows[i] = TrialRow{Truth: TrialTruths[i], Reps: o.Reps}
				result.Rows[i].run(ctx, o.Seed)
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return TrialResult{}, fmt.Errorf("study of trials: %w", err)
	}
	return result, nil
}

// run makes and analyses the trials of a row, each with a generator of its own.
func (r *TrialRow) run(ctx context.Context, seed uint64) {
	arms, err := stats.TrialArms(r.Truth.Scheme, r.Truth.factors())
	if err != nil {
		panic(err) // the table is wrong
	}
	for rep := range r.Reps {
		if ctx.Err() != nil {
			return
		}
		blocks := r.Truth.blocks(newGenerator(seed^r.Truth.key(), uint64(rep)), arms)
		outcome := r.Truth.judge(blocks, arms)
		r.Effects += outcome.effects
		r.Covered += outcome.covered
		r.Nulls += one(outcome.null)
		r.False += one(outcome.false)
		r.Right += one(outcome.right)
		r.Wrong += one(outcome.wrong)
		r.Differ += one(outcome.differs)
		if outcome.right && r.First == rep {
			r.First++
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// trialOutcome is how the analysis of one trial compares with the truth.
type trialOutcome struct {
	effects, covered                   int
	null, false, right, wrong, differs bool
}

// judge analyses a trial, after each replicate if it is looked at more than once.
func (t TrialTruth) judge(blocks []stats.TrialBlock, arms [][]bool) trialOutcome {
	o := t.options()
	first := t.Replicates
	if o.Looks > 1 || o.Open {
		first = 1
	}
	var out trialOutcome
	for look := first; look <= t.Replicates; look++ {
		o.Look = look
		out.effects, out.covered, out.right = 0, 0, true
		r := stats.AnalyseTrial(blocks[:look*len(blocks)/t.Replicates], o)
		out.differs = r.Differs
		out.compare(t, r, arms)
	}
	return out
}

// compare adds what an analysis says.
func (out *trialOutcome) compare(t TrialTruth, r stats.Trial, arms [][]bool) {
	for _, e := range r.Effects {
		truth := t.effect(e, arms)
		neutral := 0.
		if t.Of == stats.Ratio {
			neutral = 1
		}
		out.effects++
		const rounding = 1e-9
		if e.Lo <= truth+rounding && truth-rounding <= e.Hi {
			out.covered++
		}
		if e.Kind != t.primary() {
			continue
		}
		want := stats.NoEffect
		switch {
		case truth < neutral-rounding:
			want = stats.Helps
		case truth > neutral+rounding:
			want = stats.Harms
		default:
			out.null = true
			out.false = out.false || e.Verdict == stats.Helps || e.Verdict == stats.Harms
		}
		out.right = out.right && e.Verdict == want
		out.wrong = out.wrong || e.Verdict != want && e.Verdict != stats.CannotTell
	}
}

// primary is the kind of effect that the verdicts are for.
func (t TrialTruth) primary() stats.TrialKind {
	switch t.Scheme {
	case stats.Factorial:
		return stats.MainEffect
	case stats.LeaveOneOut:
		return stats.LeaveOneOutEffect
	}
	return stats.SoloEffect
}
