package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// soakTruth compares what runs take with what their pages hold.
type soakTruth struct {
	pages map[string]soakPage // by site

	// tell is told of each run that is not as it should be. Needed before the first run.
	tell func(string)

	mu    sync.Mutex // owns what follows
	taken map[int64]*soakTaken
	ran   map[string]int // runs of each site that were compared
}

// soakTaken is what one run has taken so far.
type soakTaken struct {
	items map[string]int
	wrong int
}

func newSoakTruth() *soakTruth {
	return &soakTruth{pages: map[string]soakPage{}, taken: map[int64]*soakTaken{}, ran: map[string]int{}}
}

// right names an item, and says whether it is one that the page holds.
func (p soakPage) right(data json.RawMessage) (key string, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || json.Unmarshal(fields[p.key], &key) != nil {
		return "", false
	}
	want, held := p.items[key]
	return key, held && (want == nil || sameJSON(want, data))
}

// saved takes the items of a page that is stored.
func (t *soakTruth) saved(site string, run int64, result crawl.PageResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.taken[run]
	if taken == nil {
		taken = &soakTaken{items: map[string]int{}}
		t.taken[run] = taken
	}
	for _, item := range result.Items {
		key, ok := t.pages[site].right(item.Data)
		if !ok {
			taken.wrong++
			continue
		}
		taken.items[key]++
	}
}

// check compares runs that have ended.
func (t *soakTruth) check(runs []store.Run) (sum memprof.SoakItems) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, run := range runs {
		taken := t.taken[run.ID]
		if taken == nil {
			taken = &soakTaken{}
		}
		delete(t.taken, run.ID)
		t.ran[run.Site]++
		came := t.pages[run.Site].compare(run, taken)
		if !came.Right() {
			t.tell(fmt.Sprintf("run %d of %s: %s %s %s: %s", run.ID, run.Site, run.State, run.Class, run.Error, soakItems(came)))
		}
		sum.Add(came)
	}
	return sum
}

// compare compares one run: what it published, and what it took page by page. An item is lost where
// either lacks it.
func (p soakPage) compare(run store.Run, taken *soakTaken) memprof.SoakItems {
	published := run.Items.New + run.Items.Changed + run.Items.Same
	sum := memprof.SoakItems{Expected: len(p.items), Stored: published, Wrong: taken.wrong}
	for key := range p.items {
		switch n := taken.items[key]; {
		case n == 0:
			sum.Lost++
		case n > 1:
			sum.Doubled += n - 1
		}
	}
	sum.Lost = max(sum.Lost, len(p.items)-published)
	sum.Doubled = max(sum.Doubled, published-len(p.items))
	if len(p.fails) > 0 {
		if run.State != store.RunFailed || !slices.Contains(p.fails, run.Class) {
			sum.Runs++
		}
	} else if run.State != store.RunDone {
		sum.Runs++
	}
	return sum
}

// errItems is what is stored at the end, where it is not what the pages hold.
func errItems(lost, wrong int) error {
	if lost == 0 && wrong == 0 {
		return nil
	}
	return withCode(exitLeak, fmt.Errorf("the database is not as the pages are: %d items are lost, %d wrong", lost, wrong))
}

// stored compares what the database holds in the end with what the pages hold.
func (t *soakTruth) stored(ctx context.Context, s *store.Store) error {
	found := map[string]map[string]bool{}
	wrong := 0
	for item, err := range s.Items(ctx, store.ItemFilter{}) {
		if err != nil {
			return err
		}
		page := t.pages[item.Site]
		key, ok := page.right(item.Data)
		if !ok || found[item.Site][key] {
			wrong++
		}
		if found[item.Site] == nil {
			found[item.Site] = map[string]bool{}
		}
		found[item.Site][key] = true
	}
	lost := 0
	for name, page := range t.pages {
		if t.ran[name] == 0 {
			continue
		}
		for key := range page.items {
			if !found[name][key] {
				lost++
			}
		}
	}
	return errItems(lost, wrong)
}
