package main

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// Styles of what commands write for people; only where the terminal takes colour.
var (
	styleBold  = lipgloss.NewStyle().Bold(true)
	styleFaint = lipgloss.NewStyle().Faint(true)
	styleGood  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleWarn  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	styleBad   = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
)

// paint gives text a style where the terminal takes colour.
func paint(out output.Terminal, style lipgloss.Style, text string) string {
	if !out.Color || text == "" {
		return text
	}
	return style.Render(text)
}

// plural is the number with its noun, whose plural has an s.
func plural(n int, noun string) string {
	return output.Counted(int64(n), noun, noun+"s")
}

// width is a terminal's number of columns.
func width(out output.Terminal) int {
	if out.Width <= 0 {
		return output.DefaultWidth
	}
	return out.Width
}

// An outline is labels with text behind them, which is wrapped below itself.
type outline struct {
	out  output.Terminal
	text strings.Builder
}

// minText is the smallest width to which an outline wraps text, however narrow the
// terminal is.
const minText = 20

// add writes text behind a label that takes up to labels columns. Nothing is written
// where there is no text. The text may come from a page; the label may not.
func (o *outline) add(indent, labels int, label, text string) {
	o.addStyled(lipgloss.NewStyle(), indent, labels, label, text)
}

// addStyled is add with a style for the text.
func (o *outline) addStyled(style lipgloss.Style, indent, labels int, label, text string) {
	if text == "" {
		return
	}
	start := indent + labels
	lines := wrap(output.CleanLine(text), max(minText, width(o.out)-start))
	fmt.Fprintf(&o.text, "%*s%s%*s%s\n", indent, "", label, max(0, labels-lipgloss.Width(label)), "", paint(o.out, style, lines[0]))
	for _, line := range lines[1:] {
		fmt.Fprintf(&o.text, "%*s%s\n", start, "", paint(o.out, style, line))
	}
}

// line writes a line as it is.
func (o *outline) line(text string) { o.text.WriteString(text + "\n") }

// write writes the outline.
func (o *outline) write() error {
	_, err := o.out.Write([]byte(o.text.String()))
	return err
}

// wrap breaks text between words into lines of at most a number of columns; longer
// words are broken too. There is at least one line.
func wrap(text string, columns int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		switch {
		case line == "":
			line = word
		case lipgloss.Width(line)+1+lipgloss.Width(word) <= columns:
			line += " " + word
		default:
			lines = append(lines, strings.TrimRight(line, " "))
			line = word
		}
		for lipgloss.Width(line) > columns {
			head, tail := split(line, columns)
			if tail == "" { // one character that is wider than the line
				break
			}
			lines = append(lines, head)
			line = tail
		}
	}
	return append(lines, line)
}

// split cuts text after as much as fits into a number of columns, and after one
// character at least.
func split(text string, columns int) (head, tail string) {
	used, end := 0, 0
	for i, r := range text {
		used += lipgloss.Width(string(r))
		if used > columns && i > 0 {
			break
		}
		end = i + len(string(r))
	}
	return text[:end], text[end:]
}
