package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// at is the i-th second of a day.
func at(i int) time.Time { return time.Date(2026, 3, 1, 0, 0, i, 0, time.UTC) }

// claim plans a run of a site and begins it.
func claim(tb testing.TB, s *store.Store, site string, scheduled time.Time) store.Run {
	tb.Helper()
	var run store.Run
	require.NoError(tb, s.InTx(context.Background(), func(tx store.Tx) error {
		id, added, err := s.AddRun(context.Background(), tx, store.Run{Site: site, ScheduledAt: scheduled, Reason: store.ReasonManual, State: store.RunPlanned})
		if err != nil || !added {
			return fmt.Errorf("added %v: %w", added, err)
		}
		run, err = s.Claim(context.Background(), tx, id, "w1")
		return err
	}))
	return run
}

// publish ends a run.
func publish(tb testing.TB, s *store.Store, run store.Run, state store.RunState) (store.Run, error) {
	tb.Helper()
	var ended store.Run
	err := s.InTx(context.Background(), func(tx store.Tx) (err error) {
		ended, err = s.Publish(context.Background(), tx, run.ID, run.Attempt, store.Ending{State: state})
		return err
	})
	return ended, err
}

// ref is a queued page; item an item whose content is its value.
func ref(key string) crawl.PageRef { return crawl.PageRef{Key: key, URL: key, Template: "list"} }

func item(key, value string) sites.Item {
	data, _ := json.Marshal(map[string]string{"v": value})
	return sites.Item{Kind: "product", Key: key, Data: data, Hash: "hash of " + value}
}

func done(key string, second int, items ...sites.Item) crawl.PageResult {
	return crawl.PageResult{PageRef: ref(key), State: crawl.PageDone, Status: 200, Started: at(second), Items: items}
}

func items(tb testing.TB, s *store.Store, filter store.ItemFilter) []store.Item {
	tb.Helper()
	var all []store.Item
	for one, err := range s.Items(context.Background(), filter) {
		require.NoError(tb, err)
		all = append(all, one)
	}
	return all
}

func keys(all []store.Item) []string {
	names := []string{}
	for _, one := range all {
		names = append(names, one.Key)
	}
	return names
}

func TestRunGoesOnWhereItWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		j := s.Journal(run.ID, run.Attempt)
		require.NoError(t, j.Queue(ctx, []crawl.PageRef{ref("http://a/1"), ref("http://a/2")}))
		require.NoError(t, j.Queue(ctx, []crawl.PageRef{ref("http://a/2"), {Key: "http://a/3", URL: "http://a/3#x", Template: "p", Depth: 2, Parent: "http://a/1"}}))
		page := done("http://a/1", 5, item("i1", "x"), item("i2", "y"))
		page.Found = []crawl.PageRef{ref("http://a/2"), ref("http://a/4")}
		page.Title, page.Bytes, page.Duration, page.FinalURL, page.Duplicates = "One", 1234, 1500*time.Millisecond, "http://a/one", 7
		require.NoError(t, j.Save(ctx, page))
		failed := crawl.PageResult{PageRef: ref("http://a/2"), State: crawl.PageFailed, Class: crawl.ClassTimeout, Error: "too slow"}
		failed.Attempts = 3
		require.NoError(t, j.Save(ctx, failed))
		require.NoError(t, j.Save(ctx, crawl.PageResult{PageRef: ref("http://b/robots"), State: crawl.PageSkipped, Class: crawl.ClassRobots}))
		again := crawl.PageRef{Key: "http://a/3", Attempts: 2}
		require.NoError(t, j.Retry(ctx, again, crawl.ClassCrash, "the tab crashed"))

		state, err := s.State(ctx, run.ID)
		require.NoError(t, err)
		require.Equal(t, crawl.State{
			Queued: []crawl.PageRef{
				{Key: "http://a/3", URL: "http://a/3#x", Template: "p", Depth: 2, Parent: "http://a/1", Attempts: 2},
				ref("http://a/4"),
			},
			Known: []string{"http://a/1", "http://a/2", "http://b/robots"}, Landed: []string{"http://a/one"}, Visited: 2, Items: 2,
		}, state)
		var pages []store.Page
		for one, err := range s.Pages(ctx, run.ID) {
			require.NoError(t, err)
			pages = append(pages, one)
		}
		page.Items, page.Found = nil, nil
		require.Equal(t, store.Page{PageResult: page, ItemCount: 2}, pages[0])
		require.Equal(t, "too slow", pages[1].Error)
		require.Equal(t, 3, pages[1].Attempts)
		require.Equal(t, crawl.ClassCrash, pages[2].Class)

		now, err := s.Run(ctx, run.ID)
		require.NoError(t, err)
		require.Equal(t, store.PageCounts{Queued: 2, Done: 1, Failed: 1, Skipped: 1}, now.Pages)
	})
}

func TestSavingTwiceChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		j := s.Journal(run.ID, run.Attempt)
		require.NoError(t, j.Queue(t.Context(), []crawl.PageRef{ref("http://a/1")}))
		first := done("http://a/1", 5, item("i1", "x"))
		require.NoError(t, j.Save(t.Context(), first))
		second := done("http://a/1", 9, item("i1", "other"), item("i2", "more"))
		second.Title, second.Found = "changed", []crawl.PageRef{ref("http://a/9")}
		require.NoError(t, j.Save(t.Context(), second))
		require.NoError(t, j.Retry(t.Context(), crawl.PageRef{Key: "http://a/1", Attempts: 9}, crawl.ClassCrash, "x"))

		state, err := s.State(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, crawl.State{Known: []string{"http://a/1"}, Visited: 1, Items: 1}, state)
		ended, err := publish(t, s, run, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.ItemCounts{New: 1}, ended.Items)
		require.JSONEq(t, `{"v":"x"}`, string(items(t, s, store.ItemFilter{})[0].Data))
	})
}

func TestPublishCountsNewChangedAndSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		first := claim(t, s, "shop", at(1))
		j := s.Journal(first.ID, first.Attempt)
		// Pages in order 1, 2; saved in order 2, 1. The key "twice" is on both.
		require.NoError(t, j.Queue(t.Context(), []crawl.PageRef{ref("http://a/1"), ref("http://a/2")}))
		require.NoError(t, j.Save(t.Context(), done("http://a/2", 10, item("twice", "of page 2"), item("b", "b"))))
		require.NoError(t, j.Save(t.Context(), done("http://a/1", 11, item("twice", "of page 1"), item("a", "a"), item("a", "a, the second on its page"))))
		require.Empty(t, items(t, s, store.ItemFilter{}), "nothing is visible before the run ends")
		ended, err := publish(t, s, first, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, ended.State)
		require.Equal(t, store.ItemCounts{New: 3}, ended.Items)
		require.Equal(t, 2, ended.Pages.Done)
		require.False(t, ended.Finished.IsZero())
		all := items(t, s, store.ItemFilter{})
		require.Equal(t, []string{"a", "b", "twice"}, keys(all))
		require.JSONEq(t, `{"v":"a, the second on its page"}`, string(all[0].Data))
		require.JSONEq(t, `{"v":"of page 2"}`, string(all[2].Data))
		require.Equal(t, "http://a/2", all[2].URL)

		second := claim(t, s, "shop", at(2))
		j = s.Journal(second.ID, second.Attempt)
		require.NoError(t, j.Save(t.Context(), done("http://a/1", 20, item("a", "changed"), item("b", "b"), item("c", "c"))))
		ended, err = publish(t, s, second, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.ItemCounts{New: 1, Changed: 1, Same: 1}, ended.Items)
		all = items(t, s, store.ItemFilter{})
		want := []store.Item{
			{Key: "a", FirstSeen: at(11), LastSeen: at(20), Changed: at(20), FirstRun: first.ID, LastRun: second.ID, ChangedRun: second.ID},
			{Key: "b", FirstSeen: at(10), LastSeen: at(20), Changed: at(10), FirstRun: first.ID, LastRun: second.ID, ChangedRun: first.ID},
			{Key: "c", FirstSeen: at(20), LastSeen: at(20), Changed: at(20), FirstRun: second.ID, LastRun: second.ID, ChangedRun: second.ID},
			{Key: "twice", FirstSeen: at(10), LastSeen: at(10), Changed: at(10), FirstRun: first.ID, LastRun: first.ID, ChangedRun: first.ID},
		}
		for i := range want {
			got := all[i]
			got.Site, got.Kind, got.URL, got.Data, got.Hash = "", "", "", nil, ""
			require.Equal(t, want[i], got)
		}
		for _, test := range []struct {
			filter store.ItemFilter
			keys   []string
		}{
			{store.ItemFilter{Site: "shop", Kind: "product"}, []string{"a", "b", "c", "twice"}},
			{store.ItemFilter{Site: "other"}, []string{}},
			{store.ItemFilter{Kind: "other"}, []string{}},
			{store.ItemFilter{Run: second.ID}, []string{"a", "b", "c"}},
			{store.ItemFilter{Run: second.ID, Change: store.OnlyNew}, []string{"c"}},
			{store.ItemFilter{Run: second.ID, Change: store.OnlyChanged}, []string{"a"}},
			{store.ItemFilter{Run: second.ID, Change: store.NewOrChanged}, []string{"a", "c"}},
			{store.ItemFilter{Since: at(20)}, []string{"a", "b", "c"}},
			{store.ItemFilter{Until: at(20)}, []string{"twice"}},
			{store.ItemFilter{By: store.FirstSeen, Since: at(11), Until: at(20)}, []string{"a"}},
			{store.ItemFilter{By: store.Changed, Since: at(11)}, []string{"a", "c"}},
		} {
			require.Equal(t, test.keys, keys(items(t, s, test.filter)), "%+v", test.filter)
		}
	})
}

func TestLateAttemptChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		first := claim(t, s, "shop", at(1))
		zombie := s.Journal(first.ID, first.Attempt)
		require.NoError(t, zombie.Queue(ctx, []crawl.PageRef{ref("http://a/1"), ref("http://a/2")}))
		require.NoError(t, zombie.Save(ctx, done("http://a/1", 1, item("a", "zombie's, in time"))))

		// Another worker takes the run over.
		var second store.Run
		require.NoError(t, s.InTx(ctx, func(tx store.Tx) (err error) {
			if err := s.Release(ctx, tx, first.ID, first.Attempt, store.Again{}); err != nil {
				return err
			}
			second, err = s.Claim(ctx, tx, first.ID, "w2")
			return err
		}))
		require.Equal(t, 2, second.Attempt)
		require.Zero(t, second.Failures)
		check := func(t *testing.T) {
			late := done("http://a/2", 2, item("b", "zombie's"))
			late.Found = []crawl.PageRef{ref("http://a/3")}
			require.ErrorIs(t, zombie.Save(ctx, late), store.ErrSuperseded)
			require.ErrorIs(t, zombie.Queue(ctx, late.Found), store.ErrSuperseded)
			require.ErrorIs(t, zombie.Retry(ctx, ref("http://a/2"), crawl.ClassCrash, "x"), store.ErrSuperseded)
			for _, state := range []store.RunState{store.RunDone, store.RunFailed} {
				_, err := publish(t, s, first, state)
				require.ErrorIs(t, err, store.ErrSuperseded)
			}
			require.ErrorIs(t, s.InTx(ctx, func(tx store.Tx) error {
				return s.Release(ctx, tx, first.ID, first.Attempt, store.Again{Failed: true})
			}), store.ErrSuperseded)
		}
		check(t)
		state, err := s.State(ctx, first.ID)
		require.NoError(t, err)
		require.Equal(t, crawl.State{Queued: []crawl.PageRef{ref("http://a/2")}, Known: []string{"http://a/1"}, Visited: 1, Items: 1}, state)

		require.NoError(t, s.Journal(second.ID, second.Attempt).Save(ctx, done("http://a/2", 3, item("b", "second's"))))
		ended, err := publish(t, s, second, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.ItemCounts{New: 2}, ended.Items)
		check(t) // after the end too
		after, err := s.Run(ctx, first.ID)
		require.NoError(t, err)
		require.Equal(t, ended, after)
		require.Equal(t, []string{"a", "b"}, keys(items(t, s, store.ItemFilter{})))
	})
}

func TestTwoAttemptsPublishAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		one, two := storetest.Open(t, address), storetest.Open(t, address)
		run := claim(t, one, "shop", at(1))
		require.NoError(t, one.Journal(run.ID, run.Attempt).Save(t.Context(), done("http://a/1", 1, item("a", "a"))))
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, s := range []*store.Store{one, two} {
			wg.Go(func() {
				errs[i] = s.InTx(context.Background(), func(tx store.Tx) error {
					_, err := s.Publish(context.Background(), tx, run.ID, run.Attempt, store.Ending{State: store.RunDone})
					return err
				})
			})
		}
		wg.Wait()
		if errs[0] != nil {
			errs[0], errs[1] = errs[1], errs[0]
		}
		require.NoError(t, errs[0])
		require.ErrorIs(t, errs[1], store.ErrSuperseded)
		ended, err := one.Run(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, store.ItemCounts{New: 1}, ended.Items)
	})
}

func TestFailedRunKeepsWhatItTookAndGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		old := claim(t, s, "shop", at(1))
		j := s.Journal(old.ID, old.Attempt)
		require.NoError(t, j.Queue(ctx, []crawl.PageRef{ref("http://a/1"), ref("http://a/2"), ref("http://a/3")}))
		require.NoError(t, j.Save(ctx, done("http://a/1", 1, item("a", "old"), item("b", "old"))))
		require.NoError(t, j.Save(ctx, crawl.PageResult{PageRef: ref("http://a/2"), State: crawl.PageFailed, Class: crawl.ClassDNS}))
		ended, err := publish(t, s, old, store.RunFailed)
		require.NoError(t, err)
		require.Equal(t, store.RunPartial, ended.State, "a page was visited")
		require.Equal(t, store.PageCounts{Done: 1, Failed: 1}, ended.Pages)
		require.Equal(t, store.ItemCounts{New: 2}, ended.Items)

		// A later run sees one of the items changed.
		later := claim(t, s, "shop", at(2))
		require.NoError(t, s.Journal(later.ID, later.Attempt).Save(ctx, done("http://a/1", 100, item("a", "newer"))))
		_, err = publish(t, s, later, store.RunDone)
		require.NoError(t, err)

		// The old one is tried again: its failed page is queued anew, before page 3.
		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error {
			if _, err := s.Reopen(ctx, tx, later.ID); err == nil {
				return fmt.Errorf("a run that is done was opened again")
			}
			run, err := s.Reopen(ctx, tx, old.ID)
			if err != nil {
				return err
			}
			old, err = s.Claim(ctx, tx, run.ID, "w2")
			return err
		}))
		state, err := s.State(ctx, old.ID)
		require.NoError(t, err)
		require.Equal(t, crawl.State{Queued: []crawl.PageRef{ref("http://a/2"), ref("http://a/3")}, Known: []string{"http://a/1"}, Visited: 1, Items: 2}, state)
		j = s.Journal(old.ID, old.Attempt)
		require.NoError(t, j.Save(ctx, done("http://a/2", 200, item("c", "c"))))
		ended, err = publish(t, s, old, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.RunDone, ended.State)
		require.Equal(t, store.ItemCounts{New: 3}, ended.Items)
		all := items(t, s, store.ItemFilter{})
		require.Equal(t, []string{"a", "b", "c"}, keys(all))
		require.JSONEq(t, `{"v":"newer"}`, string(all[0].Data), "an older sighting does not undo a newer one")
		require.Equal(t, later.ID, all[0].LastRun)
	})
}

func TestRunThatFailedWithoutAnyPageIsFailed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		ended, err := publish(t, s, run, store.RunFailed)
		require.NoError(t, err)
		require.Equal(t, store.RunFailed, ended.State)
	})
}

func TestAnyTextIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		long := "http://a/?q=" + strings.Repeat("ä%", 5000)
		odd := item(strings.Repeat("k\x00", 3000), "x")
		odd.Data = json.RawMessage("{\"v\":\"\xff\"}")
		page := done(long, 1, odd, item(strings.Repeat("k\x00", 3000)+"2", "y"))
		page.Title, page.Error = "zero \x00 and \xff", "x\x00"
		page.Found = []crawl.PageRef{ref(long + "2"), {Key: "a\x00b", URL: "a\x00b", Parent: long}}
		j := s.Journal(run.ID, run.Attempt)
		require.NoError(t, j.Save(t.Context(), page))
		require.NoError(t, j.Save(t.Context(), page))
		state, err := s.State(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, []string{long}, state.Known)
		require.Len(t, state.Queued, 2)
		require.Equal(t, long+"2", state.Queued[0].Key)
		require.Equal(t, long, state.Queued[1].Parent)
		_, err = publish(t, s, run, store.RunDone)
		require.NoError(t, err)
		all := items(t, s, store.ItemFilter{})
		require.Len(t, all, 2)
		// Long keys are in the order of their hashes.
		require.ElementsMatch(t, []int{len("k\uFFFD") * 3000, len("k\uFFFD")*3000 + 1}, []int{len(all[0].Key), len(all[1].Key)})
		require.True(t, all[0].URL == long && all[1].URL == long)
		require.ElementsMatch(t, []string{"{\"v\":\"\uFFFD\"}", "{\"v\":\"y\"}"}, []string{string(all[0].Data), string(all[1].Data)})
	})
}

func TestManyFoundPagesAndItems(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		page := done("http://a/", 1)
		for i := range 1234 {
			page.Found = append(page.Found, ref(fmt.Sprintf("http://a/%04d", i)))
			page.Items = append(page.Items, item(fmt.Sprintf("%04d", i), "x"))
		}
		require.NoError(t, s.Journal(run.ID, run.Attempt).Save(t.Context(), page))
		state, err := s.State(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, page.Found, state.Queued)
		ended, err := publish(t, s, run, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, 1234, ended.Items.New)
	})
}

func TestListingStopsWhenAsked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		require.NoError(t, s.Journal(run.ID, run.Attempt).Save(t.Context(), done("http://a/", 1, item("a", "a"), item("b", "b"), item("c", "c"))))
		_, err := publish(t, s, run, store.RunDone)
		require.NoError(t, err)
		for range 50 { // more often than there are connections
			for one, err := range s.Items(t.Context(), store.ItemFilter{}) {
				require.NoError(t, err)
				require.Equal(t, "a", one.Key)
				break
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range s.Items(ctx, store.ItemFilter{}) {
			require.ErrorIs(t, err, context.Canceled)
		}
	})
}

func TestRunsAreListedLatestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		shop := claim(t, s, "shop", at(1))
		news := claim(t, s, "news", at(1))
		var skipped int64
		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error {
			id, added, err := s.AddRun(ctx, tx, store.Run{Site: "shop", ScheduledAt: at(2), Reason: store.ReasonSchedule, State: store.RunSkipped, Error: "busy", Missed: 3})
			require.True(t, added)
			skipped = id
			_, added, err2 := s.AddRun(ctx, tx, store.Run{Site: "shop", ScheduledAt: at(2), Reason: store.ReasonManual, State: store.RunPlanned})
			require.False(t, added, "one run for each site and time")
			if err == nil {
				err = err2
			}
			return err
		}))
		list := func(filter store.RunFilter) []int64 {
			runs, err := s.Runs(ctx, filter)
			require.NoError(t, err)
			ids := []int64{}
			for _, run := range runs {
				ids = append(ids, run.ID)
			}
			return ids
		}
		require.Equal(t, []int64{skipped, news.ID, shop.ID}, list(store.RunFilter{}))
		require.Equal(t, []int64{skipped, shop.ID}, list(store.RunFilter{Site: "shop"}))
		require.Equal(t, []int64{skipped}, list(store.RunFilter{Limit: 1}))
		require.Equal(t, []int64{news.ID}, list(store.RunFilter{Limit: 1, Before: skipped}))
		require.Equal(t, []int64{news.ID, shop.ID}, list(store.RunFilter{States: []store.RunState{store.RunRunning, store.RunPlanned}}))
		run, err := s.Run(ctx, skipped)
		require.NoError(t, err)
		require.Equal(t, "busy", run.Error)
		require.Equal(t, 3, run.Missed)
		require.False(t, run.Finished.IsZero())
		_, err = s.Run(ctx, 12345)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.Error(t, s.InTx(ctx, func(tx store.Tx) error {
			id, _, err := s.AddRun(ctx, tx, store.Run{Site: "shop", ScheduledAt: at(3), Reason: store.ReasonManual, State: store.RunPlanned})
			if err != nil {
				return err
			}
			_, err = s.Claim(ctx, tx, id, "w")
			return err
		}), "the schema itself allows one running run of a site")
	})
}

func TestPruneKeepsItemsAndRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		ctx := t.Context()
		s := storetest.Open(t, address)
		for i := range 45 {
			run := claim(t, s, "shop", at(i))
			require.NoError(t, s.Journal(run.ID, run.Attempt).Save(ctx, done("http://a/", i, item("a", fmt.Sprint(i)))))
			_, err := publish(t, s, run, store.RunFailed)
			require.NoError(t, err)
		}
		require.NoError(t, s.InTx(ctx, func(tx store.Tx) error {
			_, _, err := s.AddRun(ctx, tx, store.Run{Site: "shop", ScheduledAt: at(100), Reason: store.ReasonSchedule, State: store.RunSkipped})
			return err
		}))
		going := claim(t, s, "shop", at(200))
		require.NoError(t, s.Journal(going.ID, going.Attempt).Save(ctx, done("http://a/", 200, item("a", "last"))))

		pruned, err := s.Prune(ctx, time.Now().Add(-time.Hour))
		require.NoError(t, err)
		require.Zero(t, pruned)
		pruned, err = s.Prune(ctx, time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, store.Pruned{Pages: 45, StagedItems: 45, Skipped: 1}, pruned)
		runs, err := s.Runs(ctx, store.RunFilter{})
		require.NoError(t, err)
		require.Len(t, runs, 46)
		require.Equal(t, 1, runs[1].Pages.Done, "the counts stay")
		require.Len(t, items(t, s, store.ItemFilter{}), 1)
		ended, err := publish(t, s, going, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.ItemCounts{Changed: 1}, ended.Items)
	})
}
