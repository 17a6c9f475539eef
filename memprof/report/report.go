// Package report writes a recording and its verdicts as text, JSON or one HTML file; never computes.
package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MaxWidth is the widest that a table gets, in columns.
const MaxWidth = 100

// minWidth is the narrowest: below it figures would not fit.
const minWidth = 80

// dash stands for a figure that is not known.
const dash = "-"

// page gathers the lines of a text.
type page struct {
	strings.Builder
	width int
}

func newPage(width int) *page { return newPageFrom(width, minWidth) }

// newPageFrom is newPage for a text that can be as narrow as least.
func newPageFrom(width, least int) *page {
	if width <= 0 || width > MaxWidth {
		width = MaxWidth
	}
	return &page{width: max(width, least)}
}

// line adds a line without trailing spaces.
func (p *page) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.WriteString(strings.TrimRight(text, " ") + "\n")
}

// wrap adds a text in as many lines as it takes; those after the first are indented.
func (p *page) wrap(text string) {
	const indent = "  "
	line := ""
	for _, word := range strings.Fields(text) {
		for _, part := range p.split(word) {
			switch {
			case line == "":
				line = part
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(part) <= p.width:
				line += " " + part
			default:
				p.line("%s", line)
				line = indent + part
			}
		}
	}
	p.line("%s", line)
}

// split cuts a word that is longer than a line.
func (p *page) split(word string) []string {
	limit := p.width - 4
	var parts []string
	for runes := []rune(word); ; runes = runes[limit:] {
		if len(runes) <= limit {
			return append(parts, string(runes))
		}
		parts = append(parts, string(runes[:limit]))
	}
}

func (p *page) writeTo(w io.Writer) error {
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// fit cuts a text to a number of columns, and pads it on the right.
func fit(text string, width int) string {
	if n := utf8.RuneCountInString(text); n > width {
		text = string([]rune(text)[:max(width-3, 0)]) + "..."
	}
	return text + strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0))
}

// clean replaces control characters: names and addresses come from pages.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
}
