package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

func TestQuota(t *testing.T) {
	full := func(q *quota) bool {
		select {
		case <-q.full:
			return true
		default:
			return false
		}
	}
	list := []*sites.Site{{Name: "shop", Schedule: "@daily"}, {Name: "news", Schedule: "@daily"}, {Name: "asked"}}
	q := newQuota(2, list)
	require.False(t, q.counts("shop", 1))
	require.True(t, q.begin("shop", 1))
	require.True(t, q.begin("shop", 1), "a run that is tried again counts once")
	require.True(t, q.counts("shop", 1))
	require.True(t, q.begin("shop", 2))
	require.False(t, q.begin("shop", 3), "the third is one too many")
	require.False(t, q.counts("shop", 3))
	require.True(t, q.begin("news", 4), "each site has its own")
	require.True(t, q.begin("news", 5))

	q.end("shop", 1)
	q.end("shop", 2)
	q.end("shop", 3) // it has not begun
	q.end("news", 4)
	require.False(t, full(q))
	q.end("news", 5)
	require.True(t, full(q), "sites without a schedule are not waited for")
	q.end("news", 5) // and nothing breaks

	unlimited := newQuota(0, list)
	for run := range int64(100) {
		require.True(t, unlimited.begin("shop", run))
		require.True(t, unlimited.counts("shop", run))
		unlimited.end("shop", run)
	}
	require.False(t, full(unlimited))
	require.Empty(t, unlimited.begun["shop"], "nothing is kept without a limit")
}
