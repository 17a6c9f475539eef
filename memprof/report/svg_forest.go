package report

import (
	"html/template"
	"math"

	"github.com/ebbworker/ebb/memprof"
)

// htmlForest is effects on memory with their intervals, one below the other on one axis.
type htmlForest struct {
	Unit string
	Rows []htmlForestRow
	Axis template.HTML
	// Without names those of which nothing is known.
	Without []string
}

// htmlForestRow is one of them.
type htmlForestRow struct {
	Name, Verdict, Class, Figures string
	Plot                          template.HTML
}

// forestOf draws the effects of all cleanups, and below them that of nothing, which must be none.
func forestOf(e memprof.Experiment) *htmlForest {
	var all []memprof.Estimate
	for _, c := range e.Answers {
		all = append(all, c.Saved.Estimate)
	}
	if e.Same != nil {
		all = append(all, e.Same.Difference.Estimate)
	}
	low, high, ok := extentOf(all, e.Margin, -e.Margin)
	if !ok {
		return nil
	}
	x := valueAxis(e.Unit, low, high)
	f := &htmlForest{Unit: unitName(e.Unit, x), Axis: x.below()}
	if e.Unit == memprof.Count {
		f.Unit = nameOf(e.Of.Metric)
	}
	add := func(name string, of memprof.Effect, verdict memprof.EffectVerdict) {
		if !drawable(of.Estimate) {
			f.Without = append(f.Without, name)
			return
		}
		f.Rows = append(f.Rows, htmlForestRow{name, effectWords(verdict), effectClass(verdict), brief(e.Unit, of.Estimate), forestRow(x, of.Estimate, e.Margin, effectClass(verdict))})
	}
	for _, c := range e.Answers {
		add(name(c.Name), c.Saved, c.Verdict)
	}
	if e.Same != nil {
		verdict := memprof.NoEffect
		if e.Same.Differs {
			verdict = memprof.Harms
		}
		add("nothing (A/A)", e.Same.Difference, verdict)
		if n := len(f.Rows) - 1; e.Same.Differs && n >= 0 {
			f.Rows[n].Verdict = "differs"
		}
	}
	return f
}

// drawable tells whether an estimate has a place on an axis.
func drawable(e memprof.Estimate) bool { return e.Known && known(e.Value) }

// extentOf is from the lowest to the highest of estimates, of 0 and of other values. An interval
// far beyond all that is left to run out of the drawing, so that it does not press the rest together;
// ok is false where nothing can be drawn.
func extentOf(estimates []memprof.Estimate, others ...float64) (low, high float64, ok bool) {
	least := math.Inf(1)
	for _, e := range estimates {
		if drawable(e) {
			low, high, ok = min(low, e.Value), max(high, e.Value), true
			if known(e.Lo, e.Hi) {
				least = min(least, (e.Hi-e.Lo)/2)
			}
		}
	}
	for _, v := range others {
		if known(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if known(least) { // the narrowest interval always fits
		low, high = min(low, -least), max(high, least)
	}
	reach := .6 * (high - low)
	bottom, top := low, high
	for _, e := range estimates {
		if drawable(e) && known(e.Lo, e.Hi) {
			bottom, top = min(bottom, max(e.Lo, low-reach)), max(top, min(e.Hi, high+reach))
		}
	}
	return bottom, top, ok
}

// forestRow draws one effect: the band that does not matter, the line of no effect, the interval and
// the estimate.
func forestRow(x axis, e memprof.Estimate, margin float64, class string) template.HTML {
	s := newSVG("area strip e-"+class, "effect with its interval")
	at := func(v float64) float64 { return drawingWidth * math.Max(-.01, math.Min(1.01, x.at(v))) }
	if margin > 0 && known(margin) {
		s.rect("margin", at(-margin), 0, at(margin)-at(-margin), drawingHeight, "")
	}
	for _, m := range x.marks {
		s.line("grid", at(m), 0, at(m), drawingHeight, "")
	}
	s.line("zero", at(0), 0, at(0), drawingHeight, "")
	if known(e.Lo, e.Hi) && e.Lo != e.Hi {
		s.line("whisker", at(e.Lo), drawingHeight/2, at(e.Hi), drawingHeight/2, "")
		for _, end := range []float64{e.Lo, e.Hi} {
			if p := x.at(end); p >= 0 && p <= 1 {
				s.line("whisker", at(end), drawingHeight*.3, at(end), drawingHeight*.7, "")
			}
		}
	}
	s.dot("mark", at(e.Value), drawingHeight/2, "")
	return s.end()
}

// effectClass is the class of a verdict on a page.
func effectClass(v memprof.EffectVerdict) string {
	switch v {
	case memprof.Helps:
		return "helps"
	case memprof.Harms:
		return "harms"
	case memprof.NoEffect:
		return "none"
	}
	return "unclear"
}
