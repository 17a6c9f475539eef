package report

import (
	"fmt"
	"io"

	"github.com/ebbworker/ebb/memprof"
)

// runColumns are the columns of figures of a RunTable with their widths.
var runColumns = []struct {
	title string
	width int
}{{"before", 8}, {"peak", 8}, {"end", 8}, {"change", 8}, {"pages", 7}, {"contexts", 10}, {"JS, MiB", 9}, {"took", 10}}

// RunTable writes one line per cycle: Chrome's anonymous memory before, at the peak, at the end
// and its change, the pages, contexts and JavaScript heap left, and how long it took. Bytes are
// in MiB (2^20); width as for CycleTable.
func RunTable(w io.Writer, cycles []memprof.Summary, width int) error {
	p := newPage(width)
	name := p.width - len("   1  ")
	head := ""
	for _, c := range runColumns {
		name -= c.width
		head += fmt.Sprintf("%*s", c.width, c.title)
	}
	name = min(name, labelWidth)
	p.line("      %s%32s%26s", fit("", name), "Chrome, anonymous, MiB", "left at the end")
	p.line("      %s%s", fit("cycle", name), head)
	dashes := false
	for _, s := range cycles {
		line := fmt.Sprintf("%4d  ", s.Cycle) + fit(clean(s.Name), name)
		for i, cell := range runCells(s) {
			line += fmt.Sprintf("%*s", runColumns[i].width, cell)
			dashes = dashes || cell == dash
		}
		p.line("%s", line)
	}
	if dashes || len(merge(cycles)) > 0 {
		p.line("")
		footnotes(p, cycles, dashes)
	}
	return p.writeTo(w)
}

func runCells(s memprof.Summary) []string {
	cells := cellsOf(s, memprof.Series{Metric: "process.anon", Group: memprof.Chrome})
	return []string{
		cells[0], cells[1], cells[4], cells[5],
		at(&s.After, memprof.Series{Metric: "target.count", Group: "page"}),
		at(&s.After, memprof.Series{Metric: "context.count"}),
		at(&s.After, memprof.Series{Metric: "heap.used"}),
		duration(s.Duration),
	}
}
