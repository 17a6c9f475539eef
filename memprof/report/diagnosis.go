package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// Limits of what one screen shows; the JSON and HTML forms have the rest.
const (
	maxWarnings    = 3
	maxNotMeasured = 2 // lines
	maxAdvice      = 2
)

// answerWidth is the width of the column of labels.
const answerWidth = 12

// DiagnosisText writes a diagnosis for a person: the verdict, how fast memory grows, which
// metrics grow, when and where, in which shape, whether cleaning up or recreating helps, and then
// the evidence. width is the width of the screen in columns, as for CycleTable. color allows ANSI
// colours. A dash stands for what is not known. The error is the writer's.
func DiagnosisText(w io.Writer, d memprof.Diagnosis, width int, color bool) error {
	d = complete(d)
	s := &screen{page: newPage(width), color: color}
	s.verdict(d)
	s.answer(killedAnswer(d))
	s.answer(rateAnswer(d))
	s.metrics(d)
	for _, a := range answers(d) {
		s.answer(a)
	}
	s.line("")
	for _, a := range evidence(d) {
		s.answer(a)
	}
	s.remarks(remarks{d.Warnings, d.NotMeasured, d.Advice, "1 MB = 1,000,000 bytes. In brackets: 95 % intervals. - unknown: why stands beside it."})
	return s.writeTo(w)
}

// answers are those after the rate and the metrics, in the order of a report.
func answers(d memprof.Diagnosis) []answer {
	return []answer{whenAnswer(d), whereAnswer(d), shapeAnswer(d), cleanupAnswer(d), recreateAnswer(d)}
}

// evidence is what the verdict rests on.
func evidence(d memprof.Diagnosis) []answer {
	return []answer{causeAnswer(d), heapAnswer(d), alarmAnswer(d), fingerprintAnswer(d), controlAnswer(d), visibleAnswer(d), instrumentAnswer(d)}
}

// Codes of ANSI colours.
const (
	bold   = "1"
	red    = "1;31"
	green  = "1;32"
	yellow = "1;33"
	faint  = "2"
)

// screen is a page with colours.
type screen struct {
	*page
	color bool
}

// paint puts a text into a colour.
func (s *screen) paint(code, text string) string {
	if !s.color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// verdictColor is the colour of a verdict.
func verdictColor(v memprof.Verdict) string {
	switch v {
	case memprof.Leak, memprof.Invalid, memprof.Killed:
		return red
	case memprof.Stable:
		return green
	}
	return yellow
}

// verdict writes the verdict, what it says, and what it rests on.
func (s *screen) verdict(d memprof.Diagnosis) {
	for _, line := range fold(verdictLine(d), s.width, 2) {
		s.line("%s", s.paint(verdictColor(d.Verdict), line))
	}
	for _, text := range append(reasons(d), headlineWords(d)) {
		s.fold(text)
	}
	s.fold(basis(d))
	s.line("")
}

func (s *screen) fold(text string) {
	for _, line := range fold(text, s.width, 2) {
		s.line("%s", line)
	}
}

// headlineWords is the verdict in one sentence. That of an invalid run only repeats its reasons.
func headlineWords(d memprof.Diagnosis) string {
	text := strings.TrimSuffix(capital(plain(d.Headline)), ".")
	if text == "" || (d.Verdict == memprof.Invalid && len(d.Reasons) > 0) {
		return ""
	}
	return text + "."
}

// reasons say why the verdict is none.
func reasons(d memprof.Diagnosis) []string {
	var out []string
	if d.Verdict == memprof.Invalid {
		out = append(out, "Nothing below can be trusted.")
	}
	for _, r := range d.Reasons {
		out = append(out, "Reason: "+strings.TrimSuffix(plain(r), ".")+".")
	}
	if d.MoreCycles > 0 {
		out = append(out, capital(count(d.MoreCycles, "more cycle"))+" needed for a verdict"+smallestWords(d)+".")
	}
	return out
}

func smallestWords(d memprof.Diagnosis) string {
	if d.SmallestVisible <= 0 || !known(d.SmallestVisible) {
		return ""
	}
	return "; the smallest leak that this run could have seen is " + amount(memprof.Bytes, d.SmallestVisible*memprof.MB) + " a cycle"
}

// basis says how many cycles of what the diagnosis is of.
func basis(d memprof.Diagnosis) string {
	text := fmt.Sprintf("%s (%d judged", count(len(d.Cycles), "cycle"), d.Judged)
	if d.Extensions > 0 {
		text += ", extended " + count(d.Extensions, "time")
	}
	return text + ")" + circumstances(d.Sites, d.Duration, d.Browser, d.Started)
}

// answer writes a label and texts beside it.
func (s *screen) answer(a answer) {
	label := a.label
	for _, text := range a.texts {
		for _, line := range fold(text, s.width-answerWidth, 2) {
			s.labelled(label, line)
			label = ""
		}
	}
}

// labelled writes one line with a label, which may be "".
func (s *screen) labelled(label, text string) {
	s.line("%s", s.paint(bold, label)+strings.Repeat(" ", answerWidth-utf8.RuneCountInString(label))+text)
}

// remarks are warnings, what was not measured, what to do next, and what figures mean.
type remarks struct {
	warnings, unmeasured, advice []string
	legend                       string
}

// remarks writes them.
func (s *screen) remarks(r remarks) {
	warnings := plainAll(r.warnings)
	for i, text := range warnings {
		if i == maxWarnings {
			s.answer(answer{"", []string{fmt.Sprintf("and %s", count(len(warnings)-i, "more warning"))}})
			break
		}
		label := ""
		if i == 0 {
			label = "warning"
		}
		s.answer(answer{label, []string{text}})
	}
	if len(r.unmeasured) > 0 {
		s.list("unmeasured", plainAll(r.unmeasured), "; ", maxNotMeasured)
	}
	for i, text := range plainAll(r.advice) {
		if i == maxAdvice {
			break
		}
		label := ""
		if i == 0 {
			label = "next"
		}
		s.answer(answer{label, []string{capital(text)}})
	}
	for _, line := range fold(r.legend, s.width, 2) {
		s.line("%s", s.paint(faint, line))
	}
}

// list writes as many entries as fit into a number of lines, and how many do not.
func (s *screen) list(label string, entries []string, separator string, most int) {
	width := s.width - answerWidth
	for shown := len(entries); ; shown-- {
		text := strings.Join(entries[:shown], separator) + andMore(len(entries)-shown)
		if lines := fold(text, width, 2); len(lines) <= most || shown <= 1 {
			s.answer(answer{label, []string{text}})
			return
		}
	}
}

// fold breaks a text into lines of a width; those after the first are indented.
func fold(text string, width, indent int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for _, part := range chop(word, width-indent) {
			switch {
			case line == "":
				line = part
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(part) <= width:
				line += " " + part
			default:
				lines = append(lines, line)
				line = strings.Repeat(" ", indent) + part
			}
		}
	}
	if line == "" {
		return lines
	}
	return append(lines, line)
}

// chop cuts a word into parts of a width.
func chop(word string, width int) []string {
	var parts []string
	runes := []rune(word)
	for ; len(runes) > width; runes = runes[width:] {
		parts = append(parts, string(runes[:width]))
	}
	return append(parts, string(runes))
}
