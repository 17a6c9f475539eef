package main

import (
	"context"
	"fmt"

	"github.com/ebbworker/ebb/memprof/stats/study"
)

// selftestStatistics judges simulated series and analyses simulated trials whose truth is known, and prints how often
// they are right beside what they are held to. The same program prints the same tables.
func (a *app) selftestStatistics(ctx context.Context) error {
	result, err := study.Run(ctx, study.Options{})
	if err != nil {
		return err
	}
	if err := result.Write(a.stdout); err != nil {
		return err
	}
	trials, err := study.RunTrials(ctx, study.TrialOptions{})
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := trials.Write(a.stdout); err != nil {
		return err
	}
	if len(result.Failures())+len(trials.Failures()) > 0 {
		return &exitError{code: exitLeak}
	}
	return nil
}
