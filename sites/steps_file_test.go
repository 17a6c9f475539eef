package sites

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseSteps(t *testing.T) {
	steps, err := ParseSteps("steps.yaml", []byte("- click: \"#next\"\n- type: {into: \"#q\", text: \"${NAME}\"}\n- sleep: 100ms\n- back: true\n  optional: true\n- evaluate: leak()\n  times: 3\n- wait: {selector: .row}\n"))
	require.NoError(t, err)
	require.Len(t, steps, 6)
	require.Equal(t, "#next", steps[0].Click)
	require.Equal(t, Duration(30*time.Second), steps[0].Timeout, "the page timeout of a site")
	require.Equal(t, &Input{Into: "#q", Text: "${NAME}"}, steps[1].Type)
	require.True(t, steps[3].Optional)
	require.Equal(t, 3, steps[4].Times)
	require.Equal(t, ".row", steps[5].Wait.Selector)
}

func TestStepsFaults(t *testing.T) {
	for text, want := range map[string]string{
		"- clik: a":                         `s.yaml:1:3: steps[0].clik: unknown key "clik"; did you mean click?`,
		"- click: a\n- press: Retrun":       `s.yaml:2:10: steps[1].press: `,
		"- click: a\n  back: true":          "s.yaml:2:9: steps[0].back: stands beside click, but only one of them can hold",
		"- sleep: 2h":                       "s.yaml:1:10: steps[0].sleep: ",
		"- click: \"a[\"":                   "s.yaml:1:10: steps[0].click: ",
		"steps:\n- click: a":                "s.yaml:1:1: is a mapping, not a list of steps; write - click: \"#next\", one step a line, without steps: above them",
		"":                                  "s.yaml:1:1: the file holds no steps; write - click: \"#next\", one step a line",
		"- click: \"a":                      "s.yaml:1:10: the quote that opens here is never closed",
		"- click: a\n- 5\n- wait: {fun: x}": "s.yaml:2:3: steps[1]: ",
	} {
		_, err := ParseSteps("s.yaml", []byte(text))
		var faults Faults
		require.ErrorAs(t, err, &faults, text)
		require.Contains(t, faults[0].String(), want, text)
	}
}

func TestLoadSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "steps.yaml")
	_, err := LoadSteps(path)
	require.ErrorContains(t, err, "read steps: open ")
	require.NoError(t, os.WriteFile(path, []byte("- click: a\n"), 0o600))
	steps, err := LoadSteps(path)
	require.NoError(t, err)
	require.Len(t, steps, 1)
}
