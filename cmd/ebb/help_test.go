package main

import (
	"bytes"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestHelpFitsTheScreen: no line of any command's help is wider than 100 columns.
func TestHelpFitsTheScreen(t *testing.T) {
	var out bytes.Buffer
	root := newRootCommand(&app{stdout: &out, stderr: &out})
	root.InitDefaultCompletionCmd()
	seen := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		seen++
		out.Reset()
		require.NoError(t, cmd.Help())
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, lipgloss.Width(strings.TrimSuffix(line, "\n")), 100, "%s: %s", cmd.CommandPath(), line)
		}
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(root)
	require.Greater(t, seen, 25)
}
