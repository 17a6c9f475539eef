package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/worker/store"
)

func newExportCommand(a *app) *cobra.Command {
	var filter store.ItemFilter
	var format, since, until, by, change string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the stored items as JSON lines, CSV or a table",
		Long: `Write the stored items, by site, kind and key, with when each was first seen, last
seen and last changed. Times are RFC 3339, a date, or a duration back from now.`,
		Example: `  ebb export --site shop --format csv > shop.csv
  ebb export --since 24h --by changed
  ebb export --site shop --changed new`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			form, err := output.ParseFormat(format)
			if err != nil {
				return usageErrorf("%w", err)
			}
			if filter.Run < 0 {
				return usageErrorf("--run: \"%d\" is not the number of a run; `ebb runs list` shows them", filter.Run)
			}
			if err := fillFilter(&filter, since, until, by, change, time.Now()); err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				return a.export(ctx, s, filter, form)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", string(output.FormatJSONL), "`format`: jsonl, csv or table")
	flags.StringVar(&filter.Site, "site", "", "only items of this `site`")
	flags.StringVar(&filter.Kind, "kind", "", "only items of this `kind`")
	flags.Int64Var(&filter.Run, "run", 0, "only items that this `run` saw last")
	flags.StringVar(&since, "since", "", "only items from this `time` on (see --by)")
	flags.StringVar(&until, "until", "", "only items before this `time` (see --by)")
	flags.StringVar(&by, "by", "seen", "`time` that --since and --until mean: seen, first or changed")
	flags.StringVar(&change, "changed", "", "only items that the latest run found `new`, changed, or new,changed (both)")
	return cmd
}

// fillFilter reads the flags that are not plain texts.
func fillFilter(filter *store.ItemFilter, since, until, by, change string, now time.Time) (err error) {
	if filter.Since, err = moment(since, now); err != nil {
		return usageErrorf("--since: %w", err)
	}
	if filter.Until, err = moment(until, now); err != nil {
		return usageErrorf("--until: %w", err)
	}
	filter.By, filter.Change = store.ItemTime(by), store.Change(change)
	if !filter.By.Known() {
		return usageErrorf("--by: there is no time %q; one of seen, first, changed", by)
	}
	if !filter.Change.Known() {
		return usageErrorf("--changed: there is no change %q; one of new, changed, and new,changed for both", change)
	}
	return nil
}

// moment reads a time: RFC 3339, a date in UTC, or a duration back from now.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if back, err := time.ParseDuration(text); err == nil && back >= 0 {
		return now.Add(-back), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-01-31, 2026-01-31T12:00:00Z, or 24h for a day ago", text)
}

func (a *app) export(ctx context.Context, s *store.Store, filter store.ItemFilter, format output.Format) error {
	records, err := newItemRecords(a.out(), format)
	if err != nil {
		return err
	}
	count := 0
	for item, err := range s.Items(ctx, filter) {
		if err == nil {
			count++
			err = records.Write(item)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("export: %w", err), records.Close())
		}
	}
	if count == 0 {
		fmt.Fprintf(a.stderr, "no such items in %s\n", s.Address())
	}
	return records.Close()
}
