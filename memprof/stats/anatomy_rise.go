package stats

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Trace is one cycle's points and phases.
type Trace struct {
	Points []Point
	Phases []Phase
}

// Attribution says which phases made memory rise in several cycles.
type Attribution struct {
	// Trigger, Share, Shares and Ambiguous are as in Anatomy, over the rises of all cycles.
	Trigger   string
	Share     float64
	Shares    map[string]float64
	Ambiguous bool
	// Rates are the speeds, in units per second, at which memory rises while a phase runs.
	Rates map[string]float64
	// Cycles is the number of cycles with a rise above the noise; in Agreeing of them the cycle
	// alone has the same trigger.
	Cycles, Agreeing int
	Warnings         []string
}

// AttributeRise attributes the rises to the peaks of several cycles to the phases that ran. noise
// is the standard deviation of the metric at rest, 0 if unknown.
//
// The increments between readings, from the first to 90 % of the rise, are explained by one rate
// for each phase times the time it ran (least squares, no rate below 0): so a phase is charged with
// what rises while it runs alone, and two that run at once share what rises in proportion to the
// rates that they show apart from each other. If a fit without the trigger is not worse at 1 % (F
// test), the readings cannot tell it from what takes its place, and both are named.
//
// Source: C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974), chapter 23.
func AttributeRise(cycles []Trace, noise float64) Attribution {
	var windows []riseWindow
	var triggers []string
	var noises []float64
	for _, c := range cycles {
		a := Dissect(c.Points, c.Phases, noise)
		if a.Trigger == "" {
			continue
		}
		points := anatomyPoints(c.Points)
		windows = append(windows, newRiseWindow(points, c.Phases, a.RiseFrom, a.RiseTo))
		triggers = append(triggers, a.Trigger)
		noises = append(noises, anatomyNoise(points, noise))
	}
	if len(windows) == 0 {
		return Attribution{Warnings: []string{"nothing rises above the noise in any cycle"}}
	}
	out := attribute(windows, median(noises))
	out.Cycles = len(windows)
	for _, trigger := range triggers {
		if trigger == out.Trigger {
			out.Agreeing++
		}
	}
	return out
}

// riseInterval is the time between two readings: by how much memory rose, for how long each phase
// ran, and which part of it belongs to the rise between 10 % and 90 %.
type riseInterval struct {
	delta float64
	ran   map[string]float64
	part  float64
}

// riseWindow are the intervals of one cycle up to the end of its rise.
type riseWindow []riseInterval

func newRiseWindow(points []Point, phases []Phase, from, to float64) riseWindow {
	var w riseWindow
	for i := range points[1:] {
		a, b := points[i], points[i+1]
		if a.T >= to {
			break
		}
		in := riseInterval{delta: b.Y - a.Y, ran: make(map[string]float64)}
		in.part = max(0, min(b.T, to)-max(a.T, from)) / (b.T - a.T)
		for _, p := range phases {
			if ran := min(b.T, p.End) - max(a.T, p.Start); ran > 0 {
				in.ran[p.Label] += ran
			}
		}
		if idle := riseIdle(phases, a.T, b.T); idle > 1e-9*(b.T-a.T) {
			in.ran[NoPhase] = idle
		}
		w = append(w, in)
	}
	return w
}

// riseIdle returns for how long none of the phases ran between two times.
func riseIdle(phases []Phase, from, to float64) float64 {
	idle := 0.0
	for from < to {
		until, reach := to, from // the next start, and the farthest end of what runs
		for _, p := range phases {
			switch {
			case p.Start > from:
				until = min(until, p.Start)
			case p.End > from:
				reach = max(reach, p.End)
			}
		}
		if reach > from {
			from = reach
			continue
		}
		idle += until - from
		from = until
	}
	return idle
}

// attribute explains the windows' rises, see AttributeRise.
func attribute(windows []riseWindow, noise float64) Attribution {
	intervals := slices.Concat(windows...)
	f := newRiseFit(intervals)
	all, squares := f.solve(-1)
	shares := f.shares(intervals, all)
	out := Attribution{Rates: f.named(all)}
	trigger := slices.Index(f.labels, riseOrder(f.named(shares))[0])

	scale := max(2*noise*noise, squares/float64(max(1, len(intervals)-len(f.labels))))
	if without, rest := f.solve(trigger); rest-squares <= riseF*scale && f.covers(intervals, trigger) {
		// Two explanations, equally good: each counts half.
		for i, share := range f.shares(intervals, without) {
			shares[i] = (shares[i] + share) / 2
		}
		out.Ambiguous = true
	}
	out.Shares = f.named(shares)
	named := riseOrder(out.Shares)[:1]
	if out.Ambiguous {
		for _, label := range riseOrder(out.Shares)[1:] {
			if out.Shares[label] >= .2 {
				named = append(named, label)
			}
		}
		slices.Sort(named)
		out.Warnings = append(out.Warnings, "the readings do not tell "+anatomyJoin(named)+" apart: they ran together while memory rose")
	}
	for _, label := range named {
		out.Share += out.Shares[label]
	}
	out.Trigger = anatomyJoin(named)
	out.Warnings = append(out.Warnings, riseCoarse(windows)...)
	return out
}

// riseF is the 1 % point of the F distribution with one and many degrees of freedom.
const riseF = 6.63

// riseCoarse warns where the rise of every window lies in one interval in which several ran.
func riseCoarse(windows []riseWindow) []string {
	for _, w := range windows {
		n, shared := 0, false
		for _, in := range w {
			if in.part > 0 {
				n++
				shared = shared || len(in.ran) > 1
			}
		}
		if n != 1 || !shared {
			return nil
		}
	}
	return []string{"the rise lies between two readings, while several phases ran: read more often to be sure of the trigger"}
}

// riseOrder returns the labels, largest share first.
func riseOrder(shares map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(shares), func(a, b string) int {
		return cmp.Or(cmp.Compare(shares[b], shares[a]), cmp.Compare(a, b))
	})
}

// riseFit is a least-squares problem by its normal equations: products of the phases' times with
// each other, and with the increments.
type riseFit struct {
	labels []string
	gram   [][]float64
	target []float64
	total  float64 // the increments' sum of squares
}

func newRiseFit(intervals []riseInterval) *riseFit {
	seen := make(map[string]bool)
	for _, in := range intervals {
		for label := range in.ran {
			seen[label] = true
		}
	}
	f := &riseFit{labels: slices.Sorted(maps.Keys(seen))}
	f.target = make([]float64, len(f.labels))
	for range f.labels {
		f.gram = append(f.gram, make([]float64, len(f.labels)))
	}
	for _, in := range intervals {
		f.total += in.delta * in.delta
		for i, a := range f.labels {
			f.target[i] += in.ran[a] * in.delta
			for j, b := range f.labels {
				f.gram[i][j] += in.ran[a] * in.ran[b]
			}
		}
	}
	return f
}

// solve returns the rates, none below 0, and what remains of the sum of squares. The phase
// without (an index, -1 for none) has no rate. The method is coordinate descent, which ends on
// the rate that came first where two phases always ran together.
func (f *riseFit) solve(without int) ([]float64, float64) {
	rates := make([]float64, len(f.labels))
	for range 2000 {
		moved, largest := 0.0, 0.0
		for i := range rates {
			if i == without || f.gram[i][i] <= 0 {
				continue
			}
			pull := f.target[i]
			for j, rate := range rates {
				if j != i {
					pull -= f.gram[i][j] * rate
				}
			}
			next := max(0, pull/f.gram[i][i])
			moved, largest = max(moved, math.Abs(next-rates[i])), max(largest, next)
			rates[i] = next
		}
		if moved <= 1e-10*largest {
			break
		}
	}
	rest := f.total
	for i, rate := range rates {
		rest -= 2 * rate * f.target[i]
		for j, other := range rates {
			rest += rate * other * f.gram[i][j]
		}
	}
	return rates, max(0, rest)
}

// shares splits what rose between 10 % and 90 % over the phases that ran: in each interval in
// proportion to their rates, or to their times where none of them has a rate.
func (f *riseFit) shares(intervals []riseInterval, rates []float64) []float64 {
	shares := make([]float64, len(rates))
	weights := make([]float64, len(rates))
	for _, in := range intervals {
		sum, times := 0.0, 0.0
		for i, label := range f.labels {
			weights[i] = in.ran[label] * rates[i]
			sum += weights[i]
			times += in.ran[label]
		}
		for i, label := range f.labels {
			if sum > 0 {
				shares[i] += in.part * in.delta * weights[i] / sum
			} else if times > 0 {
				shares[i] += in.part * in.delta * in.ran[label] / times
			}
		}
	}
	sum := 0.0
	for i := range shares {
		shares[i] = max(0, shares[i])
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= max(sum, math.SmallestNonzeroFloat64)
	}
	return shares
}

// covers says whether other phases ran during most of the rise in which phase i ran.
func (f *riseFit) covers(intervals []riseInterval, i int) bool {
	rise, shared := 0.0, 0.0
	for _, in := range intervals {
		if up := in.part * max(0, in.delta); up > 0 && in.ran[f.labels[i]] > 0 {
			rise += up
			if len(in.ran) > 1 {
				shared += up
			}
		}
	}
	return shared > .5*rise
}

// named maps the labels to values.
func (f *riseFit) named(values []float64) map[string]float64 {
	out := make(map[string]float64, len(values))
	for i, label := range f.labels {
		out[label] = values[i]
	}
	return out
}
