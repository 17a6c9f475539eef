package memprof

import (
	"errors"
	"math"
	"time"
)

var errNotANumber = errors.New("the value is not a finite number")

// checkNumbers makes gaps of values that are not numbers.
func checkNumbers(readings []Reading) {
	for i, r := range readings {
		if r.Err == nil && (math.IsNaN(r.Value) || math.IsInf(r.Value, 0)) {
			readings[i].Err = errNotANumber
		}
	}
}

// Sample is everything that was read at one moment.
type Sample struct {
	// Seq counts the samples of a recording from 1.
	Seq uint64 `json:"seq"`
	// Start is when reading began, Took how long it took.
	Start time.Time     `json:"start"`
	Took  time.Duration `json:"took_ns"`
	// Phases names the phases that were running, of all cycles, such as "scrape demo"; sorted,
	// each once.
	Phases []string `json:"phases,omitempty"`
	// Costs is how long each source took.
	Costs map[string]time.Duration `json:"costs_ns"`
	// Totals is what the readings add up to. Totals.Tick tells a tick from a reading at a
	// phase boundary.
	Totals Totals `json:"totals"`
	// Readings is what was read, by subject, without the gaps; empty for a tick.
	Readings []Reading `json:"-"`
}

// Gap is a reading that failed. Equal ones of one sample are recorded once, with their number.
type Gap struct {
	// Seq is the sample's, Time when it began.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	// Source is the source's name, Metric a metric or a family such as "perf.*"; "" when the
	// source as a whole gave nothing.
	Source  string  `json:"source"`
	Metric  string  `json:"metric,omitempty"`
	Subject Subject `json:"subject,omitzero"`
	Error   string  `json:"error"`
	// Gone says that the subject ended while it was read: totals are valid all the same.
	Gone bool `json:"gone,omitempty"`
	// Late says that the subject was too busy to answer in time.
	Late bool `json:"late,omitempty"`
	// Count is how many such readings failed.
	Count int `json:"count"`
}

// gapKey is what makes two gaps equal: the single process or page does not.
type gapKey struct{ source, metric, browser, kind, site, err string }

func (g Gap) key() gapKey {
	return gapKey{g.Source, g.Metric, g.Subject.Browser, g.Subject.Kind, g.Subject.Site, g.Error}
}

// gapsOf collects the failed readings of a sample and returns the others.
func gapsOf(s Sample, answers []answer) (gaps []Gap, readings []Reading) {
	index := make(map[gapKey]int)
	for _, a := range answers {
		for _, r := range a.readings {
			if r.Err == nil {
				readings = append(readings, r)
				continue
			}
			g := Gap{
				Seq: s.Seq, Time: s.Start, Source: a.source, Metric: r.Metric, Subject: r.Subject,
				Error: r.Err.Error(), Gone: errors.Is(r.Err, ErrGone), Late: errors.Is(r.Err, ErrLate), Count: 1,
			}
			if i, ok := index[g.key()]; ok {
				gaps[i].Count++
				continue
			}
			index[g.key()] = len(gaps)
			gaps = append(gaps, g)
		}
	}
	return gaps, readings
}
