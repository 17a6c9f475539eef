package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// crowd is from how many cycles on the points of a plot are small.
const crowd = 150

// blockColors is how many colours the sets of cleanups have, beside that of none.
const blockColors = 9

// htmlArms is a figure by cycle, coloured by what was on.
type htmlArms struct {
	Title, Unit string
	Plot        template.HTML
	// Legend has one entry for each set.
	Legend []htmlKey
	// Fresh says that each block begins with a fresh browser.
	Fresh bool
}

// armSet numbers the sets of cleanups in the order of the table of arms. 0 is none of them.
type armSet struct {
	plan memprof.ExperimentPlan
	sets [][]string
}

func armsOf(e memprof.Experiment) *armSet {
	a := &armSet{plan: e.Plan, sets: [][]string{nil}}
	for _, arm := range e.Arms {
		a.number(arm.On)
	}
	for _, b := range e.Blocks {
		a.number(b.On)
	}
	return a
}

// number is that of a set, which is added if it is new.
func (a *armSet) number(on []string) int {
	key := slices.Sorted(slices.Values(on))
	i := slices.IndexFunc(a.sets, func(set []string) bool { return slices.Equal(slices.Sorted(slices.Values(set)), key) })
	if i < 0 {
		a.sets = append(a.sets, on)
		return len(a.sets) - 1
	}
	return i
}

func (a *armSet) name(i int) string { return armName(a.sets[i], a.plan) }

// armClass is the class of a set's colour: that of none is grey, and after the ninth they come again.
func armClass(i int) string {
	if i == 0 {
		return fmt.Sprintf("s%d", blockColors)
	}
	return fmt.Sprintf("s%d", (i-1)%blockColors)
}

// memoryByArm draws Chrome's memory at the end of each cycle, and what grows where that is something
// else.
func memoryByArm(e memprof.Experiment) []htmlArms {
	list := []htmlArms{byArm(e, "Chrome's anonymous memory", memprof.Bytes, func(c memprof.ExperimentCycle) float64 { return c.Memory })}
	if e.Of != chromeMemory && e.Of.Metric != "" {
		list = append(list, byArm(e, capital(seriesName(e.Of)), e.Unit, func(c memprof.ExperimentCycle) float64 { return c.Value }))
	}
	return slices.DeleteFunc(list, func(a htmlArms) bool { return a.Plot == "" })
}

func byArm(e memprof.Experiment, title string, unit memprof.Unit, value func(memprof.ExperimentCycle) float64) htmlArms {
	arms := armsOf(e)
	out := htmlArms{Title: title, Fresh: e.Plan.Fresh}
	var numbers []int
	var all []*float64
	for _, b := range e.Blocks {
		for _, c := range b.Cycles {
			v := value(c)
			numbers, all = append(numbers, c.Cycle), append(all, &v)
		}
	}
	low, high := extent(all)
	if !known(low, high) {
		return out
	}
	room := .05 * (high - low)
	p := newPlot(cycleAxis(numbers), valueAxis(unit, max(low-room, min(low, 0)), high+room), title+" by cycle")
	out.Unit = unitName(unit, p.y)
	at := 0
	for i, b := range e.Blocks {
		p.block(e, arms, i, at)
		p.blockLine(b, at, armClass(arms.number(b.On)), unit, value)
		at += len(b.Cycles)
	}
	size := "tall"
	if len(numbers) > crowd {
		size += " dense"
	}
	out.Plot = p.html(size, blockLane(e, arms, len(numbers)))
	for i := range arms.sets {
		out.Legend = append(out.Legend, htmlKey{armClass(i), fmt.Sprintf("%d %s", i, arms.name(i))})
	}
	return out
}

// block draws where a block begins, and shades one that does not count.
func (p *plot) block(e memprof.Experiment, arms *armSet, i, at int) {
	b := e.Blocks[i]
	from, to := p.px(float64(at)-.5), p.px(float64(at+len(b.Cycles))-.5)
	title := fmt.Sprintf("block %d, %s: %s a cycle", i+1, arms.name(arms.number(b.On)), brief(e.Unit, b.Rate))
	class := "band"
	if b.Dropped != "" {
		class, title = "lost", title+"; dropped: "+b.Dropped
	}
	p.rect(class, from, 0, to-from, drawingHeight, title)
	boundary := "boundary"
	if e.Plan.Fresh {
		boundary = "fresh"
	}
	p.line(boundary, from, 0, from, drawingHeight, "")
}

// blockLine draws the readings of a block; those that only lead into it are hollow.
func (p *plot) blockLine(b memprof.BlockAnswer, at int, color string, unit memprof.Unit, value func(memprof.ExperimentCycle) float64) {
	var line []spot
	for j, c := range b.Cycles {
		x, y := p.px(float64(at+j)), math.NaN()
		if v := value(c); known(v) {
			y = p.py(v)
		}
		line = append(line, spot{x, y})
	}
	p.polyline("run "+color, line, "")
	for j, c := range b.Cycles {
		if math.IsNaN(line[j].y) {
			continue
		}
		title := fmt.Sprintf("cycle %d: %s", c.Cycle, amount(unit, value(c)))
		if c.Wash {
			title += ", leads in"
		}
		p.dot("point "+color, line[j].x, line[j].y, title)
		if c.Wash {
			p.dot("hollow", line[j].x, line[j].y, "")
		}
	}
}

// blockLane names the set of each block below a plot of so many cycles.
func blockLane(e memprof.Experiment, arms *armSet, cycles int) template.HTML {
	var b strings.Builder
	at := 0
	for i, block := range e.Blocks {
		n, width := arms.number(block.On), float64(len(block.Cycles))/float64(cycles)
		label := fmt.Sprint(n)
		if width > .07 {
			label += " " + arms.name(n)
		}
		fmt.Fprintf(&b, `<b class="%s" style="left:%s;width:%s" title="%s">%s</b>`, armClass(n), share(float64(at)/float64(cycles)), share(width),
			html.EscapeString(fmt.Sprintf("block %d: %s", i+1, arms.name(n))), html.EscapeString(label))
		at += len(block.Cycles)
	}
	return template.HTML(`<div class="lanes sets" style="height:16px">` + b.String() + "</div>")
}
