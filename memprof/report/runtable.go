package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// runColumns are the columns of figures of a RunTable with their widths.
var runColumns = []struct {
	title string
	width int
}{{"before", 8}, {"peak", 8}, {"end", 8}, {"change", 8}, {"pages", 7}, {"contexts", 10}, {"JS, MiB", 9}, {"took", 10}}

// RunTable writes one line per cycle, by number: Chrome's anonymous memory before, at the peak, at the end
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
	cycles = slices.SortedStableFunc(slices.Values(cycles), func(a, b memprof.Summary) int { return a.Cycle - b.Cycle })
	for _, s := range cycles {
		line := fmt.Sprintf("%4d  ", s.Cycle) + fit(clean(s.Name), name)
		for i, cell := range runCells(s) {
			line += fmt.Sprintf("%*s", runColumns[i].width, cell)
			dashes = dashes || cell == dash
		}
		p.line("%s", line)
	}
	together := overlapping(cycles)
	if dashes || together != "" || len(causesOf(cycles)) > 0 {
		p.line("")
	}
	if together != "" {
		p.wrap(together + " overlapped: what each leaves includes what the others still had at work.")
	}
	footnotes(p, cycles, dashes)
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

// overlapping names the cycles, sorted by number, that ran at the same time as another, such as
// "Cycles 1 to 3 and 5 to 6"; "" if none did.
func overlapping(cycles []memprof.Summary) string {
	var groups []string
	for i := 0; i < len(cycles); {
		end, next := cycles[i].Start.Add(cycles[i].Duration), i+1
		for ; next < len(cycles) && cycles[next].Start.Before(end); next++ {
			if e := cycles[next].Start.Add(cycles[next].Duration); e.After(end) {
				end = e
			}
		}
		switch next - i {
		case 1:
		case 2:
			groups = append(groups, fmt.Sprintf("%d and %d", cycles[i].Cycle, cycles[i+1].Cycle))
		default:
			groups = append(groups, fmt.Sprintf("%d to %d", cycles[i].Cycle, cycles[next-1].Cycle))
		}
		i = next
	}
	if len(groups) == 0 {
		return ""
	}
	return "Cycles " + strings.Join(groups, ", ")
}
