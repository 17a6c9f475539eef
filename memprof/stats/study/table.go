package study

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// The limits to which the judge is held at 20 and 30 cycles, in percent.
const (
	maxFalseLeaks = 2.4
	minCoverage   = 92
	maxCoverage   = 99
	coverageRho   = .6 // the largest autocorrelation for which the coverage has limits
)

// heading is the table's head, after the column of truths.
const heading = "  series   leak    limit growing  decel.    step  stable   undec.   covered   error  shapes of the leaks, and what else was seen"

// Coverage is the coverage of the intervals of the rate over the rows with one autocorrelation.
type Coverage struct {
	Rho           float64
	N             int
	Covered, Reps int
}

// Percent is the part of the intervals that hold the true rate.
func (c Coverage) Percent() float64 { return 100 * float64(c.Covered) / float64(max(1, c.Reps)) }

// Coverages sums up the clean and the linear series with normal noise by autocorrelation and length.
func (r Result) Coverages() []Coverage {
	var out []Coverage
	for _, row := range r.Rows {
		if !row.Truth.Plain {
			continue
		}
		i := 0
		for i < len(out) && (out[i].Rho != row.Truth.Rho || out[i].N != row.N) {
			i++
		}
		if i == len(out) {
			out = append(out, Coverage{Rho: row.Truth.Rho, N: row.N})
		}
		out[i].Covered += row.Covered
		out[i].Reps += row.Reps
	}
	return out
}

// Failures are the limits that are not held, in words; none is nil.
func (r Result) Failures() []string {
	var out []string
	for _, row := range r.Rows {
		if limit, ok := row.limit(); ok && !row.held() {
			out = append(out, fmt.Sprintf("%s, %d cycles: %.1f %% called a leak, limit %s", row.Truth.Name, row.N, row.Leaks(), limit))
		}
	}
	for _, c := range r.Coverages() {
		if c.limited() && !c.held() {
			out = append(out, fmt.Sprintf("rho %.1f, %d cycles: %.1f %% of the intervals hold the rate, limits %d and %d %%",
				c.Rho, c.N, c.Percent(), minCoverage, maxCoverage))
		}
	}
	return out
}

func (c Coverage) limited() bool { return c.Rho <= coverageRho && hasLimits(c.N) }

func (c Coverage) held() bool { return c.Percent() >= minCoverage && c.Percent() <= maxCoverage }

// limited says that there is a limit for any row.
func (r Result) limited() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { _, ok := row.limit(); return ok })
}

func hasLimits(n int) bool { return n == 20 || n == 30 }

// limit is what the row's part of leaks is held to, in words; false for nothing.
func (r Row) limit() (string, bool) {
	if !r.Truth.Leaks {
		return fmt.Sprintf("<= %.1f", maxFalseLeaks), hasLimits(r.N)
	}
	power, ok := r.Truth.Power[r.N]
	return fmt.Sprintf(">= %.0f", max(0, power)), ok
}

func (r Row) held() bool {
	if !r.Truth.Leaks {
		return r.Leaks() <= maxFalseLeaks
	}
	return r.Leaks() >= r.Truth.Power[r.N]
}

// Write writes the study as a table.
func (r Result) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "The judge on series of known truth, seed %d. Noise 1, growth matters from %g per cycle. In percent.\n", r.Seed, Thresholds.Delta)
	for i, row := range r.Rows {
		if i == 0 || row.N != r.Rows[i-1].N {
			fmt.Fprintf(&b, "\n%-35s%s\n", fmt.Sprintf("%d cycles", row.N), heading)
		}
		row.write(&b)
	}
	b.WriteString("\n95 % intervals that hold the true rate, clean and linear series:\n")
	for _, c := range r.Coverages() {
		limit := ""
		if c.limited() {
			limit = fmt.Sprintf("  limits %d and %d%s", minCoverage, maxCoverage, verdict(c.held()))
		}
		fmt.Fprintf(&b, "  %d cycles, rho %.1f: %5.1f of %d%s\n", c.N, c.Rho, c.Percent(), c.Reps, limit)
	}
	failures := r.Failures()
	if len(failures) == 0 && r.limited() {
		b.WriteString("\nAll limits are held.\n")
	}
	for _, f := range failures {
		fmt.Fprintf(&b, "\nNOT HELD: %s\n", f)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the study: %w", err)
	}
	return nil
}

func verdict(held bool) string {
	if held {
		return ""
	}
	return "  NOT HELD"
}

func (r Row) write(b *strings.Builder) {
	limit, ok := r.limit()
	if !ok {
		limit = ""
	}
	fmt.Fprintf(b, "%-35s %7d %6.1f %8s", r.Truth.Name, r.Reps, r.Leaks(), limit)
	for _, c := range []stats.Class{stats.Growing, stats.Decelerating, stats.Step, stats.Stable, stats.Inconclusive} {
		fmt.Fprintf(b, " %7.1f", r.percent(r.Classes[c]))
	}
	coverage, bias := "", ""
	if !math.IsNaN(r.Truth.Rate) {
		coverage, bias = fmt.Sprintf("%.1f", r.Coverage()), fmt.Sprintf("%+.3f", r.Error)
	}
	fmt.Fprintf(b, "    %6s  %6s %s", coverage, bias, r.shapes())
	if ok && !r.held() {
		b.WriteString("  NOT HELD")
	}
	b.WriteByte('\n')
}

// shapes names the shapes of the leaks, in percent of them, and what else was seen.
func (r Row) shapes() string {
	var parts []string
	if r.Truth.Saw {
		parts = append(parts, fmt.Sprintf("sawtooth seen %.1f", r.percent(r.Saws)))
	}
	if r.Planted > 0 {
		parts = append(parts, fmt.Sprintf("spikes found %.1f", 100*float64(r.Spikes)/float64(r.Planted)))
	}
	for _, s := range []stats.Shape{stats.LinearShape, stats.AcceleratingShape, stats.OnsetShape} {
		if count := r.Shapes[s]; count > 0 && r.Truth.Leaks {
			parts = append(parts, fmt.Sprintf("%s %.1f", s, 100*float64(count)/float64(r.Classes[stats.Leak])))
		}
	}
	return " " + strings.Join(parts, ", ")
}
