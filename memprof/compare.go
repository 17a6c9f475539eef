package memprof

import (
	"fmt"
	"slices"
	"strings"
)

// Compare says in what the second of two recordings differs from the first: how fast memory grows, where
// it stands, how long a cycle takes and what it does, and what that comes to as a check of a fix. Both
// tallies need TallyOptions.Detail, and are of no experiment.
//
// The difference of two rates has the interval of stats.Difference, that of two means or durations the one of
// stats.MeanDifference and stats.MeanRatio.
func Compare(before, after *Tally) Comparison {
	c := &comparing{before: newCompared(before), after: newCompared(after)}
	c.out = Comparison{
		Schema: ComparisonSchema, Before: c.before.told(), After: c.after.told(), Checks: []Check{}, Rates: []RateChange{},
		Levels: []Change{}, Durations: []Change{}, Work: []Change{}, Unlike: []Unlike{}, Warnings: []string{},
	}
	c.rates()
	c.changes()
	c.unlike()
	c.warn()
	c.checks()
	c.say()
	return c.out
}

// comparing is a comparison under way.
type comparing struct {
	before, after *compared
	out           Comparison
}

// compared is one of the two recordings with its diagnosis.
type compared struct {
	*diagnosing
	spans []map[Kind]float64 // seconds by kind of phase, without measuring; one a cycle
}

func newCompared(t *Tally) *compared {
	return &compared{diagnosing: t.diagnose(), spans: t.phaseSeconds()}
}

// regular says that the recording is of a worker's regular life.
func (r *compared) regular() bool { return r.t.plan == nil }

// valid tells whether anything can be said of the recording, and why not.
func (r *compared) valid() (why string, ok bool) {
	switch {
	case r.d.Verdict == Invalid:
		return strings.Join(r.d.Reasons, "; "), false
	case r.d.Judged == 0:
		return "no cycle could be judged", false
	}
	return "", true
}

// leaks tells whether a metric has grown to the end of the run.
func leaks(v Verdict) bool { return v == Leak || v == Growing }

// control says what became of the planted leak.
func (r *compared) controlled() string {
	switch check := r.d.Control; {
	case check == nil:
		return "none"
	case check.OK:
		return "found"
	case len(check.Checks) == 0:
		return "not judged"
	}
	return "missed"
}

// told is what a comparison says of one recording.
func (r *compared) told() ComparedRun {
	d := r.d
	run := ComparedRun{
		Verdict: d.Verdict, Cause: d.Cause, Headline: d.Headline, Rate: d.Rate, Fingerprint: d.Fingerprint.ID, Regular: r.regular(),
		Judged: d.Judged, Started: d.Started, Duration: d.Duration, Sites: d.Sites, Ebb: d.Ebb, Browser: d.Browser, Host: d.Host,
		Profiling: r.t.manifest.Level.String(), Control: r.controlled(),
		Measuring: d.Instrument.PerCycle, MeasuringShare: d.Instrument.Share, Collections: d.Instrument.Costs[collectionCost].Count,
	}
	for _, c := range d.Cycles {
		run.Peak = max(run.Peak, c.Peak)
	}
	return run
}

// of is the judgement of a series; of one that had no subject but could have been seen, that of a 0 in
// each cycle; nil for one that was not read.
func (r *compared) of(s Series) *judged {
	if m := r.by[s]; m != nil {
		return m
	}
	values := r.perCycle(func(c Summary) (float64, bool) { return c.After.At(s) })
	if !slices.ContainsFunc(values, func(v float64) bool { return v == v }) {
		return nil
	}
	row, _ := MetricOf(s.Metric)
	return judgeOne(s, row, policyOf(s), values)
}

// perCycle is a value of each judged cycle. What is not known, and a cycle that came to nothing, is NaN.
func (r *compared) perCycle(value func(Summary) (float64, bool)) []float64 {
	values := make([]float64, len(r.t.cycles))
	for i, c := range r.t.cycles {
		v, ok := value(c)
		if !ok || r.t.lost[i+1] {
			v = notANumber
		}
		values[i] = v
	}
	return values
}

// warn tells what may have moved the figures of either.
func (c *comparing) warn() {
	warn := func(format string, args ...any) {
		c.out.Warnings = append(c.out.Warnings, fmt.Sprintf(format, args...))
	}
	if c.before.sameAs(c.after) {
		warn("both are the same recording: its intervals say only how well it could be told from another")
	}
	if c.before.regular() || c.after.regular() {
		warn("%s: nothing was collected by force there, so garbage grows as leaks do, and only open pages and contexts are called leaks", c.which((*compared).regular, "of `ebb run`"))
	}
	if len(c.before.d.Spikes) == 0 && len(c.after.d.Spikes) > 0 {
		warn("memory spiked within cycles after, and not before: %s", lower(c.after.spikeSays()))
	}
	for _, text := range c.before.d.Warnings {
		switch {
		case strings.HasPrefix(text, notCollected):
		case slices.Contains(c.after.d.Warnings, text):
			warn("both: %s", text)
		default:
			warn("before: %s", text)
		}
	}
	for _, text := range c.after.d.Warnings {
		if !strings.HasPrefix(text, notCollected) && !slices.Contains(c.before.d.Warnings, text) {
			warn("after: %s", text)
		}
	}
}

// sameAs tells whether two recordings are one.
func (r *compared) sameAs(other *compared) bool {
	a, b := r.t.manifest, other.t.manifest
	return !a.Start.IsZero() && a.Start.Equal(b.Start) && r.t.last.Equal(other.t.last) && a.ConfigHash == b.ConfigHash
}

// which names those of the two recordings of which something is true.
func (c *comparing) which(is func(*compared) bool, what string) string {
	switch before, after := is(c.before), is(c.after); {
	case before && after:
		return "both are " + what
	case before:
		return "before is " + what
	}
	return "after is " + what
}

// lower makes the first letter of a sentence a small one and takes off its full stop.
func lower(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToLower(sentence[:1]) + strings.TrimSuffix(sentence[1:], ".")
}
