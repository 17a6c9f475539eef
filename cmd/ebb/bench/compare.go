package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// Options say what is compared, and how.
type Options struct {
	Comparisons []Comparison
	Concurrency []int
	// Pairs is how often each arm makes a round. Pages is how many pages a round has.
	Pairs, Pages int
	// Command is the process of an arm, which calls Serve.
	Command func(arm Arm, concurrency int) *exec.Cmd
	// Say is told what is being done. Needed.
	Say func(text string)
}

// Run makes all comparisons, one after the other. Items that are wrong are told by the result; an error
// says that something could not be measured, and that what runs has been ended.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &Result{Schema: Schema, Began: time.Now(), Pairs: o.Pairs, Pages: o.Pages}
	for _, comparison := range o.Comparisons {
		for _, concurrency := range o.Concurrency {
			outcome, err := o.compare(ctx, comparison, concurrency)
			if err != nil {
				return nil, fmt.Errorf("%s, %d at once: %w", comparison.Name, concurrency, err)
			}
			r.Comparisons = append(r.Comparisons, outcome)
		}
	}
	r.Seconds = time.Since(r.Began).Seconds()
	return r, nil
}

// compare has the arms of one comparison take turns.
func (o Options) compare(ctx context.Context, c Comparison, concurrency int) (out Outcome, err error) {
	var arms []*process
	defer func() {
		for _, p := range arms {
			p.end() // all of them at once
		}
		for _, p := range arms {
			if stopErr := p.stop(); err == nil {
				err = stopErr
			}
		}
	}()
	for _, arm := range c.Arms {
		o.Say(fmt.Sprintf("%s, %d at once: %s starts", c.Name, concurrency, arm.Name))
		p, err := start(ctx, arm, o.Command(arm, concurrency), o.Pages)
		if err != nil {
			return out, err
		}
		arms = append(arms, p)
		if _, err := p.round(ctx); err != nil { // caches and compiled code are as they will be
			return out, ended(p, err)
		}
	}
	rounds := make([][]Measured, len(arms))
	for pair := range o.Pairs {
		for _, i := range turns(len(arms), pair) {
			p := arms[i]
			m, err := p.round(ctx)
			if err != nil {
				return out, ended(p, err)
			}
			rounds[i] = append(rounds[i], m)
			o.Say(fmt.Sprintf("%s, %d at once, pair %d of %d: %s %.1f pages/s", c.Name, concurrency, pair+1, o.Pairs, p.arm.Name, m.pagesPerSecond()))
		}
	}
	return newOutcome(c, concurrency, rounds), nil
}

// turns is the order of the arms in a pair: another begins each time, so that after as many pairs as there are arms
// each has had each place.
func turns(arms, pair int) []int {
	order := make([]int, arms)
	for i := range order {
		order[i] = (i + pair) % arms
	}
	return order
}

// ended adds why an arm's process has ended, where it has.
func ended(p *process, err error) error {
	if !errors.Is(err, errEnded) {
		return err
	}
	if stopErr := p.stop(); stopErr != nil {
		return stopErr
	}
	return err
}
