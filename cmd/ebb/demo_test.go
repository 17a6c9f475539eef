package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// TestDemoSaysWhatToTry: each command that the demo ends with exists, with its flags.
func TestDemoSaysWhatToTry(t *testing.T) {
	for _, keep := range []string{"", "kept"} {
		var out bytes.Buffer
		(&demoRun{options: demoOptions{keep: keep}, dir: keep}).next(output.Terminal{Writer: &out, Width: 200})
		require.Contains(t, out.String(), "\n  ebb diagnose --demo ")
		require.Equal(t, keep != "", strings.Contains(out.String(), "ebb export --database kept/ebb.db --format csv"))
		named := regexp.MustCompile(`(?m)^  (ebb .+?)  `).FindAllStringSubmatch(out.String(), -1)
		require.Len(t, named, 7)
		for _, line := range named {
			cmd, args, err := newRootCommand(&app{}).Find(strings.Fields(line[1])[1:])
			require.NoError(t, err, line[1])
			require.True(t, cmd.HasParent(), line[1])
			require.NoError(t, cmd.ParseFlags(args), line[1])
		}
	}
}
