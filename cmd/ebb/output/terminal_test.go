package output

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name    string
		env     map[string]string
		noColor bool
		color   bool
		width   int
	}{
		{"a pipe", nil, false, false, DefaultWidth},
		{"forced", map[string]string{"CLICOLOR_FORCE": "1"}, false, true, DefaultWidth},
		{"forced off", map[string]string{"CLICOLOR_FORCE": "0"}, false, false, DefaultWidth},
		{"NO_COLOR wins", map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false, false, DefaultWidth},
		{"the flag wins", map[string]string{"CLICOLOR_FORCE": "1"}, true, false, DefaultWidth},
		{"columns", map[string]string{"COLUMNS": "77"}, false, false, 77},
		{"no number", map[string]string{"COLUMNS": "wide"}, false, false, DefaultWidth},
		{"negative", map[string]string{"COLUMNS": "-1"}, false, false, DefaultWidth},
	} {
		t.Run(c.name, func(t *testing.T) {
			terminal := Detect(&bytes.Buffer{}, func(name string) string { return c.env[name] }, c.noColor)
			require.False(t, terminal.TTY)
			require.Equal(t, c.color, terminal.Color)
			require.Equal(t, c.width, terminal.Width)
		})
	}
}
