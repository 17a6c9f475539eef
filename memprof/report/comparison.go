package report

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// ComparisonText writes a comparison of two recordings for a person: the checklist, what was compared, and
// what differs. width is that of the screen in columns, as for CycleTable. color allows ANSI colours. A
// dash stands for what is not known. The error is the writer's.
func ComparisonText(w io.Writer, c memprof.Comparison, width int, color bool) error {
	s := &screen{page: newPage(width), color: color}
	for _, line := range fold(plain(c.Headline), s.width, 2) {
		s.line("%s", s.paint(stateColor(outcomeState(c)), line))
	}
	s.answer(answer{"before", []string{runWords(c.Before)}})
	s.answer(answer{"after", []string{runWords(c.After)}})
	s.line("")
	s.checklist(c.Checks)
	s.line("")
	s.changes(c)
	if len(c.Unlike) > 0 {
		s.list("unlike", unlikeWords(c.Unlike), "; ", maxUnlike)
	}
	s.remarks(remarks{warnings: c.Warnings, advice: c.Advice, legend: "1 MB = 1,000,000 bytes. In brackets: 95 % intervals, not corrected for the number of figures; the verdicts are. - unknown."})
	return s.writeTo(w)
}

// maxUnlike is how many lines tell in what two recordings differ.
const maxUnlike = 3

// stateColor is the colour of what a check comes to.
func stateColor(state memprof.CheckState) string {
	switch state {
	case memprof.CheckPass:
		return green
	case memprof.CheckFail:
		return red
	}
	return yellow
}

// outcomeState is the worst state of the checks: failed, undecided, passed.
func outcomeState(c memprof.Comparison) memprof.CheckState {
	has := func(state memprof.CheckState) bool {
		return slices.ContainsFunc(c.Checks, func(check memprof.Check) bool { return check.State == state })
	}
	switch {
	case has(memprof.CheckFail):
		return memprof.CheckFail
	case has(memprof.CheckCannotTell) || len(c.Checks) == 0:
		return memprof.CheckCannotTell
	}
	return memprof.CheckPass
}

// runWords says what one recording came to, and what it is of.
func runWords(r memprof.ComparedRun) string {
	text := strings.ToUpper(plain(string(r.Verdict)))
	if text == "" {
		text = dash
	}
	if r.Cause != memprof.CauseNone && r.Cause != memprof.CauseUnknown && r.Cause != "" {
		text += ": " + plain(string(r.Cause))
	}
	text += "; " + count(r.Judged, "judged cycle")
	if r.Regular {
		text += " (ebb run)"
	}
	return text + circumstances(r.Sites, r.Duration, r.Browser, r.Started)
}

// Widths of the columns of states and of titles.
const (
	stateWidth = 13
	titleWidth = 23
)

// checklist writes the checks, each with its reason beside it.
func (s *screen) checklist(checks []memprof.Check) {
	for _, check := range checks {
		lines := fold(capital(plain(check.Says)), s.width-stateWidth-titleWidth, 0)
		if len(lines) == 0 {
			lines = []string{""}
		}
		for i, line := range lines {
			if i > 0 {
				s.line("%s", strings.Repeat(" ", stateWidth+titleWidth)+line)
				continue
			}
			state := plain(string(check.State))
			pad := strings.Repeat(" ", max(0, stateWidth-utf8.RuneCountInString(state)))
			s.line("%s", s.paint(stateColor(check.State), state)+pad+fit(plain(check.Title), titleWidth)+line)
		}
	}
}

// unlikeWords say in what two recordings differ.
func unlikeWords(list []memprof.Unlike) []string {
	var out []string
	for _, u := range list {
		out = append(out, plain(u.What)+" "+name(u.Before)+" -> "+name(u.After))
	}
	return out
}
