package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

const shopFile = `# The shop.
name: shop
start: [https://shop.example/]
isolation: tab
cleanup: {gc: page} # slow
templates:
  - name: page # any
`

// shopWriter writes into a site file of shop.
func shopWriter(t *testing.T) (w *configWriter, path string) {
	path = filepath.Join(t.TempDir(), "shop.yaml")
	require.NoError(t, os.WriteFile(path, []byte(shopFile), 0o600))
	site, err := sites.Parse(path, []byte(shopFile))
	require.NoError(t, err)
	w, err = newConfigWriter(path, []*sites.Site{site}, sites.Cleanup{Cookies: sites.AfterRun})
	require.NoError(t, err)
	return w, path
}

// storageIsEnough recommends one of two cleanups.
func storageIsEnough() memprof.Experiment {
	return memprof.Experiment{
		Headline: "storage keeps it flat", Plan: memprof.ExperimentPlan{Blocks: make([]memprof.PlannedBlock, 2)}, Blocks: make([]memprof.BlockAnswer, 2),
		Recommended: memprof.Recommendation{Cleanups: []string{"storage"}, Rules: []string{"storage=run"}, Off: []string{"gc"}, Flat: true, Measured: true},
	}
}

func TestARecommendationTakesThePlaceOfACleanup(t *testing.T) {
	w, path := shopWriter(t)
	said, err := w.write(storageIsEnough(), "/tmp/run.ebb")
	require.NoError(t, err)
	require.Equal(t, "Wrote to "+path+": cleanup: storage=run, gc=off", said)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, `# The shop.
name: shop
start: [https://shop.example/]
isolation: tab
# By ebb experiment, from run.ebb of 0001-01-01:
# storage keeps it flat
cleanup:
  storage: run
  gc: off
templates:
  - name: page # any
`, string(data))
}

// What an experiment shows that was stopped is no basis for a configuration.
func TestAStoppedExperimentWritesNothing(t *testing.T) {
	w, path := shopWriter(t)
	e := storageIsEnough()
	e.Blocks = e.Blocks[:1]
	said, err := w.write(e, "/tmp/run.ebb")
	require.NoError(t, err)
	require.Contains(t, said, "is left as it is")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, shopFile, string(data))

	e.Stopped = "nothing was undecided any more"
	said, err = w.write(e, "/tmp/run.ebb")
	require.NoError(t, err)
	require.Contains(t, said, "Wrote to")
}

// A cleanup that is not needed is switched off where the configuration, or a default, would do it.
func TestWhatIsNotNeededIsSwitchedOff(t *testing.T) {
	w, _ := shopWriter(t)
	e := storageIsEnough()
	e.Recommended.Off = []string{"cookies", "gc", "blank", "http-cache"}
	said, err := w.write(e, "/tmp/run.ebb")
	require.NoError(t, err)
	require.Contains(t, said, "cleanup: cookies=off, storage=run, blank=off, gc=off")
}
