package study

import (
	"fmt"
	"io"
	"strings"
)

// The limits to which the analysis of trials is held, in percent.
const (
	minTrialCoverage = 93
	maxTrialCoverage = 99.5
	maxFamilyErrors  = 8
	maxSameDiffer    = 5
)

func share(count, of int) float64 { return 100 * float64(count) / float64(max(1, of)) }

// percent is the share in words, empty of nothing.
func percent(count, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", share(count, of))
}

// exact says that the intervals' coverage has a limit at the top: not where a trial is looked at several times.
func (r TrialRow) exact() bool { return r.Truth.Looks < 2 && !r.Truth.Open }

// Failures are the limits that are not held, in words; none is nil.
func (r TrialResult) Failures() []string {
	var out []string
	for _, row := range r.Rows {
		fail := func(held bool, format string, args ...any) {
			if !held {
				out = append(out, row.Truth.Name+": "+fmt.Sprintf(format, args...))
			}
		}
		covered := share(row.Covered, row.Effects)
		fail(row.Effects == 0 || covered >= minTrialCoverage && (covered <= maxTrialCoverage || !row.exact()),
			"%.1f %% of the intervals hold the effect, limits %d and %.1f", covered, minTrialCoverage, maxTrialCoverage)
		fail(share(row.False, row.Nulls) <= maxFamilyErrors,
			"%.1f %% with a false effect, limit %d", share(row.False, row.Nulls), maxFamilyErrors)
		fail(share(row.Differ, row.Reps) <= maxSameDiffer,
			"%.1f %% in which the same differs from itself, limit %d", share(row.Differ, row.Reps), maxSameDiffer)
		if row.Truth.Right > 0 {
			fail(share(row.Right, row.Reps) >= row.Truth.Right, "%.1f %% all right, limit %.0f", share(row.Right, row.Reps), row.Truth.Right)
		}
	}
	return out
}

// Write writes the study as a table.
func (r TrialResult) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Trials of known truth, seed %d. Noise of a value %g MB, growth %g MB per cycle. In percent.\n\n", r.Seed, worldNoise, worldGrowth)
	fmt.Fprintf(&b, "%-40s %7s %7s %8s %7s %7s %9s %7s\n", "", "trials", "covered", "false", "A/A", "right", "at least", "wrong")
	for _, row := range r.Rows {
		right, least, wrong := "", "", ""
		if row.Truth.Margin > 0 {
			right, wrong = percent(row.Right, row.Reps), percent(row.Wrong, row.Reps)
		}
		if row.Truth.Right > 0 {
			least = fmt.Sprintf("%.0f", row.Truth.Right)
		}
		fmt.Fprintf(&b, "%-40s %7d %7s %8s %7s %7s %9s %7s\n", row.Truth.Name, row.Reps, percent(row.Covered, row.Effects),
			percent(row.False, row.Nulls), percent(row.Differ, row.Reps), right, least, wrong)
	}
	fmt.Fprintf(&b, "\nLimits: %d to %.1f of the intervals hold the effect (no upper one with looks), at most %d with a false effect,\nat most %d in which the two arms without any factor differ.\n",
		minTrialCoverage, maxTrialCoverage, maxFamilyErrors, maxSameDiffer)
	failures := r.Failures()
	if len(failures) == 0 {
		b.WriteString("\nAll limits are held.\n")
	}
	for _, f := range failures {
		fmt.Fprintf(&b, "\nNOT HELD: %s\n", f)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the study of trials: %w", err)
	}
	return nil
}
