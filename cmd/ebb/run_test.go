package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// ok runs a command that must succeed and returns its standard output.
func (w *world) ok(args ...string) string {
	w.t.Helper()
	p := w.ebb(args...)
	require.Equal(w.t, 0, p.wait(), "ebb %s: %s", p.args, p.said())
	return p.stdout.String()
}

// lines reads JSON lines.
func lines[T any](t *testing.T, text string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(text) {
		var one T
		require.NoError(t, json.Unmarshal([]byte(line), &one), line)
		all = append(all, one)
	}
	return all
}

// TestDeadLetter follows a site that fails: it becomes a dead letter, which is listed,
// shown, and put back; then it succeeds.
func TestDeadLetter(t *testing.T) {
	w := smallWorld(t)
	w.smallSite("sections", "") // no schedule
	w.setDown(true)
	p := w.ebb("run", "--once")
	require.Equal(t, exitFailed, p.wait(), p.said())

	runs := lines[runRow](t, w.ok("runs", "list", "--json"))
	require.Len(t, runs, 1)
	run := runs[0]
	require.Equal(t, store.RunFailed, run.State)
	require.NotEmpty(t, run.Error)
	require.Regexp(t, fmt.Sprintf(`(?m)^ *%d +sections +failed `, run.Run), w.ok("runs", "list", "--state", "failed"))
	require.Contains(t, w.ok("runs", "list", "--state", "done"), "no such runs")
	require.Contains(t, w.ok("runs", "show", fmt.Sprint(run.Run)), "sections: failed")

	dead := lines[jobRow](t, w.ok("jobs", "list", "--dead", "--json"))
	require.Len(t, dead, 1)
	require.Equal(t, queue.JobDiscarded, dead[0].State)
	require.Equal(t, run.Run, dead[0].Run)
	require.Equal(t, run.Error, dead[0].Error)
	require.Regexp(t, fmt.Sprintf(`(?m)^ *%d +scrape +sections +%d +discarded `, dead[0].Job, run.Run), w.ok("jobs", "list", "--dead"))

	p = w.ebb("jobs", "retry", "99999")
	require.Equal(t, exitFailed, p.wait())
	require.Contains(t, p.said(), "there is no job 99999")
	p = w.ebb("jobs", "retry", "one")
	require.Equal(t, exitUsage, p.wait())

	require.Equal(t, fmt.Sprintf("job %d is in the queue again\n", dead[0].Job), w.ok("jobs", "retry", fmt.Sprint(dead[0].Job)))
	require.Contains(t, w.ok("jobs", "list", "--dead"), "no such jobs")
	waiting := lines[jobRow](t, w.ok("jobs", "list", "--state", "available", "--json"))
	require.Len(t, waiting, 1)
	require.Equal(t, run.Run, waiting[0].Run)

	w.setDown(false)
	w.ok("run", "--once") // the run that waits, and one more
	runs = lines[runRow](t, w.ok("runs", "list", "--json"))
	require.Len(t, runs, 2)
	for _, each := range runs {
		require.Equal(t, store.RunDone, each.State, each.Error)
		require.Equal(t, sectionPages, each.Pages.Done)
	}
	require.Equal(t, run.Run, runs[1].Run)
	require.Equal(t, 2, runs[1].Attempt)

	pages := lines[pageRow](t, w.ok("runs", "show", fmt.Sprint(run.Run), "--json"))
	require.Len(t, pages, sectionPages)
	p = w.ebb("runs", "retry", fmt.Sprint(run.Run))
	require.Equal(t, exitFailed, p.wait(), "a run that is done is not tried again")
	p = w.ebb("runs", "show", "99999")
	require.Equal(t, exitFailed, p.wait())
	require.Contains(t, p.said(), "there is no run 99999")
}

// TestExport filters the items of real runs.
func TestExport(t *testing.T) {
	w := smallWorld(t)
	w.ok("run", "--once")
	between := time.Now().UTC()
	w.writeSite("first.yaml", strings.ReplaceAll(`name: first
start: [BASE/news/sport/]
block: {kinds: [image, stylesheet, font]}
limits: {rate: none}
templates:
  - {name: page, items: [{name: heading, key: [url], fields: {title: h1, url: {const: "{url}"}}}]}
`, "BASE", w.server.URL))
	w.ok("run", "--once", "first")

	type item struct {
		Site, Kind, Key string
		Data            map[string]any
	}
	count := func(args ...string) int {
		return len(lines[item](t, w.ok(append([]string{"export"}, args...)...)))
	}
	each := sectionPages - 1
	require.Equal(t, 2*each+1, count())
	require.Equal(t, 2*each, count("--site", "sections"))
	require.Equal(t, each+1, count("--kind", "heading"))
	require.Equal(t, 1, count("--kind", "heading", "--site", "first"))
	require.Equal(t, 1, count("--since", between.Format(time.RFC3339Nano)))
	require.Equal(t, 2*each, count("--until", between.Format(time.RFC3339Nano), "--by", "first"))
	require.Equal(t, 2*each+1, count("--changed", "new"))
	require.Zero(t, count("--changed", "changed"))

	// The same again with one more field: only the items that have it are others.
	file := filepath.Join(w.sites, "sections.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	w.writeSite("sections.yaml", strings.Replace(string(text), "title: {css: h1", "more: {const: news}, title: {css: h1", 1))
	w.ok("run", "--once", "sections")
	require.Zero(t, count("--site", "sections", "--changed", "new"))
	changed := lines[item](t, w.ok("export", "--changed", "changed"))
	require.Len(t, changed, each)
	for _, i := range changed {
		require.Equal(t, "heading", i.Kind)
		require.Equal(t, "news", i.Data["more"])
	}

	rows, err := csv.NewReader(strings.NewReader(w.ok("export", "--format", "csv", "--site", "first"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Contains(t, w.ok("export", "--format", "table", "--site", "first"), "heading")
	for _, wrong := range [][]string{{"--since", "soon"}, {"--by", "x"}, {"--changed", "x"}, {"--format", "xml"}} {
		p := w.ebb(append([]string{"export"}, wrong...)...)
		require.Equal(t, exitUsage, p.wait())
		require.Contains(t, p.said(), `"`+wrong[1]+`"`)
	}
}

// TestTwoWorkers lets two processes work one database: each scheduled run is done once.
func TestTwoWorkers(t *testing.T) {
	w := smallWorld(t)
	w.smallSite("sections", "schedule: \"@every 1s\"\noverlap: queue")
	w.smallSite("others", `schedule: "@every 1s"`)
	one, two := w.ebb("run", "--cycles", "3"), w.ebb("run", "--cycles", "3")
	require.Equal(t, 0, one.wait(), one.said())
	require.Equal(t, 0, two.wait(), two.said())
	s := w.open()
	done := map[string]int{}
	pages := 0
	workers := map[string]bool{}
	for _, run := range w.runs(s, store.RunFilter{States: []store.RunState{store.RunDone}}) {
		require.Equal(t, store.PageCounts{Done: sectionPages}, run.Pages)
		require.Equal(t, store.ReasonSchedule, run.Reason)
		done[run.Site]++
		pages += run.Pages.Done
		workers[run.Worker] = true
	}
	require.Equal(t, map[string]int{"sections": 6, "others": 6}, done, "three of each in each process")
	require.Len(t, workers, 2, "both worked")
	asked := 0
	for page := range s.Pages(t.Context(), w.runs(s, store.RunFilter{States: []store.RunState{store.RunDone}})[0].ID) {
		asked += w.askedFor(page.URL)
	}
	require.Equal(t, pages, asked, "no page was visited twice in a run")
	require.Zero(t, value[int](t, s, `SELECT count(*) FROM (SELECT site, scheduled_at FROM runs GROUP BY site, scheduled_at HAVING count(*) > 1) AS twice`))
	w.requireNothingLeft()
}

// TestOverlap holds a run until its schedule has fired again: the times in between are
// left out, or wait in the queue, as the site says.
func TestOverlap(t *testing.T) {
	for rule, during := range map[string]store.RunState{"skip": store.RunSkipped, "queue": store.RunPlanned} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := smallWorld(t)
			w.smallSite("sections", "schedule: \"@every 1s\"\noverlap: "+rule)
			came, let := w.hold("/news/sport/")
			p := w.ebb("run", "--cycles", "2")
			p.awaitEvent(came, "its request")
			s := w.open()
			overlapped := func() []store.Run { return w.runs(s, store.RunFilter{States: []store.RunState{during}}) }
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for limit := time.After(patience); len(overlapped()) < 2; {
				select {
				case <-tick.C:
				case <-limit:
					require.FailNow(t, "the schedule does not fire while a run is at work")
				}
			}
			require.Len(t, w.runs(s, store.RunFilter{States: []store.RunState{store.RunRunning}}), 1, "never two at once")
			second := overlapped()[0]
			let()
			require.Equal(t, 0, p.wait(), p.said())
			done := w.runs(s, store.RunFilter{States: []store.RunState{store.RunDone}})
			require.Len(t, done, 2)
			if rule == "queue" {
				require.Equal(t, second.ID, done[1].ID, "the first that waited came next")
			} else {
				require.Greater(t, done[1].ID, second.ID)
				require.Contains(t, second.Error, "overlap: run")
				require.Zero(t, second.Attempt)
			}
			w.requireNothingLeft()
		})
	}
}
