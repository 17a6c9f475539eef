package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// maxCauses is how many causes of gaps are explained below a table.
const maxCauses = 4

// footnotes explains dashes and gaps. What was gone when it was read leaves no gap in a total,
// and is not mentioned.
func footnotes(p *page, summaries []memprof.Summary, dashes bool) {
	if slices.ContainsFunc(summaries, hasPSS) && len(summaries) == 1 {
		p.wrap("(1) moves with other Chromes on this machine: shown, never judged.")
	}
	if dashes {
		p.wrap("- not measured" + without(summaries) + ".")
	}
	causes := causesOf(summaries)
	for i, c := range causes {
		if i == maxCauses {
			p.wrap(fmt.Sprintf("And %s of other kinds.", count(left(causes[i:]), "reading")))
			break
		}
		p.wrap(c.describe())
	}
	if len(causes) > 0 {
		p.wrap(`A recording has each of them, with its time, as a line of type "gap".`)
	}
}

func left(causes []cause) int {
	n := 0
	for _, c := range causes {
		n += c.count
	}
	return n
}

func hasPSS(s memprof.Summary) bool {
	_, ok := s.Peaks[memprof.Series{Metric: "process.pss", Group: memprof.Chrome}]
	return ok
}

// without names the phases for want of which a column is empty.
func without(summaries []memprof.Summary) string {
	if len(summaries) != 1 {
		return ""
	}
	var kinds []string
	if summaries[0].AfterScrape == nil {
		kinds = append(kinds, "scrape")
	}
	if summaries[0].AfterCleanup == nil {
		kinds = append(kinds, "cleanup")
	}
	if len(kinds) == 0 {
		return ""
	}
	return "; there was no " + strings.Join(kinds, " and no ") + " phase"
}

// cause is what kept figures from being read, as often as it did.
type cause struct {
	late    bool
	of      string // the kind of process or page, or the source
	text    string
	metrics []string
	counts  map[string]int // by metric
	count   int            // readings: the highest of counts
}

// causesOf gathers the gaps of several cycles by their cause, the most frequent first.
func causesOf(summaries []memprof.Summary) []cause {
	var causes []cause
	index := make(map[[2]string]int)
	unlisted := 0
	for _, s := range summaries {
		unlisted += s.GapsUnlisted
		for _, g := range s.Gaps {
			if g.Gone {
				continue
			}
			c := newCause(g)
			key := [2]string{c.of, c.text}
			i, ok := index[key]
			if !ok {
				i = len(causes)
				index[key] = i
				causes = append(causes, c)
			}
			causes[i].add(g)
		}
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return b.count - a.count })
	if unlisted > 0 {
		causes = append(causes, cause{of: "not listed", text: "too many different gaps", count: unlisted})
	}
	return causes
}

// newCause classes a gap. Which site's page was late says little: all are one cause.
func newCause(g memprof.Gap) cause {
	c := cause{late: g.Late, counts: make(map[string]int)}
	switch {
	case g.Late && g.Metric == "page.*":
		c.of = "busy pages"
	case g.Late:
		c.of = "a busy Chrome"
	default:
		c.of, c.text = subject(g), g.Error
	}
	return c
}

func (c *cause) add(g memprof.Gap) {
	if _, ok := c.counts[g.Metric]; !ok {
		c.metrics = append(c.metrics, g.Metric)
	}
	c.counts[g.Metric] += g.Count
	c.count = max(c.count, c.counts[g.Metric])
}

func (c cause) describe() string {
	if c.late {
		return fmt.Sprintf("%s of %s came late: what they hold is unknown at that moment.", count(c.count, "reading"), c.of)
	}
	text := clean(strings.TrimSpace(strings.Join(c.metrics, ", ")+" "+c.of) + ": " + c.text)
	if c.count > 1 {
		text += fmt.Sprintf(" (%d times)", c.count)
	}
	return text
}

// subject says what a gap is of: the kind of process or page and its site, or the source.
func subject(g memprof.Gap) string {
	of := strings.TrimSpace(g.Subject.Kind + " " + g.Subject.Site)
	switch {
	case g.Metric == "":
		return g.Source
	case of != "":
		return "of " + of
	}
	return ""
}
