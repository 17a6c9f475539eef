package report

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func experimentHTML(t *testing.T, e memprof.Experiment) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ExperimentHTML(&out, e))
	return out.String()
}

func TestExperimentHTML(t *testing.T) {
	for _, name := range []string{"three", "eight", "nothing-ran"} {
		text := strings.Replace(experimentHTML(t, experiments()[name]()), htmlStyle, "", 1) // which the diagnosis holds
		file(t, "experiment-"+name+".html", []byte(text))
	}
}

func TestExperimentHTMLStandsAlone(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(experiments())) {
		t.Run(name, func(t *testing.T) {
			text := experimentHTML(t, experiments()[name]())
			require.Equal(t, text, experimentHTML(t, experiments()[name]()), "the same bytes")
			require.Contains(t, text, `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`)
			requireInert(t, text)
			require.NotRegexp(t, `url\(|@import`, experimentStyle)
			for _, never := range []string{"NaN", "Inf", "ZgotmplZ", "%!", "\x1b", "\x07", "\u009b", "\u202e", "<script", "<img"} {
				require.NotContains(t, text, never)
			}
			for _, drawing := range drawings.FindAllString(text, -1) {
				requireXML(t, drawing)
			}
		})
	}
}

// All that the text says stands in the page too.
func TestExperimentHTMLHasTheAnswers(t *testing.T) {
	text := experimentHTML(t, threeTried())
	for _, part := range []string{
		"FLAT with http-cache=run", "http-cache after each run keeps memory flat", "<code>http-cache=run</code>", "Not needed: cookies.",
		"needs 96 more cycles", "nothing (A/A)", "alike, as it must be", "gave back 52.3 MB", "verified 10 of 12", "no page was open",
		"dropped: Chrome died in its fifth cycle", "seed 20260131", "--cleanups &#39;http-cache=run,gc=every 50 pages,cookies=run&#39;", "2 other Chromes ran on this host",
		"shop: blank=run", "saves memory, costs time", "go1.26.1", "logs the site out",
	} {
		require.Contains(t, text, part)
	}
	e := threeTried()
	require.Equal(t, len(e.Blocks), strings.Count(text, `class="fresh"`), "each block begins with a fresh browser")
	require.Equal(t, len(e.Blocks), strings.Count(text, `class="hollow"`), "one cycle of each leads in")
	require.Equal(t, len(e.Blocks)*8-1, strings.Count(text, `class="point s`), "each reading is drawn, but one gap")
	require.Equal(t, len(e.Answers)+1, strings.Count(text, `class="area strip`))
}

func TestExperimentHTMLReturnsTheWritersError(t *testing.T) {
	require.EqualError(t, ExperimentHTML(broken{}, memprof.Experiment{}), "write the experiment: pipe closed")
}
