//go:build studies

package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/leaky"
)

// leakySite writes the site file of a page that leaks, which is served until the test ends.
func (w *world) leakySite(name string) string {
	w.t.Helper()
	server := leaky.New(leaky.Options{})
	web := httptest.NewServer(server.Handler())
	w.t.Cleanup(func() { require.NoError(w.t, server.Close()); web.Close() })
	return w.writeSite(name+".yaml", string(server.SiteFile(name, web.URL)))
}

// TestWhatAnExperimentRecommendsIsFlat: a page that leaks is compared, what is recommended is written into
// its site file, and a diagnosis of that file finds nothing that grows. Nobody touches the file between.
func TestWhatAnExperimentRecommendsIsFlat(t *testing.T) {
	w := newWorld(t)
	w.removeSites()
	file := w.leakySite("restored-state")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	quick := []string{"--settle", "50ms", "--fail-on", "leak,growing", "--no-heap", "--idle", "0"}

	leaks := w.ebb(append([]string{"diagnose", file, "--cycles", "15"}, quick...)...)
	require.Equal(t, exitLeak, leaks.wait(), leaks.said())
	require.Contains(t, leaks.stdout.String(), "LEAK: array-buffers")

	recording := filepath.Join(w.home, "restored-state.ebb.jsonl")
	compared := w.ebb("experiment", file, "--cleanups", "cookies,local-storage,recreate-page", "--cycles", "30", "--seed", "1",
		"--settle", "50ms", "--record", recording, "--json", "-", "--write-config", file)
	require.Equal(t, exitOK, compared.wait(), compared.said())
	require.Contains(t, compared.said(), "Wrote to "+file+": cleanup: recreate-page=run\n")

	after, err := os.ReadFile(file)
	require.NoError(t, err)
	added, had := string(after[len(before):]), string(after[:len(before)])
	require.Equal(t, string(before), had)
	require.Regexp(t, `\A# By ebb experiment, from restored-state\.ebb\.jsonl of \d{4}-\d\d-\d\d:\n# .*recreate-page.*\ncleanup:\n  recreate-page: run\n\z`, added)
	site, err := sites.Parse(file, after)
	require.NoError(t, err)
	require.Equal(t, sites.Cleanup{RecreatePage: sites.AfterRun}, site.Cleanup)

	flat := w.ebb(append([]string{"diagnose", file, "--cycles", "20", "--json", "-"}, quick...)...)
	require.Equal(t, exitOK, flat.wait(), flat.said())
	require.Contains(t, flat.stdout.String(), `"verdict": "stable"`, flat.said())

	again := w.ebb("report", recording, "--json", "-")
	require.Equal(t, exitOK, again.wait(), again.said())
	require.Equal(t, compared.stdout.String(), again.stdout.String(), "the recording says the same, byte for byte")
	w.requireNothingLeft()
}
