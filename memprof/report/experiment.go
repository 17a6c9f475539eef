package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// narrowest is the least width of an ExperimentText.
const narrowest = 60

// ExperimentText writes the outcome of an experiment for a person: what to configure, what each
// cleanup saves and costs, what the answer rests on; and below that, which is one screen, every
// cleanup by itself, the arms and the plan. width is that of the screen in columns, of which the text
// takes between 60 and 100, and 100 if width is not positive. color allows ANSI colours. A dash
// stands for what is not known. The error is the writer's.
func ExperimentText(w io.Writer, e memprof.Experiment, width int, color bool) error {
	s := &screen{page: newPageFrom(width, narrowest), color: color}
	s.outcome(e)
	s.compared(e)
	for _, a := range []answer{recommendAnswer(e), sameAnswer(e), togetherAnswer(e), baselineAnswer(e)} {
		s.answer(a)
	}
	s.line("")
	s.answer(becauseAnswer(e))
	s.arms(e)
	for _, c := range e.Answers {
		s.cleanup(e, c)
	}
	s.line("")
	s.answer(planAnswer(e))
	s.remarks(remarks{e.Warnings, e.NotMeasured, e.Advice, "1 MB = 1,000,000 bytes. In brackets: 95 % intervals. - unknown. " + columnWords(e)})
	return s.writeTo(w)
}

// outcome writes what an experiment comes to, and what that rests on.
func (s *screen) outcome(e memprof.Experiment) {
	kind, title := outcomeOf(e)
	for _, line := range fold(title, s.width, 2) {
		s.line("%s", s.paint(outcomeColor[kind], line))
	}
	s.fold(aboutCleanups(e, e.Headline))
	s.fold(comparedWords(e))
	if e.Stopped != "" {
		s.fold("Ended before its plan: " + phrase(e.Stopped) + ".")
	}
	s.line("")
}

// What an experiment comes to, as classes of a page too.
const (
	outcomeGood    = "good"
	outcomeBad     = "bad"
	outcomeUnclear = "unclear"
)

// outcomeColor are the colours of outcomes.
var outcomeColor = map[string]string{outcomeGood: green, outcomeBad: red, outcomeUnclear: yellow}

// outcomeOf is what an experiment comes to, in a few words.
func outcomeOf(e memprof.Experiment) (kind, title string) {
	with := rules(e.Recommended)
	switch {
	case e.Same != nil && e.Same.Differs:
		return outcomeBad, "NOT TO BE TRUSTED: nothing differs from nothing"
	case !ran(e):
		return outcomeUnclear, "NOTHING COMPARED"
	case e.Recommended.Flat && with == "":
		return outcomeGood, "NOTHING GROWS"
	case e.Recommended.Flat && !e.Recommended.Measured:
		return outcomeUnclear, "PREDICTED FLAT with " + with
	case e.Recommended.Flat:
		return outcomeGood, "FLAT with " + with
	case with != "":
		return outcomeUnclear, "GROWS LESS with " + with
	case !(e.Baseline.Known && e.Baseline.Lo > 0):
		return outcomeUnclear, "CANNOT TELL"
	case slices.ContainsFunc(e.Answers, func(c memprof.CleanupAnswer) bool { return c.Verdict == memprof.CannotTell }):
		return outcomeUnclear, "CANNOT TELL"
	}
	return outcomeUnclear, "NOTHING HELPS"
}

// ran tells whether a block was completed.
func ran(e memprof.Experiment) bool {
	return slices.ContainsFunc(e.Arms, func(a memprof.ArmAnswer) bool { return a.Blocks > 0 })
}

// rules are those to write, "" for none.
func rules(r memprof.Recommendation) string {
	list := r.Rules
	if len(list) == 0 {
		list = r.Cleanups
	}
	return strings.Join(namesOfCleanups(list), ", ")
}

// namesOfCleanups is name of each.
func namesOfCleanups(list []string) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = name(list[i])
	}
	return out
}

// sentence makes a text one of its own; "" stays "".
func sentence(text string) string {
	if text = phrase(text); text == "" {
		return ""
	}
	return capital(text) + "."
}

// aboutCleanups is sentence, but the name of a cleanup at the beginning keeps its small letter.
func aboutCleanups(e memprof.Experiment, text string) string {
	out := sentence(text)
	for _, c := range e.Plan.Cleanups {
		if c.Name != "" && strings.HasPrefix(text, c.Name) {
			return phrase(text) + "."
		}
	}
	return out
}

// comparedWords say how many blocks of what an experiment is of.
func comparedWords(e memprof.Experiment) string {
	dropped := 0
	for _, b := range e.Blocks {
		if b.Dropped != "" {
			dropped++
		}
	}
	text := count(len(e.Blocks), "block")
	if n := len(e.Plan.Blocks); n > len(e.Blocks) {
		text = fmt.Sprintf("%d of %s", len(e.Blocks), count(n, "block"))
	}
	if e.Plan.Cycles > 0 {
		text += " of " + count(e.Plan.Cycles, "cycle")
	}
	if dropped > 0 {
		text += fmt.Sprintf(" (%d dropped)", dropped)
	}
	return text + circumstances(e.Sites, e.Duration, e.Browser, e.Started)
}

// circumstances say of what, how long, with what and when something was measured.
func circumstances(sites []string, took time.Duration, browser string, started time.Time) string {
	text := ""
	if len(sites) > 0 {
		text += " of " + joined(plainAll(sites))
	}
	if took > 0 {
		text += " in " + duration(took)
	}
	if browser != "" {
		text += ", " + plain(browser)
	}
	if !started.IsZero() {
		text += ", " + started.UTC().Format("2006-01-02 15:04") + " UTC"
	}
	return text
}

// effectColor is the colour of what an effect comes to.
func effectColor(v memprof.EffectVerdict) string {
	switch v {
	case memprof.Helps:
		return green
	case memprof.Harms:
		return red
	case memprof.NoEffect:
		return ""
	}
	return yellow
}

// effectWords are those of a verdict, which an experiment that was cut short may lack.
func effectWords(v memprof.EffectVerdict) string {
	if v == "" {
		v = memprof.CannotTell
	}
	return plain(string(v))
}

// answerWords are the verdict of a cleanup, with the metric that it rests on where that is not the one of the answer.
func answerWords(e memprof.Experiment, c memprof.CleanupAnswer) string {
	words := effectWords(c.Verdict)
	if found := c.Verdict == memprof.Helps || c.Verdict == memprof.Harms; found && c.On != e.Of && c.On.Metric != "" {
		words += ": " + seriesName(c.On)
	}
	return words
}

// needWords say how many cycles an answer still needs.
func needWords(c memprof.CleanupAnswer) string {
	if c.MoreCycles <= 0 {
		return "needs more cycles"
	}
	return "needs " + number(float64(c.MoreCycles), 0) + " more cycles"
}
