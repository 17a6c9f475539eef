package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// htmlBenefit is what cleanups save against what they cost.
type htmlBenefit struct {
	Plot template.HTML
	// Without names those that have no place in it, Crowded those for whose names there was no room.
	Without, Crowded []string
}

// benefitPlot draws cost against benefit: milliseconds to the right, memory saved upwards.
func benefitPlot(e memprof.Experiment) *htmlBenefit {
	var costs, saved []memprof.Estimate
	out := &htmlBenefit{}
	var shown []memprof.CleanupAnswer
	for _, c := range e.Answers {
		if !drawable(c.Cost.Estimate) || !drawable(c.MBSaved) {
			out.Without = append(out.Without, name(c.Name))
			continue
		}
		shown, costs, saved = append(shown, c), append(costs, c.Cost.Estimate), append(saved, inBytes(c.MBSaved))
	}
	if len(shown) == 0 {
		return nil
	}
	x, y := roomy(costs, memprof.Count), roomy(saved, memprof.Bytes)
	p := newPlot(x, y, "memory saved against time taken")
	for _, m := range x.marks {
		p.line("grid", p.px(m), 0, p.px(m), drawingHeight, "")
	}
	p.line("zero", p.px(0), 0, p.px(0), drawingHeight, "")
	p.line("zero", 0, p.py(0), drawingWidth, p.py(0), "")
	texts := &captions{}
	texts.quadrants(p)
	for i := range shown {
		p.cross(costs[i], saved[i], effectClass(shown[i].Verdict))
		texts.avoid(p.px(costs[i].Value), p.py(saved[i].Value))
	}
	for i, c := range shown {
		title := fmt.Sprintf("%s: saves %s, costs %s a cycle", name(c.Name), brief(memprof.Bytes, saved[i]), millis.text(costs[i]))
		p.dot("point e-"+effectClass(c.Verdict), p.px(costs[i].Value), p.py(saved[i].Value), title)
		if !texts.put("e-"+effectClass(c.Verdict), name(c.Name), p.px(costs[i].Value), p.py(saved[i].Value)) {
			out.Crowded = append(out.Crowded, name(c.Name))
		}
	}
	out.Plot = p.html("tall", template.HTML(`<div class="names">`+texts.String()+"</div>"))
	return out
}

// roomy is an axis with 0 not at its end, so that all quadrants show.
func roomy(estimates []memprof.Estimate, unit memprof.Unit) axis {
	low, high, _ := extentOf(estimates)
	least := .22 * (high - low)
	return valueAxis(unit, min(low, -least), max(high, least))
}

// cross draws the intervals of both figures of a cleanup.
func (p *plot) cross(x, y memprof.Estimate, class string) {
	within := func(v, most float64) float64 { return math.Max(-10, math.Min(most+10, v)) }
	if known(x.Lo, x.Hi) {
		p.line("whisker e-"+class, within(p.px(x.Lo), drawingWidth), p.py(y.Value), within(p.px(x.Hi), drawingWidth), p.py(y.Value), "")
	}
	if known(y.Lo, y.Hi) {
		p.line("whisker e-"+class, p.px(x.Value), within(p.py(y.Lo), drawingHeight), p.px(x.Value), within(p.py(y.Hi), drawingHeight), "")
	}
}

// The size of a letter in units of a drawing, as wide as it is in the smallest box that a page gives
// a drawing with names.
const (
	letterWidth  = 8.4
	letterHeight = 15.0
)

// box is a rectangle in units of a drawing.
type box struct{ left, top, right, bottom float64 }

func (b box) meets(c box) bool {
	return b.left < c.right && c.left < b.right && b.top < c.bottom && c.top < b.bottom
}

// captions are texts over a drawing, of which none covers another or a point.
type captions struct {
	strings.Builder
	taken []box
}

// avoid keeps the place of a point free.
func (l *captions) avoid(x, y float64) {
	l.taken = append(l.taken, box{x - 6, y - 6, x + 6, y + 6})
}

// quadrants name what the quarters of a plot of cost against benefit mean, where they have room.
func (l *captions) quadrants(p *plot) {
	x, y := p.px(0), p.py(0)
	for _, q := range []struct {
		text        string
		left, top   bool
		width, high float64
	}{
		{"saves memory and time", true, true, x, y},
		{"saves memory, costs time", false, true, drawingWidth - x, y},
		{"saves time, memory grows more", true, false, x, drawingHeight - y},
		{"costs time, memory grows more", false, false, drawingWidth - x, drawingHeight - y},
	} {
		size := letterWidth * float64(utf8.RuneCountInString(q.text))
		b := box{6, 4, 6 + size, 4 + letterHeight}
		if !q.left {
			b.left, b.right = drawingWidth-6-size, drawingWidth-6
		}
		if !q.top {
			b.top, b.bottom = drawingHeight-4-letterHeight, drawingHeight-4
		}
		if size > q.width || 2*letterHeight > q.high {
			continue
		}
		l.taken = append(l.taken, b)
		l.write("quadrant", q.text, b, !q.left)
	}
}

// put names a point where there is room near it, and tells whether there was any.
func (l *captions) put(class, text string, x, y float64) bool {
	size := letterWidth * float64(utf8.RuneCountInString(text))
	for _, away := range []float64{.9, 1.8, 2.7, 0, 3.6} {
		for _, side := range []float64{-1, 1} {
			for _, right := range []bool{true, false} {
				top := y - letterHeight/2 + side*away*letterHeight
				b := box{x + 9, top, x + 9 + size, top + letterHeight}
				if !right {
					b.left, b.right = x-9-size, x-9
				}
				if l.free(b) {
					l.taken = append(l.taken, b)
					l.write(class, text, b, !right)
					return true
				}
			}
		}
	}
	return false
}

func (l *captions) free(b box) bool {
	if b.left < 0 || b.top < 0 || b.right > drawingWidth || b.bottom > drawingHeight {
		return false
	}
	for _, other := range l.taken {
		if b.meets(other) {
			return false
		}
	}
	return true
}

// write places a text by its left or its right edge.
func (l *captions) write(class, text string, b box, byRight bool) {
	style := "left:" + share(b.left/drawingWidth)
	if byRight {
		style = "right:" + share(1-b.right/drawingWidth)
	}
	fmt.Fprintf(l, `<span class="%s" style="%s;top:%s">%s</span>`, class, style, share((b.top+b.bottom)/2/drawingHeight), html.EscapeString(text))
}
