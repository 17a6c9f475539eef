package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/ebbworker/ebb/memprof"
)

// RunTable writes one line per cycle: Chrome's anonymous memory before, at the peak, at the end
// and its change, the pages, contexts and JavaScript heap left, and how long it took. Bytes are
// in MiB (2^20); width as for CycleTable.
func RunTable(w io.Writer, cycles []memprof.Summary, width int) error {
	p := newPage(width)
	const figures = 8 * figureWidth
	name := min(p.width-figures-6, labelWidth)
	p.line("%s%*s%*s", fit("", 6+name), 4*figureWidth, "Chrome, anonymous, MiB", 3*figureWidth, "left at the end")
	head := fmt.Sprintf("%4s  ", "") + fit("cycle", name)
	for _, column := range []string{"before", "peak", "end", "change", "pages", "contexts", "JS, MiB", "took"} {
		head += fmt.Sprintf("%*s", figureWidth, column)
	}
	p.line("%s", head)
	dashes := false
	for _, s := range cycles {
		cells := runCells(s)
		dashes = dashes || slices.Contains(cells, dash)
		line := fmt.Sprintf("%4d  ", s.Cycle) + fit(clean(s.Name), name)
		for _, cell := range cells {
			line += fmt.Sprintf("%*s", figureWidth, cell)
		}
		p.line("%s", line)
	}
	gaps := len(merge(cycles)) > 0
	if dashes || gaps {
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
