package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// answer is what a diagnosis says to one question, in paragraphs.
type answer struct {
	label string
	texts []string
}

// verdictLine is the verdict with its cause and where it grows.
func verdictLine(d memprof.Diagnosis) string {
	text := strings.ToUpper(plain(string(d.Verdict)))
	if d.Verdict == memprof.Invalid {
		return text
	}
	switch d.Cause {
	case memprof.CauseNone, memprof.CauseSpike, "":
	case memprof.CauseUnknown:
		if grows(d.Verdict) {
			text += ": cause unknown"
		}
	default:
		text += ": " + plain(string(d.Cause))
		if !d.Certain {
			text += " (likely)"
		}
	}
	var where []string
	for _, part := range [][2]string{{"site ", d.Site}, {"template ", d.Template}, {"phase ", d.Phase}, {"process ", d.Process}, {"origin ", d.Origin}} {
		if part[1] != "" {
			where = append(where, part[0]+plain(part[1]))
		}
	}
	if len(where) == 0 {
		return text
	}
	return text + ", " + strings.Join(where, ", ")
}

// rateAnswer says how fast memory grows.
func rateAnswer(d memprof.Diagnosis) answer {
	r := d.Rate
	a := answer{label: "rate"}
	m, judged := metricIn(d, r.Metric)
	if !rateKnown(d) {
		a.texts = append(a.texts, dash+" (too few cycles were judged)")
		return a
	}
	if r.Unit != memprof.Bytes {
		e := memprof.Estimate{Value: r.Value, Known: true, Lo: math.NaN(), Hi: math.NaN()}
		if judged {
			e.Lo, e.Hi = m.Rate.Lo, m.Rate.Hi
		}
		a.texts = append(a.texts, fmt.Sprintf("%s %s a cycle; in memory:", interval(r.Unit, e), seriesName(r.Metric)))
	}
	text := inMB(r.MBPerCycle, r.Lo, r.Hi) + " a cycle, "
	if r.CyclesPerDay > 0 {
		text += inMB(r.MBPerDay, r.LoPerDay, r.HiPerDay) + " a day"
		a.texts = append(a.texts, text, "a day is "+number(r.CyclesPerDay, 0)+" cycles"+because(r.Basis))
	} else {
		a.texts = append(a.texts, text+dash+" a day (how many cycles it has is not known)")
	}
	a.texts = append(a.texts, limitSentence(r))
	if r.DoublingCycles > 0 && known(r.DoublingCycles) {
		a.texts = append(a.texts, "it accelerates: the rate is that of the end, and doubles in "+number(r.DoublingCycles, 1)+" cycles")
	}
	return a
}

func because(basis string) string {
	if basis == "" {
		return ""
	}
	return ", " + plain(basis)
}

// limitSentence says when the memory limit is reached.
func limitSentence(r memprof.Rate) string {
	if r.Limit <= 0 || !known(r.Limit) {
		return "memory limit: " + dash + " (none, or nothing grows towards it)"
	}
	limit := "memory limit of " + amount(memprof.Bytes, r.Limit)
	if r.LimitIs != "" {
		limit += " (" + plain(r.LimitIs) + ")"
	}
	if r.Hours == nil {
		return limit + ": nothing grows towards it"
	}
	text := limit + " in " + hours(*r.Hours)
	switch {
	case r.HoursLo != nil && r.HoursHi != nil:
		text += " (" + hours(*r.HoursLo) + " to " + hours(*r.HoursHi) + ")"
	case r.HoursLo != nil:
		text += " (" + hours(*r.HoursLo) + " at the earliest)"
	}
	return text
}

// whenAnswer says in which phases the headline metric changes.
func whenAnswer(d memprof.Diagnosis) answer {
	return answer{"when", []string{shares(d, d.Phases, "no phase was told apart")}}
}

// whereAnswer says which sites it grows on.
func whereAnswer(d memprof.Diagnosis) answer {
	const none = "no site was told apart"
	switch {
	case len(d.BySite) > 0:
	case len(d.Sites) == 1:
		return answer{"where", []string{plain(d.Sites[0]) + ", the only site"}}
	case d.Site != "":
		return answer{"where", []string{plain(d.Site) + ", by its evidence; " + none}}
	}
	return answer{"where", []string{shares(d, d.BySite, none)}}
}

// shares lists shares, those that grow first.
func shares(d memprof.Diagnosis, all []memprof.Share, none string) string {
	if len(all) == 0 {
		return dash + " (" + none + ")"
	}
	unit := unitIn(d, d.Of)
	var growing, other []string
	for _, s := range all {
		name := plain(s.Name)
		if name == "" {
			name = "between phases"
		}
		text := name + " " + brief(unit, s.Rate)
		if s.Grows {
			growing = append(growing, text)
		} else {
			other = append(other, text)
		}
	}
	switch {
	case len(growing) == 0:
		return "nowhere that can be told: " + strings.Join(other, ", ")
	case len(other) == 0:
		return strings.Join(growing, ", ")
	}
	return strings.Join(growing, ", ") + "; not in " + strings.Join(other, ", ")
}

// maxSpikes is how many spikes one screen takes apart.
const maxSpikes = 2

// shapeAnswer says how memory moves, and what spiked.
func shapeAnswer(d memprof.Diagnosis) answer {
	text := dash + " (not judged)"
	if d.Shape != "" {
		text = plain(string(d.Shape))
		if d.Profile != "" {
			text += ", " + plain(d.Profile) + " profile"
		}
	}
	if m, ok := metricIn(d, d.Rate.Metric); ok {
		text += shapeDetail(m)
	}
	a := answer{"shape", []string{text}}
	for i, s := range d.Spikes {
		if i == maxSpikes {
			a.texts = append(a.texts, "and "+count(len(d.Spikes)-i, "more spike"))
			break
		}
		a.texts = append(a.texts, spikeSentence(s))
	}
	if len(d.Spikes) == 0 && d.Judged > 0 {
		a.texts[0] += "; no spike within a cycle"
	}
	return a
}

func shapeDetail(m memprof.MetricVerdict) string {
	text := ""
	if m.StepAt > 0 {
		text += fmt.Sprintf("; a step of %s at cycle %d", amount(m.Unit, m.StepHeight), m.StepAt)
	}
	if m.Sawtooth {
		text += "; a sawtooth, whose troughs the rate follows"
	}
	if len(m.SpikesAt) > 0 {
		cycles := make([]string, len(m.SpikesAt))
		for i, c := range m.SpikesAt {
			cycles[i] = fmt.Sprint(c)
		}
		text += "; left out as spikes: cycles " + joined(cycles)
	}
	return text
}

// spikeSentence is the anatomy of a spike.
func spikeSentence(s memprof.Peaked) string {
	text := fmt.Sprintf("spike in cycle %d: %s %s to %s", s.Cycle, seriesName(s.Metric), gain(s.Height), amount(memprof.Bytes, s.Peak))
	if s.Phase != "" {
		text += " in " + plain(s.Phase)
		if share, ok := s.Shares[s.Phase]; ok {
			text += " (" + percent(share) + " of the rise)"
		}
	}
	if len(s.Running) > 1 {
		text += ", with " + plain(joined(s.Running)) + " running at the peak"
	}
	velocity := amount(memprof.Bytes, s.Velocity)
	if known(s.Velocity) {
		velocity += "/s"
	}
	back := percent(s.Recovery)
	if s.Recovery >= .995 {
		back = "all"
	}
	text += ", velocity " + velocity + ", " + back + " given back"
	if s.HalfLife >= 0 && known(s.HalfLife) {
		text += ", half of it in " + seconds(s.HalfLife)
	}
	if !s.Recovered {
		text += ", not recovered"
	}
	return text
}

// cleanupAnswer says whether cleaning up helps.
func cleanupAnswer(d memprof.Diagnosis) answer {
	if d.Cleanup == nil {
		return answer{"cleanup", []string{dash + " (there was none to judge)"}}
	}
	return answer{"cleanup", []string{returned(*d.Cleanup, memprof.Bytes)}}
}

// recreateAnswer says whether doing away with pages, contexts or the browser helps.
func recreateAnswer(d memprof.Diagnosis) answer {
	if len(d.Recreate) == 0 {
		return answer{"recreate", []string{dash + " (nothing was recreated)"}}
	}
	var parts, why []string
	for _, r := range d.Recreate {
		parts = append(parts, plain(r.Name)+": "+returned(r, unitIn(d, r.Metric)))
		if r.Helps == memprof.HelpsUntold {
			why = append(why, plain(r.Says))
		}
	}
	text := strings.Join(parts, "; ")
	if len(why) == len(parts) { // none tells: each reason once
		text = memprof.HelpsUntold + ", " + strings.Join(slices.Compact(why), "; ")
	}
	if of := d.Recreate[0].Metric; of != d.Of {
		text = "of " + seriesName(of) + ": " + text
	}
	return answer{"recreate", []string{text}}
}

// returned says whether something helps: by its figures, or else in the diagnosis's own words.
func returned(r memprof.Returned, unit memprof.Unit) string {
	helps := plain(r.Helps)
	if helps == "" {
		helps = dash
	}
	says := strings.TrimSuffix(plain(strings.TrimSpace(r.Says)), ".")
	switch {
	case says != "" && (!r.Bytes.Known || r.Helps == memprof.HelpsUntold):
		return helps + ", " + says
	case !r.Bytes.Known:
		return helps + " (not measured)"
	}
	text := helps + ", " + givenBack(r, unit)
	if r.Took > 0 {
		text += " in " + duration(r.Took)
	}
	return text
}

// givenBack is how much was given back of how much.
func givenBack(r memprof.Returned, unit memprof.Unit) string {
	back, of := amount(unit, r.Bytes.Value), " of "+amount(unit, r.Grown)
	exactly := r.Bytes.Lo == r.Bytes.Hi
	switch {
	case r.Name == string(memprof.Cleanup) && exactly:
		return "gives back " + back + of + " a cycle"
	case r.Name == string(memprof.Cleanup):
		return "gives back " + strings.TrimPrefix(interval(unit, r.Bytes), "+") + of + " a cycle"
	case exactly:
		return back + of
	}
	return amount(unit, r.Bytes.Lo) + " to " + amount(unit, r.Bytes.Hi) + of
}

// capital makes the first letter of a text a capital.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// visibleAnswer says how small a leak the run could have seen.
func visibleAnswer(d memprof.Diagnosis) answer {
	text := dash + " (too few cycles to say)"
	if d.SmallestVisible > 0 && known(d.SmallestVisible) {
		text = "a leak of " + amount(memprof.Bytes, d.SmallestVisible*memprof.MB) + " a cycle would have been found (90 % power)"
	}
	if d.NoGrowthAbove > 0 && known(d.NoGrowthAbove) && !grows(d.Verdict) {
		text += "; no growth above " + amount(memprof.Bytes, d.NoGrowthAbove*memprof.MB) + " a cycle (95 %)"
	}
	return answer{"smallest", []string{text}}
}

// andMore says how many entries of a list are not shown.
func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}

// plainAll is plain of each text.
func plainAll(texts []string) []string {
	out := slices.Clone(texts)
	for i := range out {
		out[i] = plain(out[i])
	}
	return out
}
