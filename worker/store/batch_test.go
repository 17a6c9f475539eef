package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// TestWhatIsSavedTogetherHasItsOwnOutcome saves pages of several attempts at once: one attempt is over, and
// one page cannot be stored. Both learn it, and what was saved with them is there, once.
func TestWhatIsSavedTogetherHasItsOwnOutcome(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		shop, news, old := claim(t, s, "shop", at(1)), claim(t, s, "news", at(2)), claim(t, s, "old", at(3))
		_, err := publish(t, s, old, store.RunDone)
		require.NoError(t, err)
		const pages = 40
		var saving sync.WaitGroup
		journals := map[string]*store.Journal{}
		for _, run := range []store.Run{shop, news, old} {
			journals[run.Site] = s.Journal(run.ID, run.Attempt)
			journals[run.Site].Linger(true)
		}
		errs := make([]error, pages)
		for i := range pages {
			saving.Go(func() {
				site := []string{"shop", "shop", "news", "old"}[i%4]
				page := done(fmt.Sprintf("http://a/%d", i), i, item(fmt.Sprint(i), "x"))
				page.Found = []crawl.PageRef{ref("http://a/both"), ref(fmt.Sprintf("http://a/%d/found", i))}
				if i == 8 {
					page.State = "no such state"
				}
				errs[i] = journals[site].Save(t.Context(), page)
			})
		}
		saving.Wait()
		for i, err := range errs {
			switch {
			case i == 8:
				require.Error(t, err)
				require.NotErrorIs(t, err, store.ErrSuperseded)
			case i%4 == 3:
				require.ErrorIs(t, err, store.ErrSuperseded, "page %d", i)
			default:
				require.NoError(t, err, "page %d", i)
			}
		}
		for _, run := range []struct {
			store.Run
			pages, found int
		}{{shop, 19, 20}, {news, 10, 11}, {old, 0, 0}} {
			state, err := s.State(t.Context(), run.ID)
			require.NoError(t, err)
			require.Equal(t, []int{run.pages, run.pages, run.found}, []int{state.Visited, state.Items, len(state.Queued)}, run.Site)
		}
	})
}

// TestSavesWaitForEachOtherOnlyWhereTheyMay saves a page that may wait for others, and ends that.
func TestSavesWaitForEachOtherOnlyWhereTheyMay(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	run := claim(t, s, "shop", at(1))
	j := s.Journal(run.ID, run.Attempt)
	j.Linger(true)
	saved := make(chan error, 1)
	go func() { saved <- j.Save(t.Context(), done("http://a/1", 1)) }()
	j.Linger(false)
	require.NoError(t, <-saved)
	require.NoError(t, j.Save(t.Context(), done("http://a/2", 1)))
	state, err := s.State(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, 2, state.Visited)
}

// TestPagesSavedBeforeAmongOthers saves pages at once of which some were saved before: those stay as they were, and
// the others are there.
func TestPagesSavedBeforeAmongOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		run := claim(t, s, "shop", at(1))
		j := s.Journal(run.ID, run.Attempt)
		save := func(title string, from, to int) {
			j.Linger(true)
			var saving sync.WaitGroup
			for i := from; i < to; i++ {
				saving.Go(func() {
					page := done(fmt.Sprintf("http://a/%d", i), i, item(fmt.Sprint(i), title))
					page.Title, page.Found = title, []crawl.PageRef{ref(fmt.Sprintf("http://a/%s/%d", title, i))}
					require.NoError(t, j.Save(t.Context(), page))
				})
			}
			saving.Wait()
			j.Linger(false)
		}
		save("first", 0, 12)
		save("second", 6, 30)
		titles, queued := map[string]int{}, 0
		for page, err := range s.Pages(t.Context(), run.ID) {
			require.NoError(t, err)
			if page.State == crawl.PageQueued {
				queued++
			} else {
				titles[page.Title]++
			}
		}
		require.Equal(t, map[string]int{"first": 12, "second": 18}, titles)
		require.Equal(t, 30, queued)
		ended, err := publish(t, s, run, store.RunDone)
		require.NoError(t, err)
		require.Equal(t, store.ItemCounts{New: 30}, ended.Items)
	})
}

func TestInsertTexts(t *testing.T) {
	for n := 1; n <= 600; n++ {
		left, statements := n, 0
		for left > 0 {
			query, rows := store.InsertText(left)
			require.Equal(t, rows, strings.Count(query, "), (")+1, "%d of %d", left, n)
			require.LessOrEqual(t, rows, left)
			require.LessOrEqual(t, rows, 256)
			left -= rows
			statements++
		}
		require.LessOrEqual(t, statements, 8, n)
	}
}
