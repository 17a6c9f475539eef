package main

import (
	"fmt"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof/heap"
)

// heapText writes a report on heaps for a person.
type heapText struct {
	out output.Terminal
	b   strings.Builder
	err error
}

// write writes all of it.
func (t *heapText) write() error {
	if t.err != nil {
		return t.err
	}
	_, err := t.out.Write([]byte(t.b.String()))
	return err
}

// title begins a section.
func (t *heapText) title(text, more string) {
	t.b.WriteString("\n" + paint(t.out, styleBold, text))
	if more != "" {
		t.b.WriteString("  " + more)
	}
	t.b.WriteString("\n")
}

// table adds a table.
func (t *heapText) table(table *output.Table) {
	out := t.out
	out.Writer = &t.b
	if err := table.Write(out); err != nil && t.err == nil {
		t.err = err
	}
}

// lines adds text that is wrapped.
func (t *heapText) lines(indent int, text string) { t.styled(lipgloss.NewStyle(), indent, text) }

func (t *heapText) styled(style lipgloss.Style, indent int, text string) {
	o := &outline{out: t.out}
	o.addStyled(style, indent, 0, "", text)
	t.b.WriteString(o.text.String())
}

func howMany(n int) string { return output.Count(int64(n)) }

func bytesOf(n uint64) string { return output.Bytes(int64(n)) }

// summary tells what one snapshot holds.
func (t *heapText) summary(report *heapReport) {
	m := report.Summary
	fmt.Fprintf(&t.b, "%s  %s in %s objects", output.CleanLine(strings.Join(report.Files, " ")), bytesOf(m.Bytes), howMany(m.Nodes))
	if m.ExtraNative > 0 {
		fmt.Fprintf(&t.b, ", and %s outside of the heap", bytesOf(m.ExtraNative))
	}
	t.b.WriteString("\n")
	t.title("What keeps most", "")
	table := output.NewTable(
		output.Column{Title: "CONSTRUCTOR", Keep: true, Max: 52}, output.Column{Title: "OBJECTS", Right: true},
		output.Column{Title: "SELF", Right: true}, output.Column{Title: "RETAINED", Right: true}, output.Column{Title: "DISTANCE", Right: true},
	)
	for _, c := range m.Constructors {
		distance := strconv.Itoa(c.Distance)
		if c.Distance < 0 {
			distance = "-"
		}
		table.Add(c.Name, howMany(c.Count), bytesOf(c.Bytes), bytesOf(c.Retained), distance)
	}
	t.table(table)
	t.detached(m.Detached)
	t.closures(m.Closures)
	t.duplicates(m.Duplicates)
	t.largest(m.Largest)
}

func (t *heapText) detached(d heap.Detached) {
	if d.Count == 0 {
		t.title("Detached DOM nodes", "none")
		return
	}
	t.title("Detached DOM nodes", fmt.Sprintf("%s, %s", plural(d.Count, "node"), bytesOf(d.Bytes)))
	for _, g := range d.Groups {
		t.lines(2, fmt.Sprintf("%s × %s, keeping %s", howMany(g.Count), g.Name, bytesOf(g.Retained)))
		t.lines(6, g.Chain.Words)
	}
}

func (t *heapText) closures(closures []heap.Closure) {
	if len(closures) == 0 {
		return
	}
	t.title("Functions by the place of their source", "")
	table := output.NewTable(output.Column{Title: "FUNCTION", Keep: true, Max: 30}, output.Column{Title: "SOURCE"},
		output.Column{Title: "FUNCTIONS", Right: true}, output.Column{Title: "RETAINED", Right: true})
	for _, c := range closures {
		table.Add(c.Function, source(c), howMany(c.Count), bytesOf(c.Retained))
	}
	t.table(table)
}

// source is script:line:column.
func source(c heap.Closure) string {
	script := c.Script
	if script == "" {
		script = "(no script)"
	}
	return fmt.Sprintf("%s:%d:%d", script, c.Line, c.Column)
}

func (t *heapText) duplicates(d heap.Duplicates) {
	if d.Count == 0 {
		return
	}
	t.title("Strings that are there several times", fmt.Sprintf("%s too many, %s", output.Count(int64(d.Count)), bytesOf(d.Bytes)))
	table := output.NewTable(output.Column{Title: "COPIES", Right: true}, output.Column{Title: "BYTES", Right: true}, output.Column{Title: "TEXT"})
	for _, s := range d.Top {
		text := quoted(s.Text, 0)
		if s.Begins {
			text += " (the beginning)"
		}
		table.Add(howMany(s.Count), bytesOf(s.Bytes), text)
	}
	t.table(table)
}

func (t *heapText) largest(rows []heap.Collection) {
	if len(rows) == 0 {
		return
	}
	t.title("Objects with most references", "")
	table := output.NewTable(output.Column{Title: "REFERENCES", Right: true}, output.Column{Title: "RETAINED", Right: true}, output.Column{Title: "WHERE"})
	for _, c := range rows {
		table.Add(howMany(c.Count), bytesOf(c.Retained), c.Chain.Words)
	}
	t.table(table)
}

// diff tells what grew.
func (t *heapText) diff(report *heapReport) {
	d := report.Diff
	first, last := d.Snapshots[0], d.Snapshots[len(d.Snapshots)-1]
	if report.URL != "" {
		rounds := (len(d.Snapshots) - 1) * report.Repeat
		fmt.Fprintf(&t.b, "%s  %s in %s: %s a round\n", output.CleanLine(report.URL), output.BytesChange(d.Bytes), plural(rounds, "round"),
			output.BytesChange(d.Bytes/int64(rounds)))
	}
	table := output.NewTable(output.Column{Title: "SNAPSHOT"}, output.Column{Title: "OBJECTS", Right: true}, output.Column{Title: "SIZE", Right: true},
		output.Column{Title: "DETACHED", Right: true}, output.Column{Title: "GLOBALS", Right: true})
	for _, p := range d.Snapshots {
		table.Add(p.Name, howMany(p.Nodes), bytesOf(p.Bytes), howMany(p.Detached), howMany(p.Globals))
	}
	t.table(table)
	fmt.Fprintf(&t.b, "\n%s new, %s\n", plural(d.NewObjects, "object"), bytesOf(d.NewBytes))
	if last.Globals > first.Globals {
		t.lines(0, fmt.Sprintf("There are %d more global objects: windows or frames that were left are still held.", last.Globals-first.Globals))
	}
	t.paths(d.Paths)
	t.classGrowth(d.Constructors)
	t.detachedGrowth(d.Detached)
	t.closureGrowth(d.Closures)
	t.stringGrowth(d.Strings)
	if report.Sampling != "" {
		t.title("What was allocated and is alive, by function", "go tool pprof -top "+output.CleanLine(report.Sampling))
	}
}

// mark puts ~ before what is known to come from the browser.
func mark(text string, artefact heap.Artefact) string {
	if artefact == "" {
		return text
	}
	return "~ " + text + " (" + string(artefact) + ")"
}

func (t *heapText) paths(paths []heap.GrowingPath) {
	if len(paths) == 0 {
		t.title("Where it grows", "no place holds more in each snapshot than in the one before")
		return
	}
	t.title("Where it grows", "")
	for _, p := range paths {
		t.styled(styleBold, 2, mark(p.Path, p.Artefact))
		t.lines(6, growthText(p))
	}
}

// growthText says how much a place keeps.
func growthText(p heap.GrowingPath) string {
	text := fmt.Sprintf("keeps %s of new objects", bytesOf(p.Share))
	if p.How == "size" {
		text = fmt.Sprintf("is %s larger", bytesOf(p.Share))
	}
	if p.Places > 1 {
		text += fmt.Sprintf(", in %d such places", p.Places)
	}
	if p.How == "references" {
		var counts []string
		for _, count := range p.Counts {
			counts = append(counts, howMany(count))
		}
		text += "; references " + strings.Join(counts, ", ")
	}
	var holds []string
	for _, c := range p.Holds {
		holds = append(holds, fmt.Sprintf("%s × %s", howMany(c.Count), c.Class))
	}
	if len(holds) > 0 {
		text += "; " + strings.Join(holds, ", ")
	}
	return text
}

func (t *heapText) classGrowth(rows []heap.ClassGrowth) {
	if len(rows) == 0 {
		return
	}
	t.title("Of which there is more", "")
	table := output.NewTable(output.Column{Title: "CONSTRUCTOR", Keep: true, Max: 60}, output.Column{Title: "MORE", Right: true},
		output.Column{Title: "BYTES", Right: true}, output.Column{Title: "NEW", Right: true})
	for _, c := range rows {
		table.Add(mark(c.Name, c.Artefact), fmt.Sprintf("%+d", c.Count), output.BytesChange(c.Bytes), howMany(c.New))
	}
	t.table(table)
}

func (t *heapText) detachedGrowth(d heap.DetachedGrowth) {
	t.title("Detached DOM nodes", fmt.Sprintf("%+d", d.Count))
	for _, tag := range d.Tags {
		t.lines(2, fmt.Sprintf("%+d × %s", tag.Count, tag.Name))
		t.lines(6, tag.Chain.Words)
	}
}

func (t *heapText) closureGrowth(rows []heap.ClosureGrowth) {
	if len(rows) == 0 {
		return
	}
	t.title("Functions of which there are more", "")
	table := output.NewTable(output.Column{Title: "FUNCTION", Keep: true, Max: 30}, output.Column{Title: "SOURCE"},
		output.Column{Title: "MORE", Right: true}, output.Column{Title: "FUNCTIONS", Right: true})
	for _, c := range rows {
		table.Add(c.Function, source(c.Closure), fmt.Sprintf("%+d", c.Growth), howMany(c.Count))
	}
	t.table(table)
}

func (t *heapText) stringGrowth(rows []heap.StringGrowth) {
	if len(rows) == 0 {
		return
	}
	t.title("Strings of which there are more copies", "")
	table := output.NewTable(output.Column{Title: "MORE", Right: true}, output.Column{Title: "COPIES", Right: true},
		output.Column{Title: "BYTES", Right: true}, output.Column{Title: "TEXT"})
	for _, s := range rows {
		table.Add(fmt.Sprintf("%+d", s.Growth), howMany(s.Count), output.BytesChange(s.Bytes), quoted(s.Text, 0))
	}
	t.table(table)
}
