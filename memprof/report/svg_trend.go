package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// trendPlot draws a metric at the end of each cycle, with the line of its slope and the lines that
// the interval allows. The slope's line goes through the middle of what the judge used.
func trendPlot(d memprof.Diagnosis, m memprof.MetricVerdict, size string) template.HTML {
	numbers := cycleNumbers(d, len(m.Values))
	xs, ys := usedPoints(d, m)
	low, high := extent(m.Values)
	if !known(low, high) {
		return ""
	}
	p := newPlot(cycleAxis(numbers), trendAxis(m), seriesName(m.Series())+" by cycle")
	if m.Rate.Known && len(xs) > 1 && m.Verdict != memprof.Step { // a step has no slope
		p.slope(m.Rate, xs, ys)
	}
	var line []spot
	for i, v := range m.Values {
		if v == nil || !known(*v) {
			p.rect("lost", p.px(float64(i)-.5), 0, drawingWidth/float64(len(numbers)), drawingHeight, fmt.Sprintf("cycle %d: a gap, it could not be read", numbers[i]))
			line = append(line, spot{p.px(float64(i)), math.NaN()})
			continue
		}
		line = append(line, spot{p.px(float64(i)), p.py(*v)})
	}
	p.polyline("trend", thin(line), "")
	for i, v := range m.Values {
		if v == nil || !known(*v) {
			continue
		}
		used := usedAs(d, m, i)
		p.dot("point p-"+used, p.px(float64(i)), p.py(*v), fmt.Sprintf("cycle %d: %s, %s", numbers[i], amount(m.Unit, *v), used))
		if used != "used" && used != "spike" {
			p.dot("hollow", p.px(float64(i)), p.py(*v), "")
		}
	}
	return p.html(size, "")
}

// cycleNumbers are the numbers of the cycles that values are of.
func cycleNumbers(d memprof.Diagnosis, n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
		if i < len(d.Cycles) {
			numbers[i] = d.Cycles[i].Cycle
		}
	}
	return numbers
}

// usedAs says how the judge used a value: "used", "warm-up", "spike" or "pending".
func usedAs(d memprof.Diagnosis, m memprof.MetricVerdict, i int) string {
	if slices.Contains(m.SpikesAt, i+1) {
		return "spike"
	}
	if i < len(d.Cycles) {
		switch used := d.Cycles[i].Used; used {
		case "warm-up":
			return used
		case "gap": // of another metric: this one has a value
			return "used"
		case "spike":
			if len(m.SpikesAt) == 0 && m.Series() == d.Of {
				return used
			}
		case "pending":
			if m.Series() == d.Of {
				return used
			}
		}
	}
	return "used"
}

func usedPoints(d memprof.Diagnosis, m memprof.MetricVerdict) (xs, ys []float64) {
	for i, v := range m.Values {
		if v != nil && known(*v) && usedAs(d, m, i) == "used" {
			xs, ys = append(xs, float64(i)), append(ys, *v)
		}
	}
	return xs, ys
}

func extent(values []*float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v != nil && known(*v) {
			low, high = min(low, *v), max(high, *v)
		}
	}
	return low, high
}

// trendAxis covers a metric's values with room for its points.
func trendAxis(m memprof.MetricVerdict) axis {
	low, high := extent(m.Values)
	room := (high - low) * .04
	if low >= 0 {
		return valueAxis(m.Unit, max(low-room, 0), high+room)
	}
	return valueAxis(m.Unit, low-room, high+room)
}

// slope draws the band of the slopes that an interval allows and the line of the estimate. They
// turn about the middle of the cycles used, at the median of what is left when the slope is taken
// away.
func (p *plot) slope(e memprof.Estimate, xs, ys []float64) {
	middle := (xs[0] + xs[len(xs)-1]) / 2
	rest := make([]float64, len(xs))
	for i := range xs {
		rest[i] = ys[i] - e.Value*(xs[i]-middle)
	}
	slices.Sort(rest)
	level := (rest[(len(rest)-1)/2] + rest[len(rest)/2]) / 2
	at := func(slope, x float64) string {
		y := p.py(level + slope*(x-middle))
		return coordinate(p.px(x)) + "," + coordinate(math.Max(-900, math.Min(1200, y)))
	}
	first, last := xs[0], p.x.high
	if known(e.Lo, e.Hi) {
		points := []string{at(e.Hi, first), at(e.Lo, middle), at(e.Hi, last), at(e.Lo, last), at(e.Hi, middle), at(e.Lo, first)}
		p.path("interval", "M"+strings.Join(points, " ")+"Z", "slopes of the 95 % interval")
	}
	p.path("slope", "M"+at(e.Value, first)+" "+at(e.Value, last), "the estimated slope")
}

// miniature is a sparkline for a cell of a table.
func miniature(values []*float64) template.HTML {
	low, high := extent(values)
	if !known(low, high) || len(values) < 2 {
		return ""
	}
	if high == low {
		low, high = low-1, high+1
	}
	s := newSVG("mini", "by cycle")
	spots := make([]spot, len(values))
	for i, v := range values {
		spots[i] = spot{drawingWidth * float64(i) / float64(len(values)-1), math.NaN()}
		if v != nil && known(*v) {
			spots[i].y = 10 + (drawingHeight-20)*(1-(*v-low)/(high-low))
		}
	}
	s.polyline("trend", thin(spots), "")
	return s.end()
}
