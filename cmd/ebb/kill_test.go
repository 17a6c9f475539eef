package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
)

// killTabs is how many pages are open at once at the most.
const killTabs = 4

// killing kills workers of both demo sites at random moments, and lets the last one of
// each round finish.
type killing struct {
	*world
	random *rand.Rand
	kills  int
	rounds int
}

// round kills n workers that go on with the same runs, and then lets one complete them.
// The moments are drawn from the requests of the runs; one of them is the start of Chrome.
func (k *killing) round(n int) {
	k.t.Helper()
	k.rounds++
	// A run of both sites asks for its 300 pages and for a script and its data on most.
	moments := []int{0}
	for len(moments) < n {
		moments = append(moments, 1+k.random.IntN(500))
	}
	slices.Sort(moments)
	k.t.Logf("round %d: killed at requests %v", k.rounds, moments)
	before := 0
	for _, moment := range moments {
		came := k.afterRequests(max(1, moment-before))
		p := k.ebb("run", "--cycles", "1")
		if moment == 0 {
			p.await("Chrome has started")
		} else {
			p.awaitEvent(came, "its request")
		}
		p.kill()
		before = max(before, moment)
		k.kills++
	}
	k.onRequest(nil)
	p := k.ebb("run", "--cycles", "1")
	require.Equal(k.t, 0, p.wait())
}

// require holds what must be true when the last worker has ended.
func (k *killing) require(s *store.Store) {
	k.t.Helper()
	whole := map[string]int{}
	asked := map[string]int{}
	attempts := 0
	for _, run := range k.runs(s, store.RunFilter{}) {
		if run.State == store.RunSkipped || run.State == store.RunPlanned && run.Pages == (store.PageCounts{}) {
			continue // overlapped, or planned after the last one
		}
		k.requireWhole(s, run)
		require.Equal(k.t, store.ReasonSchedule, run.Reason)
		require.Zero(k.t, run.Failures, "to be killed is no failure")
		whole[run.Site]++
		attempts += run.Attempt
		for page, err := range s.Pages(k.t.Context(), run.ID) {
			require.NoError(k.t, err)
			asked[page.URL]--
		}
	}
	require.GreaterOrEqual(k.t, whole["shop"], k.rounds)
	require.GreaterOrEqual(k.t, whole["news"], k.rounds)
	k.requireTruth(s, "shop", "news")
	again := 0
	for page, visits := range asked {
		again += k.askedFor(page) + visits
	}
	k.t.Logf("%d kills; %d runs in %d attempts; %d pages asked for again", k.kills, whole["shop"]+whole["news"], attempts, again)
	require.LessOrEqual(k.t, again, killTabs*k.kills, "only pages that were open at a kill are asked for again")
	require.Greater(k.t, again, 0, "the kills hit pages that were open")
	k.requireCounts(s)
	k.requireNothingLeft()
}

// requireCounts asks the database itself.
func (k *killing) requireCounts(s *store.Store) {
	k.t.Helper()
	for what, query := range map[string]string{
		"pages that are there twice":                `SELECT count(*) FROM (SELECT run, id FROM pages GROUP BY run, id HAVING count(*) > 1) AS twice`,
		"items that are there twice":                `SELECT count(*) FROM (SELECT site, kind, key FROM items GROUP BY site, kind, key HAVING count(*) > 1) AS twice`,
		"runs of one scheduled time":                `SELECT count(*) FROM (SELECT site, scheduled_at FROM runs GROUP BY site, scheduled_at HAVING count(*) > 1) AS twice`,
		"items that are not published":              `SELECT count(*) FROM page_items`,
		"pages of finished runs that still wait":    `SELECT count(*) FROM pages JOIN runs ON runs.id = pages.run WHERE runs.state = 'done' AND pages.state <> 'done'`,
		"runs at work":                              `SELECT count(*) FROM runs WHERE state = 'running'`,
		"workers that are known":                    `SELECT count(*) FROM workers`,
		"finished runs whose counts are not theirs": `SELECT count(*) FROM runs WHERE state = 'done' AND items_new + items_changed + items_same <> (CASE site WHEN 'shop' THEN 186 ELSE 95 END)`,
	} {
		require.Zero(k.t, value[int](k.t, s, query), what)
	}
}

// TestKilledAgainAndAgain kills the worker at random moments of runs over 300 pages.
func TestKilledAgainAndAgain(t *testing.T) {
	const seed = 20240607
	t.Logf("seed %d", seed)
	k := &killing{world: newWorld(t), random: rand.New(rand.NewPCG(seed, 1))}
	for range killRounds {
		k.round(killsARound)
	}
	s := k.open()
	k.require(s)
	require.Equal(t, "ok", value[string](t, s, "PRAGMA integrity_check"))
	require.Equal(t, "0", value[string](t, s, "SELECT count(*) FROM pragma_foreign_key_check"))
}
