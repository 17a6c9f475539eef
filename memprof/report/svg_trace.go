package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// maxLanes is how many phases are drawn one above the other, maxPhases how many in all.
const (
	maxLanes  = 8
	maxPhases = 3000
)

// window is a part of a trace.
type window struct {
	from, to time.Duration
	zero     time.Duration // where the axis counts from
	series   []int         // columns of the trace
	levels   []float64     // of dashed lines, in bytes
}

// wholeTrace is the window of everything in a trace that is in bytes.
func wholeTrace(t memprof.Trace) window {
	w := window{}
	for i, s := range t.Series {
		if unitOf(s) == memprof.Bytes {
			w.series = append(w.series, i)
		}
	}
	if n := len(t.Points); n > 0 {
		w.from, w.to = t.Points[0].At, t.Points[n-1].At
	}
	for _, p := range t.Phases {
		w.from, w.to = min(w.from, p.From), max(w.to, p.To)
	}
	return w
}

// tracePlot draws the course of memory in a window with the phases underneath and the cycles
// behind; "" where nothing was read.
func tracePlot(d memprof.Diagnosis, t memprof.Trace, w window, size string) template.HTML {
	highest := math.NaN()
	for _, p := range t.Points {
		for _, i := range w.series {
			if v := valueAt(p, i); p.At >= w.from && p.At <= w.to && known(v) && !(v <= highest) {
				highest = v
			}
		}
	}
	if !known(highest) {
		return ""
	}
	for _, level := range w.levels {
		if known(level) {
			highest = max(highest, level)
		}
	}
	p := newPlot(timeAxis(w.from.Seconds(), w.to.Seconds(), w.zero.Seconds()), valueAxis(memprof.Bytes, 0, highest), "memory over time")
	p.cycles(d, t)
	for _, level := range w.levels {
		if known(level) {
			p.line("level", 0, p.py(level), drawingWidth, p.py(level), "")
		}
	}
	for _, i := range w.series {
		p.polyline(fmt.Sprintf("series s%d", i%10), thin(p.spots(t, w, i)), traceName(t.Series[i]))
	}
	return p.html(size, lanes(t, w))
}

func valueAt(p memprof.TracePoint, i int) float64 {
	if i >= len(p.Values) {
		return math.NaN()
	}
	return p.Values[i]
}

// cycles draws bands behind every other cycle, and behind those that the judge left out.
func (p *plot) cycles(d memprof.Diagnosis, t memprof.Trace) {
	for i, c := range d.Cycles {
		from := c.Start.Sub(t.Start).Seconds()
		to := from + c.Took.Seconds()
		if from >= p.x.high || to <= p.x.low {
			continue
		}
		from, to = max(from, p.x.low), min(to, p.x.high)
		class := "band"
		if i%2 == 1 {
			class += " odd"
		}
		change := dash
		if c.Phases != nil {
			change = gainOf(unitIn(d, d.Of), c.Change)
		}
		title := fmt.Sprintf("cycle %d, %s: change %s, peak %s", c.Cycle, c.Used, change, amount(memprof.Bytes, c.Peak))
		if len(c.PeakPhases) > 0 {
			title += " during " + joined(c.PeakPhases)
		}
		p.rect(class, p.px(from), 0, p.px(to)-p.px(from), drawingHeight, title)
		p.line("boundary", p.px(from), 0, p.px(from), drawingHeight, "")
	}
}

// spots are the points of one series. The line breaks where the series was asked for in vain: at
// points without it that are further apart than usual, since quick ticks ask for little.
func (p *plot) spots(t memprof.Trace, w window, i int) []spot {
	var gaps []float64
	last := math.NaN()
	for _, point := range t.Points {
		if known(valueAt(point, i)) {
			if !math.IsNaN(last) {
				gaps = append(gaps, point.At.Seconds()-last)
			}
			last = point.At.Seconds()
		}
	}
	slices.Sort(gaps)
	usual := math.Inf(1)
	if len(gaps) > 0 {
		usual = 3*gaps[len(gaps)/2] + 1e-9
	}
	var out []spot
	missed := false
	last = math.NaN()
	for _, point := range t.Points {
		v, at := valueAt(point, i), point.At.Seconds()
		switch {
		case point.At < w.from || point.At > w.to:
			continue
		case !known(v):
			missed = true
			continue
		case missed && at-last > usual:
			out = append(out, spot{p.px((at + last) / 2), math.NaN()})
		}
		out = append(out, spot{p.px(at), p.py(v)})
		last, missed = at, false
	}
	return out
}

// traceName is the name of a series in the legend of a trace.
func traceName(s memprof.Series) string {
	switch {
	case s.Metric == "process.anon" && s.Group == memprof.Chrome:
		return "Chrome, all processes"
	case s.Metric == "process.anon":
		return plain(s.Group)
	}
	return seriesName(s)
}

// lanes draws the phases of a window as bars; those that overlap on lanes of their own.
func lanes(t memprof.Trace, w window) template.HTML {
	var phases []memprof.TracePhase
	for _, p := range t.Phases {
		if p.To > w.from && p.From < w.to {
			phases = append(phases, p)
		}
	}
	if len(phases) == 0 {
		return ""
	}
	slices.SortStableFunc(phases, func(a, b memprof.TracePhase) int { return int(a.From - b.From) })
	phases = phases[:min(len(phases), maxPhases)]
	var b strings.Builder
	var ends []time.Duration
	span := (w.to - w.from).Seconds()
	for _, p := range phases {
		lane := slices.IndexFunc(ends, func(end time.Duration) bool { return end <= p.From })
		if lane < 0 {
			if len(ends) == maxLanes {
				continue
			}
			lane = len(ends)
			ends = append(ends, 0)
		}
		ends[lane] = p.To
		from, to := max(p.From, w.from), min(p.To, w.to)
		left, width := (from-w.from).Seconds()/span, (to-from).Seconds()/span
		label := html.EscapeString(strings.TrimSpace(plain(string(p.Kind)) + " " + name(p.Site)))
		fmt.Fprintf(&b, `<b class="%s" style="left:%s;width:%s;top:%dpx" title="cycle %d: %s, %s">`,
			kindClass(p.Kind), share(left), share(width), lane*laneHeight, p.Cycle, label, duration(p.To-p.From))
		if width > .09 {
			b.WriteString(label)
		}
		b.WriteString("</b>")
	}
	return template.HTML(fmt.Sprintf(`<div class="lanes" style="height:%dpx">%s</div>`, len(ends)*laneHeight, b.String()))
}

// laneHeight is the height of a lane of phases in pixels.
const laneHeight = 14

// kinds are those of phases, in the order of a cycle.
var kinds = []memprof.Kind{memprof.Launch, memprof.Scrape, memprof.Cleanup, memprof.Settle, memprof.Idle}

func kindClass(k memprof.Kind) string {
	if slices.Contains(kinds, k) {
		return "k-" + string(k)
	}
	return "k-other"
}

// gainOf is amount with the sign of a change.
func gainOf(unit memprof.Unit, v float64) string {
	text := amount(unit, v)
	if v > 0 && known(v) {
		return "+" + text
	}
	return text
}
