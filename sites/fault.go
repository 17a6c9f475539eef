package sites

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong, or in Warnings odd, in a site file.
type Fault struct {
	// File is the file as it was named to Parse or Load; "" for a site made in memory.
	File string
	// Line and Column count from 1, the column in characters; both are 0 where there
	// is no text to point at.
	Line, Column int
	// Path names the value, for example templates[0].items[0].fields[2].regex; "" for
	// the file as a whole.
	Path string
	// Message says what is wrong.
	Message string
	// Hint says what would be right; "" where the message says it already.
	Hint string
}

// String gives the fault as one line: file:line:column: path: message; hint.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(cmp.Or(f.File, "site"))
	if f.Line > 0 {
		b.WriteString(":" + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column))
	}
	b.WriteString(": ")
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
	return oneLine(b.String())
}

// Faults are all faults of one or more site files, in the order of the text. It is
// the error of Parse, Load, LoadAll and Complete.
type Faults []Fault

// Error gives one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// inOrder sorts the faults by their place in the text and drops repeats, which come
// from values that are named by several aliases.
func (f Faults) inOrder() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(f, func(a, b Fault) bool {
		return a.Line > 0 && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message && lastKey(a.Path) == lastKey(b.Path)
	})
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// or is an error that is nil when there are no faults.
func (f Faults) or() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// oneLine makes control characters visible, so that a fault stays on its line.
func oneLine(s string) string {
	clean := strings.IndexFunc(s, isControl) < 0
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isControl(r) {
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isControl(r rune) bool {
	return r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029
}

// shown quotes a value for a message and shortens it to 60 characters.
func shown(value string) string {
	const longest = 60
	if runes := []rune(value); len(runes) > longest {
		value = string(runes[:longest-1]) + "…"
	}
	return strconv.Quote(value)
}

// nearest gives the word that is most like the given one: one that begins with it, or
// one with at most one edit in three characters; "" when none is near.
func nearest(word string, words []string) string {
	if len(word) < 2 || len(word) > 64 {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, w := range words {
		if len(word) >= 3 && strings.HasPrefix(strings.ToLower(w), strings.ToLower(word)) {
			return w
		}
		if d := editDistance(strings.ToLower(word), strings.ToLower(w)); d < bestDistance {
			best, bestDistance = w, d
		}
	}
	return best
}

// editDistance counts the inserted, deleted, replaced and exchanged neighbouring bytes
// between two words (optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
