package report

import (
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// axis is a range of values with marks.
type axis struct {
	low, high float64
	marks     []float64
	label     func(float64) string
}

// at is where a value lies between the ends, from 0 to 1.
func (a axis) at(v float64) float64 { return (v - a.low) / (a.high - a.low) }

// steps returns the multiples of a step within a range.
func steps(low, high, step float64) []float64 {
	var marks []float64
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
		marks = append(marks, i*step+0) // +0: never a negative zero
	}
	return marks
}

// valueAxis covers values of a unit, widened to round marks.
func valueAxis(unit memprof.Unit, low, high float64) axis {
	if !known(low, high) || low > high {
		low, high = 0, 1
	}
	if least := math.Max(math.Abs(high)*1e-6, 1e-9); high-low < least {
		low, high = low-math.Max(math.Abs(low)*.02, 1), high+math.Max(math.Abs(high)*.02, 1)
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*factor) <= 5 {
			step *= factor
			break
		}
	}
	low, high = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
	divisor, _ := scale(unit, math.Max(math.Abs(low), math.Abs(high)))
	decimals := max(0, -int(math.Floor(math.Log10(step/divisor)+1e-9)))
	return axis{low, high, steps(low, high, step), func(v float64) string { return number(v/divisor, decimals) }}
}

// unitName is the name of the unit that a valueAxis writes.
func unitName(unit memprof.Unit, a axis) string {
	_, name := scale(unit, math.Max(math.Abs(a.low), math.Abs(a.high)))
	if name == "" {
		return "count"
	}
	return strings.TrimSpace(name)
}

// timeAxis covers seconds from one moment to another, counted from zero.
func timeAxis(from, to, zero float64) axis {
	if to <= from {
		to = from + 1
	}
	step := 3600.0 * 24
	for _, s := range []float64{.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600} {
		if (to-from)/s <= 8 {
			step = s
			break
		}
	}
	unit, name := 1.0, " s"
	switch {
	case step >= 3600:
		unit, name = 3600, " h"
	case step >= 60:
		unit, name = 60, " min"
	}
	marks := steps(from-zero, to-zero, step)
	for i := range marks {
		marks[i] += zero
	}
	return axis{from, to, marks, func(v float64) string {
		return strconv.FormatFloat(math.Round((v-zero)/unit*10)/10, 'f', -1, 64) + name
	}}
}

// cycleAxis covers the cycles from 1 to n.
func cycleAxis(numbers []int) axis {
	n := len(numbers)
	step := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if step = s; float64(n)/s <= 7 {
			break
		}
	}
	var marks []float64
	for i := range n {
		if i == 0 || numbers[i]%int(step) == 0 && (i > 1 || step == 1) {
			marks = append(marks, float64(i))
		}
	}
	return axis{-.5, math.Max(float64(n)-.5, .5), marks, func(v float64) string { return strconv.Itoa(numbers[int(v)]) }}
}

// plot is a drawing with its axes.
type plot struct {
	x, y axis
	*svg
}

// newPlot begins a plot with the lines of its marks.
func newPlot(x, y axis, label string) *plot {
	p := &plot{x, y, newSVG("area", label)}
	for _, m := range y.marks {
		p.line("grid", 0, p.py(m), drawingWidth, p.py(m), "")
	}
	return p
}

func (p *plot) px(v float64) float64 { return drawingWidth * p.x.at(v) }
func (p *plot) py(v float64) float64 { return drawingHeight * (1 - p.y.at(v)) }

// html is the plot in its frame. size is a class for its height, under is what stands between the
// drawing and the marks of the x axis.
func (p *plot) html(size string, under template.HTML) template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="chart ` + size + `"><div class="y">`)
	for _, m := range p.y.marks {
		b.WriteString(`<span style="top:` + share(1-p.y.at(m)) + `">` + html.EscapeString(p.y.label(m)) + "</span>")
	}
	b.WriteString("</div>" + string(p.end()) + string(under) + string(p.x.below()) + "</div>")
	return template.HTML(b.String())
}

// below are the marks of an x axis, as they stand below a drawing.
func (a axis) below() template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="x">`)
	for _, m := range a.marks {
		b.WriteString(`<span style="left:` + share(a.at(m)) + `">` + html.EscapeString(a.label(m)) + "</span>")
	}
	b.WriteString("</div>")
	return template.HTML(b.String())
}

// share writes a part of 1 for a style.
func share(v float64) string { return strconv.FormatFloat(100*v, 'f', 2, 64) + "%" }
