package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConfigurationPage: the table of docs/configuration.md is the table of keys, row
// for row, and the other ways of setting a value are named there.
func TestConfigurationPage(t *testing.T) {
	data, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	var rows []string
	for _, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(line, "| `") && strings.Contains(line, "`EBB_") {
			rows = append(rows, line)
		}
	}
	require.Equal(t, strings.Join(configRows(), "\n"), strings.Join(rows, "\n"))
	for _, name := range []string{"DATABASE_URL", "ENABLE_MEMORY_PROFILING", "EBB_DATABASE_FILE", "EBB_CONFIG", "STATE_DIRECTORY"} {
		require.Contains(t, string(data), name)
	}
}

// configRows are the rows of the table as the page must have them.
func configRows() []string {
	defaults := Default(func(string) string { return "" })
	var rows []string
	for i := range configKeys {
		key := &configKeys[i]
		value := key.machine
		if value == "" {
			value = fmt.Sprintf("`%v`", fieldValue(key.field(&defaults)))
			value = strings.NewReplacer("[", "", "]", "").Replace(value)
			if value == "``" {
				value = "empty"
			}
		}
		help := strings.ReplaceAll(key.help, "|", `\|`)
		if one, ok := key.check.(oneOf); ok {
			help += " One of " + strings.Join(one, ", ") + "."
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | `%s` | %s |", key.path, value, key.env(), help))
	}
	return rows
}
