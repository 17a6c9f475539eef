package linux

import (
	"errors"

	"github.com/ebbworker/ebb/memprof"
)

// group adds up the processes of each Chrome and type.
type group struct {
	q        memprof.Request
	sums     []*sum
	readings []memprof.Reading
	look     look
}

// sum is the processes of one Chrome and type.
type sum struct {
	g       *group
	subject memprof.Subject
	metrics []string
	values  map[string]int64
	spoilt  map[string]bool
}

// sum returns the one of a subject.
func (g *group) sum(subject memprof.Subject) *sum {
	for _, s := range g.sums {
		if s.subject == subject {
			return s
		}
	}
	s := &sum{g: g, subject: subject, values: make(map[string]int64), spoilt: make(map[string]bool)}
	s.add("process.count", 0)
	g.sums = append(g.sums, s)
	return s
}

func (g *group) fail(metric string, subject memprof.Subject, err error) {
	g.readings = append(g.readings, memprof.Reading{Metric: metric, Subject: subject, Err: err})
}

func (s *sum) add(metric string, value int64) {
	if _, ok := s.values[metric]; !ok {
		s.metrics = append(s.metrics, metric)
	}
	s.values[metric] += value
}

// check records an error and tells whether there was none. One process that could not be read
// spoils the sum of its type, unless it has ended.
func (s *sum) check(metric string, err error) bool {
	if err == nil {
		return true
	}
	s.g.fail(metric, s.subject, err)
	if !errors.Is(err, memprof.ErrGone) {
		s.spoilt[metric] = true
	}
	return false
}

// done returns the sums as readings, after the gaps.
func (g *group) done() []memprof.Reading {
	for _, s := range g.sums {
		for _, metric := range s.metrics {
			if !s.spoilt[metric] {
				g.readings = append(g.readings, memprof.Reading{Metric: metric, Subject: s.subject, Value: float64(s.values[metric])})
			}
		}
	}
	return g.readings
}
