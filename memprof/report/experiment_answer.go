package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// recommendAnswer says what to configure.
func recommendAnswer(e memprof.Experiment) answer {
	r := e.Recommended
	a := answer{label: "recommend"}
	with := rules(r)
	switch {
	case !ran(e):
		a.texts = []string{dash + " (no block was completed)"}
		return a
	case e.Same != nil && e.Same.Differs:
		a.texts = []string{"nothing, on this evidence"}
		return a
	case with == "" && r.Flat:
		a.texts = []string{"none: memory is flat without any of them"}
	case with == "":
		a.texts = []string{strings.TrimRight("none: "+phrase(r.Says), " :")}
	default:
		a.texts = []string{with, flatWords(e)}
	}
	if len(r.Off) > 0 && with != "" {
		a.texts = append(a.texts, "not needed: "+strings.Join(namesOfCleanups(r.Off), ", "))
	}
	return a
}

// flatWords say what the recommended set comes to.
func flatWords(e memprof.Experiment) string {
	r := e.Recommended
	text := map[[2]bool]string{
		{true, true}: "measured flat", {true, false}: "predicted flat, not measured together",
		{false, true}: "still grows, measured", {false, false}: "still grows, as predicted, not measured together",
	}[[2]bool{r.Flat, r.Measured}]
	text += ": " + brief(e.Unit, r.Rate) + " a cycle"
	if known(r.CostMs) {
		text += ", for " + number(r.CostMs, digits(max(r.CostMs, -r.CostMs), 0, 0)) + " ms"
	}
	return text
}

// phrase is a text as part of a sentence: on one line, without its full stop.
func phrase(text string) string { return strings.TrimRight(plain(strings.TrimSpace(text)), ".") }

// sameAnswer says whether the blocks without any cleanup are alike, as they must be.
func sameAnswer(e memprof.Experiment) answer {
	a := answer{label: "A/A"}
	if e.Same == nil {
		a.texts = []string{"nothing against nothing: " + dash + " (too few blocks without any cleanup)"}
		return a
	}
	text := "nothing against nothing: " + brief(e.Unit, e.Same.Difference.Estimate) + " a cycle: "
	if e.Same.Differs {
		a.texts = []string{text + "THEY DIFFER, and must not. Nothing here is to be trusted: " + phrase(e.Same.Says)}
		return a
	}
	a.texts = []string{text + "alike, as it must be"}
	return a
}

// baselineAnswer says what grows without any cleanup.
func baselineAnswer(e memprof.Experiment) answer {
	a := answer{label: "without"}
	if !e.Baseline.Known {
		a.texts = []string{dash + " (no growth without any cleanup is known)"}
		return a
	}
	text := seriesName(e.Of) + " " + brief(e.Unit, e.Baseline) + " a cycle"
	if e.Margin > 0 && known(e.Margin) {
		text += "; " + threshold(e.Unit, e.Margin) + " is what matters"
	}
	a.texts = []string{text}
	var others []string
	for _, m := range e.Metrics {
		if m.Grows && m.Series != e.Of {
			others = append(others, seriesName(m.Series)+" "+brief(m.Unit, memprof.Estimate{Value: m.Baseline.Value, Lo: unknown, Hi: unknown, Known: m.Baseline.Known}))
		}
	}
	if len(others) > 0 {
		shown := min(len(others), maxOthers)
		a.texts = append(a.texts, "also "+strings.Join(others[:shown], ", ")+andMore(len(others)-shown))
	}
	return a
}

// maxOthers is how many metrics that grow too one screen names.
const maxOthers = 3

// togetherAnswer names the pairs that do something else together than each alone.
func togetherAnswer(e memprof.Experiment) answer {
	a := answer{label: "together"}
	for _, i := range e.Interactions {
		text := joined(namesOfCleanups(i.Of)) + " save " + lessWords(e.Unit, i.Less.Estimate) + " than the sum of each"
		if i.Says != "" {
			text += ": " + phrase(i.Says)
		}
		a.texts = append(a.texts, text)
	}
	return a
}

// lessWords say by how much less, or more, something is.
func lessWords(unit memprof.Unit, less memprof.Estimate) string {
	word := "less"
	switch {
	case !less.Known || !known(less.Value):
		return "more or less"
	case less.Value < 0:
		less.Value, less.Lo, less.Hi = -less.Value, -less.Hi, -less.Lo
		word = "more"
	}
	return strings.TrimPrefix(brief(unit, less), "+") + " " + word
}

// becauseAnswer says why a set is recommended.
func becauseAnswer(e memprof.Experiment) answer {
	a := answer{label: "because"}
	if r := e.Recommended; r.Says != "" && rules(r) != "" && (e.Same == nil || !e.Same.Differs) {
		a.texts = []string{plain(r.Says)}
	}
	return a
}

// armName says which cleanups were on, of all that were compared.
func armName(on []string, plan memprof.ExperimentPlan) string {
	var off []string
	for _, c := range plan.Cleanups {
		if !slices.Contains(on, c.Name) {
			off = append(off, c.Name)
		}
	}
	switch {
	case len(on) == 0:
		return "nothing"
	case len(on) == 1 || len(on) <= len(off):
		return strings.Join(namesOfCleanups(on), " + ")
	case len(off) == 0:
		return "all"
	case len(off) < len(on):
		return "all but " + joined(namesOfCleanups(off))
	}
	return strings.Join(namesOfCleanups(on), " + ")
}

// planAnswer says how it was done.
func planAnswer(e memprof.Experiment) answer {
	a := answer{label: "plan"}
	if len(e.Plan.Cleanups) == 0 {
		a.texts = []string{dash + " (the recording holds none)"}
		return a
	}
	for _, row := range planRows(e) {
		if row[1] != dash {
			a.texts = append(a.texts, strings.ToLower(row[0])+": "+row[1])
		}
	}
	return a
}

// planRows are what to know of a plan: names and values.
func planRows(e memprof.Experiment) [][2]string {
	p := e.Plan
	scheme := orDash(p.Scheme) + ", all blocks in one browser (crossover)"
	if p.Fresh {
		scheme = orDash(p.Scheme) + ", each block in a fresh browser"
	}
	blocks := fmt.Sprintf("%d of %s (not judged: %s at the beginning of each), after %s of warm-up; seed %d",
		len(p.Blocks), count(p.Cycles, "cycle"), count(p.Wash, "cycle"), count(p.WarmUp, "cycle"), p.Seed)
	looks := "once, at the end"
	if p.Open {
		looks = "after each replicate, as often as needed"
	}
	return [][2]string{
		{"Scheme", scheme},
		{"Why", orDash(p.Chosen)},
		{"Blocks", blocks},
		{"Looked at", looks},
		{"Smallest visible", smallestEffect(e)},
		{"On in every arm", orDash(strings.Join(p.Fixed, ", "))},
		{againRow, experimentCommand(e)},
	}
}

// againRow names the command in planRows.
const againRow = "Again"

// smallestEffect says how small an effect could be seen, as planned and as it came.
func smallestEffect(e memprof.Experiment) string {
	planned, reached := dash, dash
	if e.Plan.Smallest > 0 && known(e.Plan.Smallest) {
		planned = threshold(memprof.Bytes, e.Plan.Smallest) + " a cycle"
		if e.Plan.Noise > 0 && known(e.Plan.Noise) {
			planned += " at a noise of " + threshold(memprof.Bytes, e.Plan.Noise)
		}
	}
	if e.SmallestVisible > 0 && known(e.SmallestVisible) {
		reached = threshold(e.Unit, e.SmallestVisible) + " a cycle"
	}
	return "planned " + planned + ", reached " + reached + " (80 % power)"
}
