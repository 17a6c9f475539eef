package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// TestJSONRows: the keys of --json are lower-case words, and what is not known is
// left out instead of being a time in the year 1.
func TestJSONRows(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		row  any
		want string
	}{
		{
			runRowOf(store.Run{ID: 7, Site: "shop", State: store.RunSkipped, Reason: store.ReasonSchedule, ScheduledAt: at, Finished: at, Class: "overlap", Error: "a <b>"}),
			`{"run":7,"site":"shop","state":"skipped","reason":"schedule","scheduled_at":"2026-01-31T12:00:00Z","finished_at":"2026-01-31T12:00:00Z",` +
				`"attempt":0,"failures":0,"missed":0,"pages":{"queued":0,"done":0,"failed":0,"skipped":0},"items":{"new":0,"changed":0,"same":0},"class":"overlap","error":"a <b>"}`,
		},
		{
			pageRowOf(store.Page{PageResult: crawl.PageResult{State: crawl.PageQueued}}),
			`{"url":"","state":"queued","depth":0,"attempts":0,"bytes":0,"items":0,"duplicates":0,"duration_ms":0}`,
		},
		{
			jobRowOf(queue.Job{ID: 3, Kind: "plan", Site: "shop", State: "available", Created: at, Due: at}),
			`{"job":3,"kind":"plan","site":"shop","state":"available","created_at":"2026-01-31T12:00:00Z","due_at":"2026-01-31T12:00:00Z"}`,
		},
	} {
		var out bytes.Buffer
		require.NoError(t, writeJSONLine(&out, c.row))
		require.Equal(t, c.want+"\n", out.String())
	}
}
