package study

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Truth is one kind of series.
type Truth struct {
	Name  string
	Leaks bool
	// Rate is the true growth per cycle after the warm-up; NaN where growth is not linear.
	Rate float64
	// Rho is the autocorrelation of the noise.
	Rho float64
	// Plain says that it is a line with normal noise and nothing else: its intervals have limits.
	Plain bool
	// Saw says that it has a sawtooth.
	Saw bool
	// Power is the least power in percent, by number of cycles: what published runs of the
	// method reached, less five points.
	Power map[int]float64

	make func(g *generator, n int) []float64
}

// key tells the series of one truth from those of another.
func (t Truth) key() uint64 {
	h := fnv.New64a()
	h.Write([]byte(t.Name))
	return h.Sum64()
}

// generator makes the parts of one series.
type generator struct {
	*rand.Rand
	spiked map[int]bool // cycles with a spike
}

func newGenerator(seed, stream uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, stream)), spiked: map[int]bool{}}
}

func (g *generator) between(lo, hi float64) float64 { return lo + (hi-lo)*g.Float64() }

// noise is stationary noise with standard deviation 1 and the autocorrelation rho.
func (g *generator) noise(n int, rho float64) []float64 {
	return g.noiseOf(n, rho, g.NormFloat64)
}

func (g *generator) noiseOf(n int, rho float64, draw func() float64) []float64 {
	y := make([]float64, n)
	y[0] = draw()
	for i := 1; i < n; i++ {
		y[i] = rho*y[i-1] + math.Sqrt(1-rho*rho)*draw()
	}
	return y
}

// student4 draws from Student's t with 4 degrees of freedom, scaled to standard deviation 1.
func (g *generator) student4() float64 {
	var chi2 float64
	for range 4 {
		z := g.NormFloat64()
		chi2 += z * z
	}
	return g.NormFloat64() / math.Sqrt(chi2/4) / math.Sqrt2
}

// plus adds f of the cycle to noise with the autocorrelation .3, which is what measured browsers have.
func (g *generator) plus(n int, f func(t float64) float64) []float64 {
	y := g.noise(n, .3)
	for i := range y {
		y[i] += f(float64(i))
	}
	return y
}

// outliers moves 5 % of the values by 5 to 15 sigmas, to either side.
func (g *generator) outliers(y []float64) []float64 {
	for i := range y {
		if g.Float64() < .05 {
			y[i] += g.between(5, 15) * float64(1-2*g.IntN(2))
		}
	}
	return y
}

// warmup rises by 5 to 60 sigmas, 95 % of it within 2 to 8 cycles.
func (g *generator) warmup() func(t float64) float64 {
	height, tau := g.between(5, 60), g.between(2, 8)/3
	return func(t float64) float64 { return -height * math.Exp(-t/tau) }
}

// saw rises by height and falls back every period cycles, from any phase.
func (g *generator) saw(height float64, period int) func(t float64) float64 {
	phase := float64(g.IntN(period))
	return func(t float64) float64 {
		return height * math.Mod(t+phase, float64(period)) / float64(period-1)
	}
}

// step adds height from a cycle in the middle half.
func (g *generator) step(n int, height float64) func(t float64) float64 {
	at := math.Floor(g.between(.25, .75) * float64(n))
	return func(t float64) float64 {
		if t >= at {
			return height
		}
		return 0
	}
}

// spikes adds one to three spikes of 10 to 30 sigmas to y.
func (g *generator) spikes(y []float64) []float64 {
	for range 1 + g.IntN(3) {
		at := g.IntN(len(y))
		y[at] += g.between(10, 30)
		g.spiked[at] = true
	}
	return y
}
