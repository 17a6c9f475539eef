package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/riverqueue/river/riverdriver"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// each runs a benchmark on both databases.
func each(b *testing.B, run func(b *testing.B, s *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { run(b, storetest.Open(b, storetest.SQLite(b))) })
	b.Run("postgres", func(b *testing.B) { run(b, storetest.Open(b, storetest.Postgres(b))) })
}

// bigPage is a page with ten items of 500 bytes and ten links.
func bigPage(i int) crawl.PageResult {
	page := done(fmt.Sprintf("http://shop.example/products/%06d", i), i)
	for n := range 10 {
		page.Items = append(page.Items, item(fmt.Sprintf("product-%06d-%d", i, n), strings.Repeat("x", 500)))
		page.Found = append(page.Found, ref(fmt.Sprintf("http://shop.example/products/%06d", i+n)))
	}
	return page
}

// BenchmarkPoll is a look of one queue of SQLite for a job, of which there is none.
func BenchmarkPoll(b *testing.B) {
	queue := storetest.Open(b, storetest.SQLite(b)).SQLite().Driver().GetExecutor()
	for b.Loop() {
		jobs, err := queue.JobGetAvailable(b.Context(), &riverdriver.JobGetAvailableParams{ClientID: "a", MaxAttemptedBy: 100, MaxToLock: 1, Queue: "a"})
		require.NoError(b, err)
		require.Empty(b, jobs)
	}
}

func BenchmarkSavePage(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store) {
		run := claim(b, s, "shop", at(1))
		j := s.Journal(run.ID, run.Attempt)
		i := 0
		for b.Loop() {
			require.NoError(b, j.Save(context.Background(), bigPage(i)))
			i++
		}
	})
}

func BenchmarkPublish10kItems(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store) {
		n := 0
		for b.Loop() {
			b.StopTimer()
			run := claim(b, s, "shop", at(n))
			j := s.Journal(run.ID, run.Attempt)
			page := done("http://shop.example/", n)
			for i := range 10_000 {
				page.Items = append(page.Items, item(fmt.Sprintf("product-%06d", i), strings.Repeat("x", 500)+fmt.Sprint(n/2)))
			}
			require.NoError(b, j.Save(context.Background(), page))
			b.StartTimer()
			ended, err := publish(b, s, run, store.RunDone)
			require.NoError(b, err)
			require.Equal(b, 10_000, ended.Items.New+ended.Items.Changed+ended.Items.Same)
			n++
		}
	})
}

func BenchmarkResume10kPages(b *testing.B) {
	each(b, func(b *testing.B, s *store.Store) {
		run := claim(b, s, "shop", at(1))
		var refs []crawl.PageRef
		for i := range 10_000 {
			refs = append(refs, ref(fmt.Sprintf("http://shop.example/products/%06d", i)))
		}
		require.NoError(b, s.Journal(run.ID, run.Attempt).Queue(context.Background(), refs))
		for b.Loop() {
			state, err := s.State(context.Background(), run.ID)
			require.NoError(b, err)
			require.Len(b, state.Queued, 10_000)
		}
	})
}
