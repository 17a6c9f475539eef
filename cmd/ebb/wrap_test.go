package main

import (
	"bytes"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/cmd/ebb/output"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    []string
	}{
		{"", 10, []string{""}},
		{"one two three", 20, []string{"one two three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 6, []string{"one", "two", "three"}},
		{"https://example.com/x y", 10, []string{"https://ex", "ample.com/", "x y"}},
		{"a https://example.com", 10, []string{"a", "https://ex", "ample.com"}},
		{"日本語の文", 4, []string{"日本", "語の", "文"}},
		{"日", 1, []string{"日"}},
	} {
		require.Equal(t, c.want, wrap(c.text, c.columns), c.text)
	}
}

func TestOutlineStaysWithinTheTerminal(t *testing.T) {
	text := strings.Repeat("word https://example.com/a/very/long/path/that/does/not/fit 日本語 ", 5) + "\x1b[31m end"
	for columns := 40; columns <= 120; columns += 7 {
		var out bytes.Buffer
		o := &outline{out: output.Terminal{Writer: &out, Width: columns, Color: true}}
		o.add(2, 10, "label", text)
		o.addStyled(styleWarn, 2, 10, paint(o.out, styleBold, "painted"), text)
		o.add(2, 10, "empty", "")
		require.NoError(t, o.write())
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, lipgloss.Width(strings.TrimSuffix(line, "\n")), columns)
			require.NotContains(t, line, "\x1b[31m", "what comes from a page does not act")
		}
		require.Contains(t, out.String(), `\x1b[31m`)
		require.NotContains(t, out.String(), "empty")
	}
}
