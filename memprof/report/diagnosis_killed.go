package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// maxShownKills is how many kills one screen takes apart.
const maxShownKills = 2

// killedAnswer says what the kernel killed for want of memory, who held it, and how that came about; it
// has no texts where nothing was killed.
func killedAnswer(d memprof.Diagnosis) answer {
	a := answer{label: "killed"}
	if d.Kills == nil {
		return a
	}
	often := number(float64(d.Kills.Times), 0) + " killed for want of memory, in " + fmt.Sprintf("%d of %s", d.Kills.Cycles, count(d.Kills.Of, "cycle"))
	if d.Kills.Limit > 0 {
		often += ", with " + amount(memprof.Bytes, d.Kills.Limit)
		if d.Kills.LimitIs != "" {
			often += " (" + plain(d.Kills.LimitIs) + ")"
		}
	}
	a.texts = append(a.texts, often)
	for i, k := range d.Kills.Kills {
		if i == maxShownKills {
			break
		}
		a.texts = append(a.texts, killSentences(k)...)
	}
	if more := d.Kills.Times - maxShownKills; more > 0 {
		a.texts = append(a.texts, "and "+count(more, "more kill"))
	}
	return a
}

// killSentences take one kill apart: what and where, who held the memory, how it rose.
func killSentences(k memprof.Kill) []string {
	what := "cycle " + fmt.Sprint(k.Cycle)
	if len(k.Phases) > 0 {
		what += ", " + plain(strings.Join(k.Phases, " and "))
	}
	what += ": the " + plain(k.Process) + " process"
	if k.Process == "renderer" {
		what = strings.TrimSuffix(what, " process")
	}
	if k.Site != "" {
		what += " of " + plain(k.Site)
	}
	if k.URL != "" {
		what += ", " + plain(k.URL)
	}
	out := []string{what}
	if k.Held > 0 {
		out = append(out, heldSentence(k))
	} else {
		out = append(out, "who held the memory: "+dash+" (nothing was read in the seconds before)")
	}
	var rise []string
	if k.Velocity > 0 {
		rise = append(rise, fmt.Sprintf("%s memory rose by %s a second at last, for %s s", plain(k.Holder), amount(memprof.Bytes, k.Velocity), number(k.Over, 1)))
	}
	switch k.Shape {
	case memprof.Spiked:
		rise = append(rise, "a spike: the cycle began with "+amount(memprof.Bytes, k.Before)+", most came within it")
	case memprof.Linear:
		rise = append(rise, "growth over the cycles: this one began with "+amount(memprof.Bytes, k.Before)+" already")
	}
	if len(rise) > 0 {
		out = append(out, strings.Join(rise, "; "))
	}
	return out
}

// heldSentence says who held the memory before the kill, which the kernel need not take.
func heldSentence(k memprof.Kill) string {
	text := "it held " + amount(memprof.Bytes, k.Bytes) + ", the most of all"
	if k.Holder != k.Process {
		text = "the " + plain(k.Holder) + " process held " + amount(memprof.Bytes, k.Held) + ", what was killed " + amount(memprof.Bytes, k.Bytes)
	}
	kinds := slices.SortedFunc(maps.Keys(k.By), func(a, b string) int {
		if c := cmp.Compare(k.By[b], k.By[a]); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, kind := range kinds {
		parts = append(parts, plain(kind)+" "+amount(memprof.Bytes, k.By[kind]))
	}
	return text + "; all together " + amount(memprof.Bytes, k.Total) + ": " + strings.Join(parts, ", ")
}
