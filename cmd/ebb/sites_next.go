package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

// maxNext bounds how many runs `sites next` shows.
const maxNext = 10_000

func newSitesNextCommand(a *app) *cobra.Command {
	var options struct {
		count int
		from  string
		json  bool
	}
	cmd := &cobra.Command{
		Use:   "next [SITE|FILE...]",
		Short: "Show when the sites run next",
		Long: `Show the next runs of the sites named, or of all, merged in the order in which they
are due: in the zone of the site, in local time, and how long it is until then.
A site's jitter is not part of the times; a site that was set aside has none.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if options.count < 1 || options.count > maxNext {
				return usageErrorf("-n %d: give a number from 1 to %d", options.count, maxNext)
			}
			now := time.Now()
			from, err := parseMoment(options.from, now)
			if err != nil {
				return err
			}
			picked, err := a.pickSites(names)
			if err != nil {
				return err
			}
			standings := a.standings(cmd.Context())
			a.noteAside(picked, standings, now)
			runs := nextRuns(onSchedule(picked, standings), from, options.count)
			a.noteUnscheduled(picked, len(names) > 0 || len(runs) == 0)
			if options.json {
				return a.nextJSON(runs)
			}
			return showNext(a.out(), runs, now)
		},
	}
	cmd.Flags().IntVarP(&options.count, "number", "n", 5, "show the next `N` runs")
	cmd.Flags().StringVar(&options.from, "from", "", "begin at this `time`: 2026-01-31, \"2026-01-31 15:04\", 2026-01-31T15:04:05Z")
	cmd.Flags().BoolVar(&options.json, "json", false, jsonHelp)
	return cmd
}

// momentLayouts are the ways to write a time on the command line; those without a zone
// are local.
var momentLayouts = []string{
	time.RFC3339, "2006-01-02", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05",
}

// parseMoment reads a time; "" is now.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	for _, layout := range momentLayouts {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageErrorf("--from %q is no time; write 2026-01-31, \"2026-01-31 15:04\" or 2026-01-31T15:04:05Z", text)
}

// plannedRun is a time at which a site is due.
type plannedRun struct {
	site string
	at   time.Time // in the site's zone
}

// nextRuns are the first n runs of all sites together.
func nextRuns(picked []*sites.Site, from time.Time, n int) []plannedRun {
	var runs []plannedRun
	for _, site := range picked {
		for _, at := range site.Next(from, n) {
			runs = append(runs, plannedRun{site.Name, at})
		}
	}
	slices.SortStableFunc(runs, func(a, b plannedRun) int { return a.at.Compare(b.at) })
	return runs[:min(n, len(runs))]
}

// noteUnscheduled tells why a site that was asked for is not shown.
func (a *app) noteUnscheduled(picked []*sites.Site, tell bool) {
	for _, site := range picked {
		if site.Schedule == "" && tell {
			fmt.Fprintf(a.stderr, "note: site %s has no schedule: it runs only when asked\n", site.Name)
		}
	}
}

func showNext(out output.Terminal, runs []plannedRun, now time.Time) error {
	if len(runs) == 0 {
		return nil
	}
	table := output.NewTable(
		output.Column{Title: "SITE"},
		output.Column{Title: "IN ITS ZONE", Keep: true},
		output.Column{Title: "LOCAL TIME", Keep: true},
		output.Column{Title: "WHEN", Keep: true})
	for _, run := range runs {
		table.Add(run.site, run.at.Format(clockTime), run.at.Local().Format(clockTime), output.Ago(run.at, now))
	}
	return table.Write(out)
}

func (a *app) nextJSON(runs []plannedRun) error {
	for _, run := range runs {
		row := struct {
			Site string `json:"site"`
			At   string `json:"at"`
		}{run.site, run.at.Format(time.RFC3339)}
		if err := writeJSONLine(a.stdout, row); err != nil {
			return err
		}
	}
	return nil
}
