package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/memprof"
)

func newReportCommand(a *app) *cobra.Command {
	var files diagnosisFiles
	var verdicts []string
	cmd := &cobra.Command{
		Use:   "report RECORDING",
		Short: "Judge a recording again, as text, JSON or HTML",
		Long: `Judge a recording of 'ebb diagnose', 'ebb experiment' or 'ebb soak' again, and show what it says.
The same recording gives the same report, byte for byte. A recording of 'ebb run' can be
read too; its memory was not collected before the readings, so less can be said.`,
		Example: `  ebb report run.ebb.jsonl
  ebb report run.ebb.jsonl --html report.html
  ebb report run.ebb.jsonl --json - | jq .rate`,
		Args: oneArgument("a recording"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFailOn(verdicts); err != nil {
				return err
			}
			if err := files.check(args[0]); err != nil {
				return err
			}
			switch soak, err := readSoak(args[0]); {
			case err == nil:
				return a.reportSoak(args[0], soak, files, verdicts)
			case !errors.Is(err, memprof.ErrNoSoak):
				return err
			}
			tally, err := readTally(args[0])
			if err != nil {
				return err
			}
			if tally.IsExperiment() {
				if len(verdicts) > 0 {
					return usageErrorf("--fail-on: %s is of an experiment, which has no verdict", args[0])
				}
				_, err := a.showExperiment(tally, files)
				return err
			}
			d, err := a.showDiagnosis(tally, files)
			return failOn(d, verdicts, err)
		},
	}
	files.addFlags(cmd)
	cmd.Flags().StringSliceVar(&verdicts, "fail-on", nil, failOnUsage)
	return cmd
}

// reportSoak shows the soak that a recording is of.
func (a *app) reportSoak(path string, tally *memprof.SoakTally, files diagnosisFiles, verdicts []string) error {
	switch {
	case len(verdicts) > 0:
		return usageErrorf("--fail-on: %s is of a soak, which ends with exit code 3 or 5 where it is not flat", path)
	case files.html != "":
		return usageErrorf("--html: %s is of a soak, which has no page; its recording of single runs has too much for one", path)
	}
	return a.showSoak(tally.Soak(), files.json)
}
