package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// courseOf draws a metric of both recordings, at the end of each cycle, in one plot; nil where nothing
// was read.
func courseOf(r memprof.RateChange, size string) *htmlCourse {
	both := append(append([]*float64{}, r.Before.Values...), r.After.Values...)
	low, high := extent(both)
	if !known(low, high) {
		return nil
	}
	room := (high - low) * .04
	if low >= 0 {
		low = max(room, low) // never below 0
	}
	numbers := make([]int, max(len(r.Before.Values), len(r.After.Values)))
	for i := range numbers {
		numbers[i] = i + 1
	}
	row := rateRow(r)
	p := newPlot(cycleAxis(numbers), valueAxis(r.Unit, low-room, high+room), row.name+" by cycle, before and after")
	for _, side := range []struct {
		class, name string
		values      []*float64
	}{{"before", "before", r.Before.Values}, {"after", "after", r.After.Values}} {
		line := make([]spot, len(side.values))
		for i, v := range side.values {
			line[i] = spot{p.px(float64(i)), math.NaN()}
			if v != nil && known(*v) {
				line[i].y = p.py(*v)
			}
		}
		p.polyline("run w-"+side.class, thin(line), "")
		for i, v := range side.values {
			if v != nil && known(*v) && len(side.values) <= maxDots {
				p.dot("point w-"+side.class, p.px(float64(i)), p.py(*v), fmt.Sprintf("%s, cycle %d: %s", side.name, i+1, amount(r.Unit, *v)))
			}
		}
	}
	return &htmlCourse{Title: capital(row.name), Unit: unitName(r.Unit, p.y), Rates: row.before + " -> " + row.after + " a cycle", Plot: p.html(size, "")}
}

// maxDots is for how many cycles each has a dot.
const maxDots = 200

// changeScale is that on which the changes of a table are drawn.
type changeScale struct {
	// limit is the largest change that is drawn, band what matters; at maps 0 to limit on 0 to 1.
	limit, band float64
	at          func(v float64) float64
	steps       []float64 // above 0
	suffix      string
}

// percentScale is linear, up to the largest bound of the rows between 10 and 100 %.
func percentScale(rows []changeRow) changeScale {
	s := changeScale{limit: min(100, max(10, largest(rows))), band: 5, suffix: " %"}
	s.limit = math.Ceil(s.limit/10) * 10
	s.at = func(v float64) float64 { return v / s.limit }
	s.steps = []float64{s.limit / 2, s.limit}
	return s
}

// marginScale is linear about 0 and logarithmic beyond: one margin and a hundred can be seen.
func marginScale(rows []changeRow) changeScale {
	s := changeScale{limit: max(3, largest(rows)), band: 1, suffix: "×"}
	s.at = func(v float64) float64 { return math.Asinh(v) / math.Asinh(s.limit) }
	for step := 1.0; step <= s.limit; step *= 10 {
		s.steps = append(s.steps, step)
		if third := 3 * step; s.limit < 30 && third <= s.limit {
			s.steps = append(s.steps, third)
		}
	}
	return s
}

// largest is the largest bound of the rows.
func largest(rows []changeRow) float64 {
	most := 0.0
	for _, row := range rows {
		if row.of.Known && known(row.of.Lo, row.of.Hi) {
			most = max(most, math.Abs(row.of.Lo), math.Abs(row.of.Hi))
		}
	}
	return most
}

// x is where a change is drawn.
func (s changeScale) x(v float64) float64 {
	return drawingWidth * (.5 + .43*max(-1, min(1, s.at(v))))
}

// marks are the numbers above the column.
func (s changeScale) marks() template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="marks">`)
	mark := func(v float64) {
		text := signed(v, places(v)) + s.suffix
		if v == 0 {
			text = "0"
		}
		b.WriteString(`<span style="left:` + share(s.x(v)/drawingWidth) + `">` + html.EscapeString(text) + "</span>")
	}
	for i := len(s.steps) - 1; i >= 0; i-- {
		mark(-s.steps[i])
	}
	mark(0)
	for _, v := range s.steps {
		mark(v)
	}
	b.WriteString("</div>")
	return template.HTML(b.String())
}

// strip draws one change with its interval.
func (s changeScale) strip(row changeRow) template.HTML {
	if !row.of.Known || !known(row.of.Value) {
		return ""
	}
	drawing := newSVG("strip "+changeClass(row.verdict), row.name+": "+row.change)
	drawing.rect("margin", s.x(-s.band), 0, s.x(s.band)-s.x(-s.band), drawingHeight, "")
	drawing.line("zero", s.x(0), 0, s.x(0), drawingHeight, "")
	middle := drawingHeight / 2
	if known(row.of.Lo, row.of.Hi) {
		drawing.line("whisker", s.x(row.of.Lo), middle, s.x(row.of.Hi), middle, "")
	}
	drawing.dot("mark", s.x(row.of.Value), middle, row.name+": "+row.change)
	return drawing.end()
}
