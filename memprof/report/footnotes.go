package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// maxGapLines is how many different gaps are explained below a table.
const maxGapLines = 8

// footnotes explains dashes and gaps.
func footnotes(p *page, summaries []memprof.Summary, dashes bool) {
	if slices.ContainsFunc(summaries, hasPSS) && len(summaries) == 1 {
		p.wrap("(1) moves with other Chromes on this machine: shown, never judged.")
	}
	if dashes {
		p.wrap("- not measured" + without(summaries) + ".")
	}
	gaps := merge(summaries)
	for i, g := range gaps {
		if i == maxGapLines {
			p.wrap(fmt.Sprintf("  and %s of other kinds.", count(len(gaps)-i, "gap")))
			break
		}
		p.wrap("  " + describe(g))
	}
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

// merge adds up equal gaps of several cycles, the most frequent first.
func merge(summaries []memprof.Summary) []memprof.Gap {
	var gaps []memprof.Gap
	index := make(map[string]int)
	for _, s := range summaries {
		for _, g := range s.Gaps {
			key := subject(g) + "\x00" + g.Error
			if i, ok := index[key]; ok {
				gaps[i].Count += g.Count
				continue
			}
			index[key] = len(gaps)
			gaps = append(gaps, g)
		}
	}
	slices.SortStableFunc(gaps, func(a, b memprof.Gap) int { return b.Count - a.Count })
	return gaps
}

func describe(g memprof.Gap) string {
	text := clean(subject(g) + ": " + g.Error)
	if g.Count > 1 {
		text += fmt.Sprintf(" (%d times)", g.Count)
	}
	return text
}

// subject says what a gap is of: the metric, and the kind of process or page.
func subject(g memprof.Gap) string {
	text := g.Metric
	if text == "" {
		text = g.Source
	}
	var of []string
	for _, part := range []string{g.Subject.Kind, g.Subject.Site} {
		if part != "" {
			of = append(of, part)
		}
	}
	if len(of) > 0 {
		text += " of " + strings.Join(of, " ")
	}
	return text
}
