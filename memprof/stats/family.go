package stats

import "math"

// family is a family of curves that a series may follow.
type family int

const (
	constantFamily family = iota
	linearFamily
	acceleratingFamily
	deceleratingFamily
	stepFamily
	stepAndLinearFamily
	onsetFamily
	families
)

var familyNames = [families]string{
	"constant", "linear", "accelerating", "decelerating", "step", "step and linear", "onset",
}

// model is one curve of a family: the columns that it takes from the bank, -1 for none.
type model struct {
	family family
	growth int     // column whose coefficient is positive
	other  int     // column whose coefficient has either sign: warm-up or step
	prior  float64 // probability within the family
	slope  float64 // of the growth column over the last fifth, per cycle
	detail float64 // step, onset: index of the cycle used; accelerating: cycles in which growth doubles
}

// bank holds the columns of all curves over the cycles used, each scaled to the range 1, and the
// models made of them.
type bank struct {
	times   []int
	since   []float64 // cycles since the first
	span    float64
	tail    float64 // cycles in the last fifth
	columns [][]float64
	models  []model
}

// newBank makes the seven families over the cycles used; the end rate is that over the last tail
// cycles.
func newBank(times []int, tail int) *bank {
	b := &bank{times: times, since: make([]float64, len(times)), tail: float64(max(1, tail))}
	for i, t := range times {
		b.since[i] = float64(t - times[0])
	}
	b.span = b.since[len(times)-1]
	line := b.add(func(t float64) float64 { return t / b.span })
	b.withWarmup(constantFamily, -1)
	b.withWarmup(linearFamily, line)
	b.accelerating()
	b.decelerating()
	b.steps(line)
	b.onsets()
	return b
}

// add adds a column and returns its index.
func (b *bank) add(f func(t float64) float64) int {
	x := make([]float64, len(b.since))
	for i, t := range b.since {
		x[i] = f(t)
	}
	b.columns = append(b.columns, x)
	return len(b.columns) - 1
}

// grow adds a growing curve and a model of it.
func (b *bank) grow(family family, prior, detail float64, f func(t float64) float64) {
	tail := min(b.tail, b.span)
	b.models = append(b.models, model{
		family: family, growth: b.add(f), other: -1, prior: prior, detail: detail,
		slope: (f(b.span) - f(b.span-tail)) / tail,
	})
}

// withWarmup adds a curve alone and with each of the exponential warm-ups.
func (b *bank) withWarmup(family family, growth int) {
	m := model{family: family, growth: growth, other: -1, prior: 1 / float64(len(warmups)+1)}
	if growth >= 0 {
		m.slope = 1 / b.span
	}
	b.models = append(b.models, m)
	for _, tau := range warmups {
		m.other = b.add(func(t float64) float64 { return math.Exp(-t / tau) })
		b.models = append(b.models, m)
	}
}

func (b *bank) accelerating() {
	for _, part := range [...]float64{8, 5, 3, 2} {
		doubling := b.span / part
		top := math.Exp2(part) - 1
		b.grow(acceleratingFamily, 1./4, doubling, func(t float64) float64 {
			return (math.Exp2(t/doubling) - 1) / top
		})
	}
}

// The parts of the prior of the decelerating family. A logarithm looks like a line after a
// warm-up: it must not take such leaks away.
const (
	fadingPrior  = .72
	logPrior     = .08
	plateauPrior = .2
)

// decelerating adds growth that fades: exponentially, like a logarithm, or to a plateau.
func (b *bank) decelerating() {
	for _, part := range [...]float64{6, 4, 3, 2} {
		tau := b.span / part
		top := -math.Expm1(-part)
		b.grow(deceleratingFamily, fadingPrior/4, 0, func(t float64) float64 { return -math.Expm1(-t/tau) / top })
	}
	for _, scale := range [...]float64{1, 4} {
		top := math.Log1p(b.span / scale)
		b.grow(deceleratingFamily, logPrior/2, 0, func(t float64) float64 { return math.Log1p(t/scale) / top })
	}
	bends := b.positions(2, 4)
	for _, i := range bends {
		bend := b.since[i]
		b.grow(deceleratingFamily, plateauPrior/float64(len(bends)), 0, func(t float64) float64 { return min(t, bend) / bend })
	}
}

// steps adds a jump of either sign before each cycle, alone and on a rising line.
func (b *bank) steps(line int) {
	at := b.positions(2, 2)
	for _, i := range at {
		from := b.since[i]
		m := model{family: stepFamily, growth: -1, prior: 1 / float64(len(at)), detail: float64(i)}
		m.other = b.add(func(t float64) float64 {
			if t >= from {
				return 1
			}
			return 0
		})
		b.models = append(b.models, m)
		m.family, m.growth, m.slope = stepAndLinearFamily, line, 1/b.span
		b.models = append(b.models, m)
	}
}

// onsets adds lines that begin to rise at each cycle.
func (b *bank) onsets() {
	at := b.positions(2, 4)
	for _, i := range at {
		from := b.since[i]
		b.grow(onsetFamily, 1/float64(len(at)), float64(i), func(t float64) float64 {
			return max(0, t-from) / (b.span - from)
		})
	}
}

// maxPositions bounds the number of places where a curve may bend.
const maxPositions = 300

// positions returns the indices of cycles with at least before cycles before them, and after from
// them on.
func (b *bank) positions(before, after int) []int {
	stride := 1 + len(b.times)/maxPositions
	var at []int
	for i := before; i <= len(b.times)-after; i += stride {
		at = append(at, i)
	}
	return at
}
