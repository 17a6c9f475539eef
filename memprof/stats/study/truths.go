package study

import (
	"fmt"
	"math"
)

// Truths are all kinds of series: first those without a leak, then those with one.
var Truths = append(nulls(), leaks()...)

func nulls() []Truth {
	none := math.NaN()
	flat := func(float64) float64 { return 0 }
	truths := []Truth{}
	for _, rho := range []float64{0, .3, .6, .8} {
		truths = append(truths, Truth{Name: fmt.Sprintf("clean, rho %.1f", rho), Rho: rho, Plain: true, make: func(g *generator, n int) []float64 {
			return g.noise(n, rho)
		}})
	}
	return append(truths, []Truth{
		{Name: "clean, rho 0.99", Rho: .99, Rate: none, make: func(g *generator, n int) []float64 { return g.noise(n, .99) }},
		{Name: "clean, Student's t with 4 df", Rho: .3, make: func(g *generator, n int) []float64 { return g.noiseOf(n, .3, g.student4) }},
		{Name: "clean, noise that grows threefold", Rho: .3, make: func(g *generator, n int) []float64 {
			y := g.noise(n, .3)
			for i := range y {
				y[i] *= .5 + float64(i)/float64(n-1)
			}
			return y
		}},
		{Name: "clean, 5 % outliers", Rho: .3, Rate: none, make: func(g *generator, n int) []float64 { return g.outliers(g.noise(n, .3)) }},
		{Name: "warm-up of 5-60, settled in 2-8", Rate: none, make: func(g *generator, n int) []float64 { return g.plus(n, g.warmup()) }},
		{Name: "decline of 5-60, settled in 2-8", Rate: none, make: func(g *generator, n int) []float64 {
			rise := g.warmup()
			return g.plus(n, func(t float64) float64 { return -rise(t) })
		}},
		{Name: "saturating, tau n/5", Rate: none, make: saturating(5)},
		{Name: "saturating, tau n/3", Rate: none, make: saturating(3)},
		{Name: "sawtooth of 5-20, period 3-8", Saw: true, Rate: none, make: func(g *generator, n int) []float64 {
			return g.plus(n, g.saw(g.between(5, 20), 3+g.IntN(6)))
		}},
		{Name: "sawtooth of 10, period 10", Saw: true, Rate: none, make: func(g *generator, n int) []float64 { return g.plus(n, g.saw(10, 10)) }},
		{Name: "cache that fills until n/3", Rate: none, make: func(g *generator, n int) []float64 {
			return g.plus(n, func(t float64) float64 { return min(t, float64(n)/3) })
		}},
		{Name: "step of 5", Rate: none, make: func(g *generator, n int) []float64 { return g.plus(n, g.step(n, 5)) }},
		{Name: "step of 10-20", Rate: none, make: func(g *generator, n int) []float64 { return g.plus(n, g.step(n, g.between(10, 20))) }},
		{Name: "step of -10", Rate: none, make: func(g *generator, n int) []float64 { return g.plus(n, g.step(n, -10)) }},
		{Name: "1-3 spikes of 10-30", Rate: none, make: func(g *generator, n int) []float64 { return g.spikes(g.plus(n, flat)) }},
	}...)
}

// saturating rises by 20 sigmas with the time constant n/part.
func saturating(part float64) func(g *generator, n int) []float64 {
	return func(g *generator, n int) []float64 {
		tau := float64(n) / part
		return g.plus(n, func(t float64) float64 { return -20 * math.Exp(-t/tau) })
	}
}

// tolerance is by how many points the power may stay behind what was published.
const tolerance = 5

// reached turns published powers at 20 and 30 cycles into the least that is demanded.
func reached(at20, at30 float64) map[int]float64 {
	return map[int]float64{20: at20 - tolerance, 30: at30 - tolerance}
}

// linear is a linear leak with autocorrelated noise.
func linear(b, rho float64, power map[int]float64) Truth {
	return Truth{
		Name:  fmt.Sprintf("linear %g, rho %.1f", b, rho),
		Leaks: true, Plain: true, Rate: b, Rho: rho, Power: power,
		make: func(g *generator, n int) []float64 {
			y := g.noise(n, rho)
			for i := range y {
				y[i] += b * float64(i)
			}
			return y
		},
	}
}

func leaks() []Truth {
	truths := []Truth{
		linear(.5, 0, nil), linear(1, 0, nil),
		linear(.1, .3, reached(1, 4)), linear(.2, .3, reached(6, 30)), linear(.3, .3, reached(19, 66)),
		linear(.5, .3, reached(65, 90)), linear(.75, .3, reached(81, 95)), linear(1, .3, reached(94, 98)),
		linear(1.5, .3, reached(99, 99)), linear(2, .3, reached(100, 100)), linear(3, .3, reached(100, 100)),
	}
	for i, b := range []float64{.1, .2, .3, .5, .75, 1, 1.5, 2, 3} {
		power := [...]float64{2, 18, 61, 83, 93, 96, 99, 100, 100}[i]
		truths = append(truths, linear(b, .6, map[int]float64{30: power - tolerance}))
	}
	return append(truths, []Truth{
		{Name: "linear 1 with warm-up", Leaks: true, Rate: 1, Power: reached(55, 83), make: func(g *generator, n int) []float64 {
			rise := g.warmup()
			return g.plus(n, func(t float64) float64 { return t + rise(t) })
		}},
		{Name: "linear 1 under a sawtooth of 5-20", Leaks: true, Saw: true, Rate: 1, Power: reached(56, 91), make: func(g *generator, n int) []float64 {
			saw := g.saw(g.between(5, 20), 3+g.IntN(6))
			return g.plus(n, func(t float64) float64 { return t + saw(t) })
		}},
		{Name: "staircase, 4 every 4th cycle", Leaks: true, Rate: 1, Power: reached(87, 99), make: func(g *generator, n int) []float64 {
			phase := float64(g.IntN(4))
			return g.plus(n, func(t float64) float64 { return 4 * math.Floor((t+phase)/4) })
		}},
		{Name: "linear 1, 5 % outliers", Leaks: true, Rate: 1, Power: reached(88, 99), make: func(g *generator, n int) []float64 {
			return g.outliers(g.plus(n, func(t float64) float64 { return t }))
		}},
		{Name: "onset of 2 at n/2", Leaks: true, Rate: math.NaN(), Power: reached(81, 100), make: func(g *generator, n int) []float64 {
			return g.plus(n, func(t float64) float64 { return 2 * max(0, t-float64(n)/2) })
		}},
		{Name: "accelerating eightfold", Leaks: true, Rate: math.NaN(), make: accelerating(3)},
		{Name: "accelerating 32-fold", Leaks: true, Rate: math.NaN(), make: accelerating(5)},
	}...)
}

// accelerating rises by two sigmas a cycle in the mean, its rate doubling so many times.
func accelerating(doublings float64) func(g *generator, n int) []float64 {
	return func(g *generator, n int) []float64 {
		scale := 2 * float64(n) / math.Expm1(doublings*math.Ln2)
		return g.plus(n, func(t float64) float64 { return scale * math.Expm1(doublings*math.Ln2*t/float64(n-1)) })
	}
}
