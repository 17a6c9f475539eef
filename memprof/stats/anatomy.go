package stats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Phase is a named stretch of a cycle, in seconds on the clock of its points. Phases may overlap;
// one that had not ended has End +Inf.
type Phase struct {
	Label      string
	Start, End float64
}

// Point is one reading of a metric: T in seconds, Y in the metric's unit.
type Point struct{ T, Y float64 }

// NoPhase is the label of the time in which no phase ran.
const NoPhase = "no phase"

// Anatomy is what is known of the highest spike within one cycle. Times are in seconds on the
// clock of the points, heights in the metric's unit.
type Anatomy struct {
	// Baseline is the level before the rise, Peak the highest reading, Height the difference, and
	// PeakAt the time of the first reading that is as high within the noise.
	Baseline, Peak, Height float64
	PeakAt                 float64
	// RiseFrom and RiseTo are when the rise passed 10 % and 90 % of the height.
	RiseFrom, RiseTo float64
	// Trigger is the phase that made memory rise, by the shares of the phases in the rise
	// between 10 % and 90 %; Share is its share, 0 to 1. Where the readings cannot tell phases
	// apart, Ambiguous is set, and Trigger names all of them, joined by " + ". Without a rise
	// above the noise it is empty.
	Trigger   string
	Share     float64
	Shares    map[string]float64
	Ambiguous bool
	// Velocity is the speed of the rise between 10 % and 90 %, in units per second; AtLeast says
	// that it is a lower bound, as too few readings fell into the rise.
	Velocity float64
	AtLeast  bool
	// Recovery is the part of the height that was given back by the end: 1 is all. Recovered is
	// set if what is left is within the noise or below a tenth of the height. HalfLife is the
	// time in seconds in which half of the height was given back, counted from the last reading
	// near the peak; below 0 if that did not happen.
	Recovery  float64
	Recovered bool
	HalfLife  float64
	// Running are the phases that ran at the peak. LastToStart and LastToEnd are those whose
	// start and end came last before the peak: what a log shows last, and often not the trigger.
	Running                []string
	LastToStart, LastToEnd string
	Warnings               []string
}

// Dissect takes the highest spike in one cycle's points apart. phases may be in any order; noise
// is the standard deviation of the metric at rest, 0 if unknown: then it is estimated. Points that
// are not finite are left out. See [AttributeRise] for how phases that overlap are told apart.
func Dissect(points []Point, phases []Phase, noise float64) Anatomy {
	a := Anatomy{HalfLife: -1}
	points = anatomyPoints(points)
	if len(points) < 3 {
		a.warn("too few readings to see a spike: %d", len(points))
		return a
	}
	noise = anatomyNoise(points, noise)
	peak := anatomyPeak(points)
	a.Peak = points[peak].Y
	a.Baseline = anatomyBaseline(points[:peak+1], phases)
	a.Height = a.Peak - a.Baseline
	near := a.Peak - min(2*noise, .05*max(0, a.Height))
	peak = slices.IndexFunc(points, func(p Point) bool { return p.Y >= near })
	a.PeakAt = points[peak].T
	a.atPeak(phases)
	if peak == 0 || a.Height <= 5*noise || a.Height <= 0 {
		a.RiseFrom, a.RiseTo = a.PeakAt, a.PeakAt
		a.warn("nothing rises above the noise")
		return a
	}
	a.rise(points[:peak+1])
	a.recover(points[peak:], noise)
	shares := attribute([]riseWindow{newRiseWindow(points, phases, a.RiseFrom, a.RiseTo)}, noise)
	a.Trigger, a.Share, a.Shares, a.Ambiguous = shares.Trigger, shares.Share, shares.Shares, shares.Ambiguous
	a.Warnings = append(a.Warnings, shares.Warnings...)
	return a
}

func (a *Anatomy) warn(format string, args ...any) {
	a.Warnings = append(a.Warnings, fmt.Sprintf(format, args...))
}

// atPeak names the phases around the peak.
func (a *Anatomy) atPeak(phases []Phase) {
	started, ended := math.Inf(-1), math.Inf(-1)
	for _, p := range phases {
		if p.Start > a.PeakAt || p.End < p.Start {
			continue
		}
		if p.Start > started {
			started, a.LastToStart = p.Start, p.Label
		}
		if p.End >= a.PeakAt {
			a.Running = append(a.Running, p.Label)
		} else if p.End > ended {
			ended, a.LastToEnd = p.End, p.Label
		}
	}
	slices.Sort(a.Running)
	a.Running = slices.Compact(a.Running)
}

// rise finds the last rise through 10 % and 90 % of the height, and its velocity. The last point
// is the peak.
func (a *Anatomy) rise(points []Point) {
	low, high := a.Baseline+.1*a.Height, a.Baseline+.9*a.Height
	from := len(points) - 1
	for from > 0 && points[from].Y > low {
		from--
	}
	a.RiseFrom = points[from].T
	if points[from].Y <= low {
		a.RiseFrom = anatomyCrossing(points[from], points[from+1], low)
	} else {
		a.warn("the readings begin within the rise")
	}
	to := from + 1
	for points[to].Y < high {
		to++
	}
	a.RiseTo = max(a.RiseFrom, anatomyCrossing(points[to-1], points[to], high))
	inside := points[from+1 : to]
	if len(inside) >= 3 {
		a.Velocity = anatomySlope(inside)
		return
	}
	a.AtLeast = true
	a.Velocity = (points[to].Y - points[from].Y) / (points[to].T - points[from].T)
	a.warn("too few readings within the rise: %d; its velocity is a lower bound", len(inside))
}

// recover says what was given back after the peak, which is the first point.
func (a *Anatomy) recover(points []Point, noise float64) {
	after := points[1:]
	if len(after) == 0 {
		a.warn("the readings end at the peak: whether memory was given back is unknown")
		return
	}
	end := after[len(after)-(len(after)+4)/5:]
	levels := make([]float64, len(end))
	for i, p := range end {
		levels[i] = p.Y
	}
	post := median(levels)
	a.Recovery = (a.Peak - post) / a.Height
	a.Recovered = post <= a.Baseline+max(2*noise, .1*a.Height)
	near := a.Peak - min(max(3*noise, .02*a.Height), .1*a.Height)
	half := a.Peak - .5*a.Height
	last := points[0]
	for i, p := range points {
		if p.Y >= near {
			last = p
		}
		if p.Y <= half {
			a.HalfLife = anatomyCrossing(points[i-1], p, half) - last.T
			return
		}
	}
}

// anatomyPoints returns the points in order of time, one for each time, without those that are no
// numbers or so large that their squares are none.
func anatomyPoints(points []Point) []Point {
	sane := func(v float64) bool { return math.Abs(v) < 1e100 } // not for NaN
	var out []Point
	for _, p := range points {
		if sane(p.T) && sane(p.Y) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Point) int { return cmp.Compare(a.T, b.T) })
	return slices.CompactFunc(out, func(a, b Point) bool { return math.Abs(a.T-b.T) < 1e-9 })
}

// anatomyPeak returns the index of the first highest point.
func anatomyPeak(points []Point) int {
	peak := 0
	for i, p := range points {
		if p.Y > points[peak].Y {
			peak = i
		}
	}
	return peak
}

// anatomyNoise estimates the standard deviation of the readings from their differences, if none
// is given.
func anatomyNoise(points []Point, noise float64) float64 {
	if noise > 0 {
		return noise
	}
	steps := make([]float64, 0, len(points))
	for i := range points[1:] {
		steps = append(steps, points[i+1].Y-points[i].Y)
	}
	_, spread := MedianSpread(steps)
	return spread / math.Sqrt2
}

// anatomyBaseline is the median before the first phase began or, if nothing was read then, of what
// came before the rise to the last point.
func anatomyBaseline(points []Point, phases []Phase) float64 {
	first := math.Inf(1)
	for _, p := range phases {
		first = min(first, p.Start)
	}
	var before []float64
	lowest := math.Inf(1)
	for _, p := range points {
		lowest = min(lowest, p.Y)
		if p.T < first {
			before = append(before, p.Y)
		}
	}
	if len(before) > 0 && len(phases) > 0 {
		return median(before)
	}
	foot := len(points) - 1
	for foot > 0 && points[foot].Y > lowest+.1*(points[len(points)-1].Y-lowest) {
		foot--
	}
	for _, p := range points[:foot+1] {
		before = append(before, p.Y)
	}
	return median(before)
}

// anatomyCrossing is when the line from a to b has the value y.
func anatomyCrossing(a, b Point, y float64) float64 {
	if a.Y == b.Y {
		return b.T
	}
	return a.T + min(1, max(0, (y-a.Y)/(b.Y-a.Y)))*(b.T-a.T)
}

// anatomySlope is the median slope of all pairs of at most some 300 points (Theil and Sen).
func anatomySlope(points []Point) float64 {
	stride := (len(points) + 299) / 300
	var slopes []float64
	for i := 0; i < len(points); i += stride {
		for j := 0; j < i; j += stride {
			slopes = append(slopes, (points[i].Y-points[j].Y)/(points[i].T-points[j].T))
		}
	}
	return median(slopes)
}

// anatomyJoin names several phases as one.
func anatomyJoin(labels []string) string { return strings.Join(labels, " + ") }
