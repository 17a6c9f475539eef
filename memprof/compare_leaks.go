package memprof

import (
	"fmt"
	"strings"
)

// newLeak checks that nothing leaks that did not before, and no known leak grows faster. What could not
// have been seen is no pass: a metric that was not read, or of which one of the runs says too little.
func (c *comparing) newLeak() Check {
	var found, open []string
	var figures []CheckFigure
	for _, s := range c.primary() {
		r, both := c.rateOf(s)
		if !both {
			open = append(open, nameOf(s)+" was not read in both")
			continue
		}
		says, state := c.leakOf(r)
		switch state {
		case CheckFail:
			found = append(found, says)
		case CheckCannotTell:
			open = append(open, says)
		default:
			continue
		}
		figures = append(figures, CheckFigure{s.String() + " before", r.Unit, r.Before.Rate}, CheckFigure{s.String() + " after", r.Unit, r.After.Rate})
	}
	var check Check
	switch {
	case len(found) > 0:
		check = fails("%s", few(found))
	case len(open) > 0:
		check = cannotTell("%s", few(open))
	case leaks(c.after.d.Verdict):
		check = passes("%s, as it did before%s; of %d metrics no other does", c.after.growing(), c.sameLeak(), len(c.out.Rates))
	default:
		check = passes("none of %d metrics leaks that did not before", len(c.out.Rates))
	}
	check.Figures = figures
	return check
}

// sameLeak says whether the leak has the fingerprint of the one before.
func (c *comparing) sameLeak() string {
	a, b := c.before.d.Fingerprint.ID, c.after.d.Fingerprint.ID
	switch {
	case a == "" || b == "":
		return ""
	case a == b:
		return " (fingerprint " + a + ")"
	}
	return fmt.Sprintf(" (its fingerprint was %s and is %s)", a, b)
}

// leakOf says whether one metric leaks as it did not before.
func (c *comparing) leakOf(r RateChange) (says string, state CheckState) {
	before, after := r.Before.Verdict, r.After.Verdict
	name, now := nameOf(r.Metric), rateAmount(r.Unit, r.After.Rate.Value)
	faster := r.Verdict == Increased
	switch {
	case after == Leak && leaks(before) && faster && r.Difference.Value > r.Margin:
		return fmt.Sprintf("%s leaks faster, %s a cycle instead of %s", name, now, rateAmount(r.Unit, r.Before.Rate.Value)), CheckFail
	case leaks(after) && leaks(before):
		return "", CheckPass
	case after == Leak && faster && before != Step:
		return fmt.Sprintf("%s leaks %s a cycle, and did not before", name, now), CheckFail
	case after == Leak:
		return fmt.Sprintf("%s leaks %s a cycle, which before does not rule out", name, now), CheckCannotTell
	case after == Growing:
		return fmt.Sprintf("%s grows by %s a cycle, leak or warm-up", name, now), CheckCannotTell
	case r.Verdict == Unchanged || r.Verdict == Reduced:
		return "", CheckPass // a leak that matters is ruled out
	case after == Step && before != Step && c.after.decideOn(r.Metric, Step):
		return name + " stepped up once, which it did not before", CheckCannotTell
	case after == Inconclusive && c.after.decideOn(r.Metric, Inconclusive):
		return fmt.Sprintf("%s is undecided after", name), CheckCannotTell
	}
	return "", CheckPass
}

// decideOn tells whether a metric with such a verdict would decide that of a diagnosis.
func (r *compared) decideOn(s Series, v Verdict) bool {
	m := r.of(s)
	return m != nil && r.decides(m, v)
}

// mostListed is how many reasons a check gives.
const mostListed = 3

// few lists the first reasons, and how many more there are.
func few(list []string) string {
	if len(list) <= mostListed {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:mostListed], "; "), len(list)-mostListed)
}
