package store

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Item is a site's item as the latest run that met it saw it.
type Item struct {
	Site string
	Kind string
	Key  string
	// URL is the page that it was taken from.
	URL string
	// Data are the fields as a JSON object, in the order of the site file.
	Data json.RawMessage
	// Hash changes when the content does.
	Hash string
	// FirstSeen and LastSeen are when its page was visited first and last; Changed is when
	// its content was first seen as it is now.
	FirstSeen, LastSeen, Changed time.Time
	// FirstRun, LastRun and ChangedRun are the runs that belong to these times.
	FirstRun, LastRun, ChangedRun int64
}

// ItemTime is one of an item's times.
type ItemTime string

const (
	LastSeen  ItemTime = "seen"    // when it was seen last
	FirstSeen ItemTime = "first"   // when it was seen first
	Changed   ItemTime = "changed" // when its content last changed, or it was new
)

// Known says whether there is such a time.
func (t ItemTime) Known() bool { return t == LastSeen || t == FirstSeen || t == Changed }

// Change chooses items by what a run found them to be.
type Change string

const (
	AnyChange    Change = ""            // all
	OnlyNew      Change = "new"         // never seen before
	OnlyChanged  Change = "changed"     // seen with other content than before
	NewOrChanged Change = "new,changed" // either
)

// Known says whether there is such a choice.
func (c Change) Known() bool {
	return c == AnyChange || c == OnlyNew || c == OnlyChanged || c == NewOrChanged
}

// ItemFilter chooses items. Its zero value chooses all.
type ItemFilter struct {
	// Site and Kind are names. Default: "", all.
	Site, Kind string
	// Run chooses the items that this run saw and no later one. Default: 0, all.
	Run int64
	// Since and Until bound the time that By names: Since <= time < Until. Default:
	// zero, no bound.
	Since, Until time.Time
	// By is the time that Since and Until bound. Default: LastSeen.
	By ItemTime
	// Change chooses by what the latest run that saw the item found. Default: AnyChange.
	Change Change
}

const itemColumns = `site, kind, key, long_key, url, hash, data, first_seen, last_seen, changed_at,
	first_run, last_run, changed_run`

func scanItem(row Row) (Item, error) {
	var item Item
	var key, long, data string
	var first, last, changed int64
	err := row.Scan(&item.Site, &item.Kind, &key, &long, &item.URL, &item.Hash, &data, &first, &last, &changed,
		&item.FirstRun, &item.LastRun, &item.ChangedRun)
	item.Key, item.Data = wholeKey(key, long), json.RawMessage(data)
	item.FirstSeen, item.LastSeen, item.Changed = fromMicros(first), fromMicros(last), fromMicros(changed)
	return item, err
}

// Items yields the chosen items by site, kind and key, in the order of their bytes. An
// error is yielded last.
func (s *Store) Items(ctx context.Context, filter ItemFilter) iter.Seq2[Item, error] {
	where := filter.conditions()
	return stream(ctx, s, scanItem, "read items",
		"SELECT "+itemColumns+" FROM items"+where.text()+" ORDER BY site, kind, key", where.args...)
}

func (f ItemFilter) conditions() conditions {
	var where conditions
	if f.Site != "" {
		where.add("site = $", f.Site)
	}
	if f.Kind != "" {
		where.add("kind = $", f.Kind)
	}
	if f.Run != 0 {
		where.add("last_run = $", f.Run)
	}
	column := map[ItemTime]string{FirstSeen: "first_seen", Changed: "changed_at"}[f.By]
	if column == "" {
		column = "last_seen"
	}
	if !f.Since.IsZero() {
		where.add(column+" >= $", micros(f.Since))
	}
	if !f.Until.IsZero() {
		where.add(column+" < $", micros(f.Until))
	}
	switch f.Change {
	case OnlyNew:
		where.addText("first_run = last_run")
	case OnlyChanged:
		where.addText("changed_run = last_run AND first_run <> last_run")
	case NewOrChanged:
		where.addText("changed_run = last_run")
	}
	return where
}
