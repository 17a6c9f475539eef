package main

import (
	"context"

	"github.com/ebbworker/ebb/memprof/stats/study"
)

// selftestStatistics judges simulated series whose truth is known, and prints how often the judge
// is right beside what it is held to. The same program prints the same table.
func (a *app) selftestStatistics(ctx context.Context) error {
	result, err := study.Run(ctx, study.Options{})
	if err != nil {
		return err
	}
	if err := result.Write(a.stdout); err != nil {
		return err
	}
	if len(result.Failures()) > 0 {
		return &exitError{code: exitLeak}
	}
	return nil
}
