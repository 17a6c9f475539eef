// Package output writes tables and progress for people, and records for programs.
package output

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// DefaultWidth is the width, in columns, of what is no terminal or does not say.
const DefaultWidth = 100

// Terminal is a writer and what may be written to it.
type Terminal struct {
	io.Writer
	// TTY says that a person reads it as it is written.
	TTY bool
	// Color says that colour may be used.
	Color bool
	// Width is the number of columns; 0 stands for DefaultWidth.
	Width int
}

// Detect finds out what w is. NO_COLOR and noColor turn colour off, CLICOLOR_FORCE
// turns it on where w is no terminal, COLUMNS says the width of what is none.
func Detect(w io.Writer, getenv func(string) string, noColor bool) Terminal {
	t := Terminal{Writer: w, Width: DefaultWidth}
	if columns, err := strconv.Atoi(getenv("COLUMNS")); err == nil && columns > 0 {
		t.Width = columns
	}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		t.TTY = true
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			t.Width = width
		}
	}
	forced := getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0"
	t.Color = t.TTY && getenv("TERM") != "dumb" || forced
	if noColor || getenv("NO_COLOR") != "" {
		t.Color = false
	}
	return t
}

// columns is the usable width.
func (t Terminal) columns() int {
	if t.Width <= 0 {
		return DefaultWidth
	}
	return t.Width
}
