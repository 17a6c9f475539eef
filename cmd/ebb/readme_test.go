package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

func readme(t *testing.T) (text string, yamls []string) {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		yamls = append(yamls, found[1])
	}
	require.Len(t, yamls, 2)
	return string(data), yamls
}

func TestReadmeSiteFile(t *testing.T) {
	_, yamls := readme(t)
	site, err := sites.Parse("README.md", []byte(yamls[0]))
	require.NoError(t, err)
	require.Equal(t, "lamps", site.Name)
}

// TestReadmeConfiguration: what the README says `ebb config print` prints are all keys
// with their defaults.
func TestReadmeConfiguration(t *testing.T) {
	_, yamls := readme(t)
	getenv := func(string) string { return "" }
	settings, err := LoadConfig(ConfigSources{Path: "-", Stdin: strings.NewReader(yamls[1]), Getenv: getenv})
	require.NoError(t, err)
	defaults := Default(getenv)
	for i := range configKeys {
		key := &configKeys[i]
		require.False(t, settings.IsDefault(key.path), "%s is missing", key.path)
		if key.machine == "" {
			want, got := fieldValue(key.field(&defaults)), fieldValue(key.field(&settings.Config))
			require.Equal(t, fmt.Sprint(want), fmt.Sprint(got), key.path)
		}
	}
}

// TestReadmeNamesEveryCommand holds the table of commands to the commands.
func TestReadmeNamesEveryCommand(t *testing.T) {
	text, _ := readme(t)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			switch parent, name := cmd.Name(), child.Name(); {
			case name == "help":
			case parent == "ebb" && !child.HasSubCommands():
				require.Contains(t, text, "`ebb "+name)
			case parent != "ebb":
				require.Regexp(t, "`ebb "+parent+"[^|]*[` ]"+name+"[` ]", text)
			}
			walk(child)
		}
	}
	walk(newRootCommand(&app{}))
}
