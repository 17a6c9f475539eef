package report

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func diagnosisText(t *testing.T, d memprof.Diagnosis, width int, color bool) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, DiagnosisText(&out, d, width, color))
	return out.String()
}

func TestDiagnosisText(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(fixtures())) {
		t.Run(name, func(t *testing.T) {
			d, _ := fixtures()[name]()
			wide := diagnosisText(t, d, 100, false)
			golden(t, "diagnosis-"+name, wide, 100)
			if name != "invalid" { // which has ever so much to say
				require.LessOrEqual(t, strings.Count(wide, "\n"), 40, "it is one screen")
			}
			golden(t, "diagnosis-"+name+"-80", diagnosisText(t, d, 80, false), 80)
			require.NotContains(t, wide, "NaN")
			for _, hostile := range []string{"\x1b", "\x07", "\u009b", "\u202e"} {
				require.NotContains(t, wide, hostile)
			}
		})
	}
}

// Colours change nothing but colours.
func TestDiagnosisTextInColour(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	d, _ := leaking(30)
	colored := diagnosisText(t, d, 100, true)
	require.Contains(t, colored, "\x1b[1;31mLEAK")
	require.Equal(t, diagnosisText(t, d, 100, false), escapes.ReplaceAllString(colored, ""))
}

func TestDiagnosisTextReturnsTheWritersError(t *testing.T) {
	require.EqualError(t, DiagnosisText(broken{}, memprof.Diagnosis{}, 0, false), "write the table: pipe closed")
}

// What is given back is told in the unit of its own metric, which is named where it is not the headline's.
func TestRecreateSaysOfWhatItTells(t *testing.T) {
	d := run(30, anonChrome, 1e6)
	says := func(ways ...memprof.Returned) string {
		d.Recreate = ways
		return recreateAnswer(d).texts[0]
	}
	untold := memprof.Returned{Name: memprof.RecreateConsole, Metric: anonChrome, Grown: 1e6, Helps: memprof.HelpsUntold, Says: "only 1.00 MB had grown"}
	pages := untold
	pages.Name = memprof.RecreatePages
	require.Equal(t, "- (nothing was recreated)", says())
	require.Equal(t, "cannot tell, only 1.00 MB had grown", says(untold, pages))
	pages = memprof.Returned{Name: memprof.RecreatePages, Metric: anonChrome, Grown: 5e6, Bytes: about(2e6, 1e6), Helps: memprof.HelpsPartly}
	require.Equal(t, "console: cannot tell, only 1.00 MB had grown; pages: partly, 1.00 MB to 3.00 MB of 5.00 MB", says(untold, pages))
	pages = memprof.Returned{Name: memprof.RecreatePages, Metric: domNodes, Grown: 33, Bytes: exactly(33), Helps: memprof.HelpsFully, Took: 311 * time.Millisecond}
	require.Equal(t, "of DOM nodes: pages: yes, 33 of 33 in 311 ms", says(pages))
}
