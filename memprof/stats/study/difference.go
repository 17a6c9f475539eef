package study

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// Pair is one kind of two recordings that are compared: a line each, with autocorrelated noise. The
// first is the one before, the second the one after.
type Pair struct {
	Name string
	// Rate is the growth per cycle, Rho the autocorrelation of the noise, N the number of cycles, Noise
	// its standard deviation.
	Rate, Rho, Noise [2]float64
	N                [2]int
	// WarmUp adds a warm-up of a height and a speed of its own to each.
	WarmUp bool
}

// Pairs are those of which there is a limit.
var Pairs = pairs()

func pairs() []Pair {
	var list []Pair
	for _, rho := range []float64{0, .3, .6} {
		for _, n := range []int{20, 30} {
			for _, rate := range [][2]float64{{0, 0}, {1, 1}, {1, 0}} {
				list = append(list, Pair{
					Name: fmt.Sprintf("rate %g and %g, rho %.1f, %d cycles", rate[0], rate[1], rho, n),
					Rate: rate, Rho: [2]float64{rho, rho}, Noise: [2]float64{1, 1}, N: [2]int{n, n},
				})
			}
		}
	}
	return append(list,
		Pair{Name: "rate 1 and 0, 30 and 20 cycles, rho 0.3 and 0.6", Rate: [2]float64{1, 0}, Rho: [2]float64{.3, .6}, Noise: [2]float64{1, 1}, N: [2]int{30, 20}},
		Pair{Name: "rate 1 and 0, noise 1 and 4, rho 0.3, 25 cycles", Rate: [2]float64{1, 0}, Rho: [2]float64{.3, .3}, Noise: [2]float64{1, 4}, N: [2]int{25, 25}},
		Pair{Name: "rate 1 and 0, both with warm-up, rho 0.3, 25 cycles", Rate: [2]float64{1, 0}, Rho: [2]float64{.3, .3}, Noise: [2]float64{1, 1}, N: [2]int{25, 25}, WarmUp: true},
		Pair{Name: "rate 1 and 0, rho 0 and 0.6, 25 cycles", Rate: [2]float64{1, 0}, Rho: [2]float64{0, .6}, Noise: [2]float64{1, 1}, N: [2]int{25, 25}},
	)
}

// minDifference is the least coverage of the interval of a difference that a pair may have, in percent.
const minDifference = 93

// PairRow is what became of the series of one pair.
type PairRow struct {
	Pair Pair
	Reps int
	// Rates, Means and Ratios are how many of the 95 % intervals held the true difference of rates, that of
	// means and the true ratio of durations.
	Rates, Means, Ratios int
	// Differ is how many of the differences of rates were told from none, at 5 %.
	Differ int
}

// Differences makes series of each pair and compares them.
func Differences(reps int, seed uint64) []PairRow {
	rows := make([]PairRow, len(Pairs))
	for i, pair := range Pairs {
		rows[i] = PairRow{Pair: pair, Reps: reps}
		for rep := range reps {
			rows[i].run(newGenerator(seed^Truth{Name: pair.Name}.key(), uint64(rep)))
		}
	}
	return rows
}

func (r *PairRow) run(g *generator) {
	var rates [2]stats.Interval
	var df [2]int
	var levels, times [2][]float64
	p := r.Pair
	for side := range 2 {
		noise := g.noise(p.N[side], p.Rho[side])
		y := make([]float64, len(noise))
		rise := func(float64) float64 { return 0 }
		if p.WarmUp {
			rise = g.warmup()
		}
		for i, v := range noise {
			y[i] = p.Noise[side]*v + p.Rate[side]*float64(i) + rise(float64(i))
			levels[side] = append(levels[side], 100+10*float64(side)+p.Noise[side]*v)
			times[side] = append(times[side], (1+.1*float64(side))*math.Exp(.05*p.Noise[side]*v))
		}
		j := stats.Judge(y, Thresholds)
		rates[side], df[side] = j.Rate, j.Used-2
	}
	d := stats.Difference(rates[0], rates[1], df[0], df[1])
	count(&r.Rates, d.Interval, p.Rate[1]-p.Rate[0])
	if d.P <= .05 {
		r.Differ++
	}
	mean := stats.MeanDifference(levels[0], levels[1])
	count(&r.Means, mean.Interval, 10)
	ratio := stats.MeanRatio(times[0], times[1])
	count(&r.Ratios, ratio.Interval, 1.1)
}

func count(held *int, i stats.Interval, truth float64) {
	if i.Lo <= truth && truth <= i.Hi {
		*held++
	}
}

func (r PairRow) percent(count int) float64 { return 100 * float64(count) / float64(r.Reps) }

// WriteDifferences writes the rows as a table.
func WriteDifferences(w io.Writer, rows []PairRow) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-55s %7s %12s %12s %13s %8s\n", "95 % intervals that hold the true difference, in percent", "series", "of rates", "of means", "of durations", "differ")
	for _, r := range rows {
		fmt.Fprintf(&b, "%-56s %7d %12.1f %12.1f %13.1f %8.1f\n", r.Pair.Name, r.Reps, r.percent(r.Rates), r.percent(r.Means), r.percent(r.Ratios), r.percent(r.Differ))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the study: %w", err)
	}
	return nil
}
