package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// pages are the README and the pages of docs, by their names.
func pages(t *testing.T) map[string]string {
	names, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	texts := map[string]string{}
	for _, name := range append(names, "../../README.md") {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		texts[filepath.Base(name)] = string(text)
	}
	return texts
}

var (
	// commandText is a command in a line of code, with what comes before it, or in a sentence.
	commandText = regexp.MustCompile("(?m)^(?:    |)(?:go run \\./cmd/)?ebb ([a-z].*)$|`ebb ([a-z][^`]*)`")
	// afterCommand is where a command ends in a line.
	afterCommand = regexp.MustCompile(` +#| \| | > | && `)
	flagText     = regexp.MustCompile("`(--[a-z][a-z-]*)")
)

// planned is a command of which the README says that it does not exist yet.
const planned = "experiment"

// TestDocsNameCommandsThatExist: each command in the README and the docs exists, with its flags.
func TestDocsNameCommandsThatExist(t *testing.T) {
	seen := 0
	for name, text := range pages(t) {
		for _, found := range commandText.FindAllStringSubmatch(text, -1) {
			words := strings.Fields(afterCommand.Split(found[1]+found[2], 2)[0])
			if words[0] == planned {
				continue
			}
			seen++
			root := newRootCommand(&app{})
			root.InitDefaultCompletionCmd()
			cmd, args, err := root.Find(words)
			require.NoError(t, err, "%s: %s", name, found[0])
			require.True(t, cmd.HasParent(), "%s: %s", name, found[0])
			require.NoError(t, cmd.ParseFlags(args), "%s: %s", name, found[0])
			require.False(t, cmd.HasSubCommands() && cmd.Flags().NArg() > 0, "%s: %s", name, found[0])
		}
	}
	require.Greater(t, seen, 60)
}

// TestDocsNameFlagsThatExist: each flag that stands by itself is one of some command.
func TestDocsNameFlagsThatExist(t *testing.T) {
	known := map[string]bool{"--help": true}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, flags := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
			flags.VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
		}
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRootCommand(&app{}))
	for name, text := range pages(t) {
		for _, found := range flagText.FindAllStringSubmatch(text, -1) {
			require.True(t, known[found[1]], "%s: %s", name, found[1])
		}
	}
}
