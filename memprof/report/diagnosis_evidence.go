package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// maxEvidence is how many pieces of evidence one screen shows of a cause, and of the heap.
const maxEvidence = 2

// causeAnswer says what grows memory and by what evidence.
func causeAnswer(d memprof.Diagnosis) answer {
	a := answer{label: "cause"}
	for _, f := range d.Causes {
		a.texts = append(a.texts, findingSentence(f, maxEvidence))
	}
	if len(a.texts) > 0 {
		return a
	}
	switch d.Cause {
	case memprof.CauseNone:
		a.texts = []string{"none: nothing grows"}
	case memprof.CauseUnknown:
		a.texts = []string{dash + " (nothing points to one)"}
	default:
		a.texts = []string{plain(string(d.Cause)) + "; " + dash + " (no evidence was kept)"}
	}
	return a
}

// findingSentence is a cause with the first pieces of its evidence.
func findingSentence(f memprof.Finding, most int) string {
	text := plain(string(f.Cause))
	if f.Detail != "" {
		text += ", " + plain(f.Detail)
	}
	if f.Certain {
		text += " (certain)"
	} else {
		text += " (likely)"
	}
	if known(f.Bytes) && f.Bytes != 0 {
		text += ", " + amount(memprof.Bytes, f.Bytes) + " a cycle"
	}
	evidence := plainAll(f.Evidence)
	if len(evidence) == 0 {
		return text
	}
	shown := min(most, len(evidence))
	return text + ": " + strings.Join(evidence[:shown], "; ") + andMore(len(evidence)-shown)
}

// heapAnswer says what the snapshots of a heap show; nothing where none were taken.
func heapAnswer(d memprof.Diagnosis) answer {
	a := answer{label: "heap"}
	h := d.Heap
	if h == nil {
		return a
	}
	if len(h.Classes) > 0 {
		var parts []string
		for _, c := range h.Classes[:min(len(h.Classes), maxEvidence)] {
			parts = append(parts, classWords(c))
		}
		a.texts = append(a.texts, strings.Join(parts, ", ")+andMore(len(h.Classes)-len(parts)))
	}
	if len(h.Paths) > 0 {
		p := h.Paths[0]
		a.texts = append(a.texts, fmt.Sprintf("growing path %s: %s in %s, %s of the growth%s", name(p.Path),
			amount(memprof.Bytes, float64(p.Bytes)), objects(p.Count), percent(p.Share), andMore(len(h.Paths)-1)))
	}
	if len(h.Functions) > 0 {
		f := h.Functions[0]
		a.texts = append(a.texts, "allocated by "+functionWords(f)+andMore(len(h.Functions)-1))
	}
	if h.Skipped != "" {
		a.texts = append(a.texts, plain(h.Skipped))
	}
	return a
}

func objects(n int64) string {
	if n == 1 {
		return "1 object"
	}
	return number(float64(n), 0) + " objects"
}

func classWords(c memprof.HeapClass) string {
	text := fmt.Sprintf("%s %s, %s", name(c.Name), signed(float64(c.Count), 0), gain(float64(c.Bytes)))
	if c.Artefact != "" {
		text += " [" + plain(c.Artefact) + "]"
	}
	return text
}

func functionWords(f memprof.HeapFunction) string {
	text := name(f.Name)
	if text == "" {
		text = "an anonymous function"
	}
	if f.Where != "" {
		text += " (" + name(f.Where) + ")"
	}
	return text + ": " + amount(memprof.Bytes, float64(f.Bytes)) + " still live"
}

// gain is a change in bytes with its sign.
func gain(v float64) string {
	text := amount(memprof.Bytes, v)
	if v > 0 && known(v) {
		return "+" + text
	}
	return text
}

// alarmAnswer tells the alarms that were raised while the recording was made; nothing without one.
func alarmAnswer(d memprof.Diagnosis) answer {
	a := answer{label: "alarm"}
	for _, alarm := range d.Alarms {
		text := fmt.Sprintf("%s after %s: %s", alarm.Time.UTC().Format("2006-01-02 15:04"), count(alarm.Cycles, "run"), plain(alarm.Says))
		if alarm.PerDay.Known {
			text += ", " + brief(alarm.Unit, alarm.PerDay) + " a day"
		}
		text += ", fingerprint " + plain(alarm.Fingerprint.ID)
		if alarm.Fingerprint.State == "known" {
			text += ", told before"
		}
		a.texts = append(a.texts, text)
	}
	return a
}

// fingerprintAnswer says whether the leak was seen before, and what is gone.
func fingerprintAnswer(d memprof.Diagnosis) answer {
	a := answer{label: "fingerprint"}
	f := d.Fingerprint
	if f.ID != "" {
		text := plain(f.ID) + " " + strings.ToUpper(plain(f.State))
		if f.Seen > 0 {
			text += ": seen in " + count(f.Seen, "earlier recording")
			if !f.First.IsZero() {
				text += " since " + f.First.UTC().Format("2006-01-02")
			}
		}
		a.texts = append(a.texts, text)
	}
	for i, g := range d.Gone {
		if i == maxEvidence {
			a.texts[len(a.texts)-1] += andMore(len(d.Gone) - i)
			break
		}
		a.texts = append(a.texts, goneWords(g))
	}
	return a
}

func goneWords(g memprof.KnownLeak) string {
	text := plain(g.ID) + " GONE: " + plain(string(g.Cause))
	if !g.Last.IsZero() {
		text += ", last seen " + g.Last.UTC().Format("2006-01-02")
	}
	if g.Says != "" {
		text += "; " + plain(g.Says)
	}
	return text
}

// controlAnswer says whether the planted leak was measured right.
func controlAnswer(d memprof.Diagnosis) answer {
	a := answer{label: "control"}
	if d.Control == nil {
		a.texts = []string{dash + " (none was planted)"}
		return a
	}
	ok := 0
	for _, c := range d.Control.Checks {
		if words := checkWords(c); !c.OK || len(a.texts) == 0 {
			a.texts = append(a.texts, words)
		} else {
			ok++
		}
	}
	if ok > 0 {
		a.texts[0] += fmt.Sprintf(" (and %d more)", ok)
	}
	if d.Control.Reason != "" && d.Verdict != memprof.Invalid { // whose reasons stand above
		a.texts = append(a.texts, plain(d.Control.Reason))
	}
	if len(a.texts) == 0 {
		a.texts = []string{dash + " (planted, but never read)"}
	}
	return a
}

// checkWords says what was planted and what was measured, in bytes and never in MB.
func checkWords(c memprof.ControlItem) string {
	unit := ""
	if c.Unit == memprof.Bytes {
		unit = " bytes"
	}
	decimals := 0
	if !wholeNumbers(c.Truth) || (math.Abs(c.Truth) < 100 && !wholeNumbers(c.Rate.Value)) {
		decimals = 2
	}
	measured := dash
	switch {
	case c.Rate.Known && c.Rate.Lo == c.Rate.Hi:
		measured = number(c.Rate.Value, decimals) + " exactly"
	case c.Rate.Known:
		measured = number(c.Rate.Value, decimals) + " (" + number(c.Rate.Lo, decimals) + " to " + number(c.Rate.Hi, decimals) + ")"
	}
	state := "ok"
	if !c.OK {
		state = "FAILED"
		if c.Verdict != "" {
			state += " (judged " + plain(string(c.Verdict)) + ")"
		}
	}
	return fmt.Sprintf("planted %s%s a cycle in %s, measured %s: %s", number(c.Truth, decimals), unit,
		plain(strings.TrimSuffix(c.Metric, "/"+memprof.ControlGroup)), measured, state)
}

// instrumentAnswer says what measuring cost.
func instrumentAnswer(d memprof.Diagnosis) answer {
	i := d.Instrument
	if i.PerCycle == 0 && i.Settle == 0 && len(i.Costs) == 0 {
		return answer{"instrument", []string{dash + " (its cost was not measured)"}}
	}
	text := fmt.Sprintf("%s a cycle to read and collect (%s), %s to settle", duration(i.PerCycle), percent(i.Share), duration(i.Settle))
	if known(i.Memory) && i.Memory != 0 {
		text += "; it holds " + amount(memprof.Bytes, i.Memory) + " in Chrome itself"
	}
	return answer{"instrument", []string{text}}
}
