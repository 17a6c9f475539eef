package report

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func experimentText(t *testing.T, e memprof.Experiment, width int, color bool) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ExperimentText(&out, e, width, color))
	return out.String()
}

func TestExperimentText(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(experiments())) {
		t.Run(name, func(t *testing.T) {
			e := experiments()[name]()
			wide := experimentText(t, e, 100, false)
			golden(t, "experiment-"+name, wide, 100)
			golden(t, "experiment-"+name+"-60", experimentText(t, e, 60, false), 60)
			for _, never := range []string{"NaN", "Inf", "%!", "\x1b", "\x07", "\u009b", "\u202e"} {
				require.NotContains(t, wide, never)
			}
		})
	}
	golden(t, "experiment-eight-80", experimentText(t, eightTried(), 80, false), 80)
}

// What to configure, what each cleanup does and what that rests on fit on a terminal.
func TestExperimentTextAnswersOnOneScreen(t *testing.T) {
	below := regexp.MustCompile("\n\n(because|arms)")
	for name, width := range map[string]int{"three": 80, "eight": 100, "flat": 80, "count": 80} {
		text := experimentText(t, experiments()[name](), width, false)
		first := text[:below.FindStringIndex(text)[0]]
		for _, part := range []string{"recommend", "A/A", "without"} {
			require.Contains(t, first, part)
		}
		require.LessOrEqual(t, strings.Count(first, "\n")+1, 24, name)
	}
}

// Colours change nothing but colours.
func TestExperimentTextInColour(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, make := range experiments() {
		colored := experimentText(t, make(), 100, true)
		require.Equal(t, experimentText(t, make(), 100, false), escapes.ReplaceAllString(colored, ""), name)
	}
	colored := experimentText(t, threeTried(), 100, true)
	require.Contains(t, colored, "\x1b[1;32mFLAT with http-cache=run")
	require.Contains(t, colored, "\x1b[1;32mhelps ")
	require.Contains(t, experimentText(t, untrusted(), 100, true), "\x1b[1;31mNOT TO BE TRUSTED")
}

func TestExperimentTextReturnsTheWritersError(t *testing.T) {
	require.EqualError(t, ExperimentText(broken{}, memprof.Experiment{}, 0, false), "write the table: pipe closed")
}
