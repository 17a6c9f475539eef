package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/worker/store"
)

// itemRecords writes stored items in a format. A table is written for each site and
// kind, since each kind has fields of its own; the items must come in that order.
type itemRecords struct {
	out     output.Terminal
	format  output.Format
	now     time.Time
	title   string // of the table that is being written
	records output.Records
}

func newItemRecords(out output.Terminal, format output.Format) (*itemRecords, error) {
	records, err := output.NewRecords(out, output.RecordOptions{Format: format})
	if err != nil {
		return nil, err
	}
	return &itemRecords{out: out, format: format, now: time.Now(), records: records}, nil
}

func (r *itemRecords) Write(item store.Item) error {
	if title := item.Site + ", " + item.Kind; r.format == output.FormatTable && title != r.title {
		if err := r.begin(title); err != nil {
			return err
		}
	}
	return r.records.Write(r.record(item))
}

// begin ends the table before and begins another.
func (r *itemRecords) begin(title string) error {
	records, err := output.NewRecords(r.out, output.RecordOptions{Format: r.format})
	if err = errors.Join(r.records.Close(), err); err != nil {
		return err
	}
	gap := "\n"
	if r.title == "" {
		gap = ""
	}
	r.title, r.records = title, records
	_, err = fmt.Fprintln(r.out, gap+output.CleanLine(title))
	return err
}

// Close writes what is left.
func (r *itemRecords) Close() error { return r.records.Close() }

// record is an item with what is known of it. A table has room for less.
func (r *itemRecords) record(item store.Item) output.Record {
	if r.format == output.FormatTable {
		return output.Record{Head: []output.HeadField{
			{Name: "key", Value: item.Key}, {Name: "changed", Value: output.Ago(item.Changed, r.now)},
		}, Data: item.Data}
	}
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return output.Record{Head: []output.HeadField{
		{Name: "site", Value: item.Site},
		{Name: "kind", Value: item.Kind},
		{Name: "key", Value: item.Key},
		{Name: "url", Value: item.URL},
		{Name: "first_seen", Value: stamp(item.FirstSeen)},
		{Name: "last_seen", Value: stamp(item.LastSeen)},
		{Name: "changed_at", Value: stamp(item.Changed)},
	}, Data: item.Data}
}
