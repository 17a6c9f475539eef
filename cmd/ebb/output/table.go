package output

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// Column is one column of a table.
type Column struct {
	Title string
	// Right aligns to the right, as numbers are. Default: left.
	Right bool
	// Max is the largest width. Default: 0, as wide as there is room.
	Max int
	// Keep shortens the other columns first. Right-aligned columns are always kept.
	Keep bool
}

// Table is rows of text under titles. Cells may come from pages: they are cleaned.
type Table struct {
	columns []Column
	rows    [][]string
}

// narrowest is the smallest width to which a column is shortened.
const narrowest = 6

// columnGap stands between two columns.
const columnGap = "  "

// NewTable is an empty table.
func NewTable(columns ...Column) *Table { return &Table{columns: columns} }

// Add adds a row. Missing cells are empty, those too many are dropped.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = CleanLine(cells[i])
		}
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Write writes the table, no wider than the terminal: long cells end in an ellipsis,
// and the last columns for which there is no room are named below. The error is the
// writer's.
func (t *Table) Write(out Terminal) error {
	widths := t.fit(out.columns())
	var b strings.Builder
	titles := make([]string, len(t.columns))
	for i, column := range t.columns {
		titles[i] = column.Title
	}
	left := strings.Join(titles[len(widths):], ", ")
	t.writeRow(&b, titles, widths, out.Color)
	for _, row := range t.rows {
		t.writeRow(&b, row, widths, false)
	}
	if left != "" {
		b.WriteString(wrapped("no room for "+left, out.columns()))
	}
	_, err := out.Write([]byte(b.String()))
	return err
}

func (t *Table) writeRow(b *strings.Builder, cells []string, widths []int, title bool) {
	var line strings.Builder
	for i, cell := range cells[:len(widths)] {
		if i > 0 {
			line.WriteString(columnGap)
		}
		cell = Shorten(cell, widths[i])
		space := strings.Repeat(" ", widths[i]-lipgloss.Width(cell))
		if t.columns[i].Right {
			line.WriteString(space + cell)
		} else {
			line.WriteString(cell + space)
		}
	}
	text := strings.TrimRight(line.String(), " ")
	if title {
		text = lipgloss.NewStyle().Bold(true).Render(text)
	}
	b.WriteString(text + "\n")
}

// fit is the width of each column, so that they fit into a number of columns; the last
// ones are left out where even the narrowest would not.
func (t *Table) fit(columns int) []int {
	widths := make([]int, len(t.columns))
	total, least, room := -len(columnGap), -len(columnGap), len(widths)
	for i, column := range t.columns {
		widths[i] = lipgloss.Width(column.Title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], lipgloss.Width(row[i]))
		}
		if column.Max > 0 {
			widths[i] = min(widths[i], max(column.Max, lipgloss.Width(column.Title)))
		}
		least += min(widths[i], narrowest) + len(columnGap)
		if least > columns && i > 0 {
			room = min(room, i)
		}
		if i < room {
			total += widths[i] + len(columnGap)
		}
	}
	widths = widths[:room]
	for total > columns {
		i := t.widest(widths)
		if i < 0 {
			break
		}
		widths[i]--
		total--
	}
	return widths
}

// widest is the column that is to give up a place: the widest that need not be kept,
// then the widest of the others; -1 where all are as narrow as they can be.
func (t *Table) widest(widths []int) int {
	best, bestKept := -1, -1
	for i, width := range widths {
		if width <= narrowest {
			continue
		}
		kept := t.columns[i].Keep || t.columns[i].Right
		switch {
		case kept && (bestKept < 0 || width > widths[bestKept]):
			bestKept = i
		case !kept && (best < 0 || width > widths[best]):
			best = i
		}
	}
	if best < 0 {
		return bestKept
	}
	return best
}

// wrapped is words in lines of up to a number of columns; those after the first are
// indented.
func wrapped(text string, columns int) string {
	var b strings.Builder
	width := 0
	for i, word := range strings.Fields(text) {
		size := lipgloss.Width(word)
		switch {
		case i == 0:
			width = size
		case width+1+size > columns:
			b.WriteString("\n  ")
			width = 2 + size
		default:
			b.WriteString(" ")
			width += 1 + size
		}
		b.WriteString(word)
	}
	b.WriteString("\n")
	return b.String()
}

// Shorten cuts text to a number of columns; what was cut ends in an ellipsis.
func Shorten(text string, columns int) string {
	if columns < 1 {
		return ""
	}
	if len(text) > 1024 && len(text) > 16*columns { // measuring a whole document is slow
		text = strings.ToValidUTF8(text[:max(1024, 16*columns)], "") + "…"
	}
	if lipgloss.Width(text) <= columns {
		return text
	}
	end := 0
	for i, r := range text {
		next := i + len(string(r))
		if lipgloss.Width(text[:next]) > columns-1 {
			break
		}
		end = next
	}
	return text[:end] + "…"
}
