package output

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingFromAPageActsOnTheTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain äöü 日本":           "plain äöü 日本",
		"\x1b[31mred\x1b[0m":     `\x1b[31mred\x1b[0m`,
		"\x1b]0;title\a":         `\x1b]0;title\x07`,
		"\x1b]8;;http://x\x1b\\": `\x1b]8;;http://x\x1b\`,
		"c1 \u009b31m":           `c1 \u009b31m`,
		"back\b\b\x7f":           `back\x08\x08\x7f`,
		"rtl \u202egnp.exe":      `rtl \u202egnp.exe`,
		"zero\u200bwidth\ufeff":  `zero\u200bwidth\ufeff`,
		"tag \U000e0041":         `tag \U000e0041`,
		"two\nlines\r\nand\ttab": "two lines and tab",
		"sep\u2028here":          `sep\u2028here`,
		"bad \xff utf":           "bad \ufffd utf",
		"family 👨‍👩‍👧":           "family 👨‍👩‍👧",
		"nul\x00":                `nul\x00`,
	} {
		require.Equal(t, want, CleanLine(text))
	}
	require.Equal(t, "two\nlines\\x0d\n\ttab", Clean("two\nlines\r\n\ttab"))
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		line := CleanLine(text)
		if strings.ContainsFunc(line, hostile) {
			t.Errorf("%q is left in %q", line, text)
		}
		if CleanLine(line) != line {
			t.Errorf("%q is cleaned twice", text)
		}
	})
}
