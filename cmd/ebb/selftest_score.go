package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites/leaky"
)

// caseResult is what came of one page.
type caseResult struct {
	Case     string          `json:"page"`
	Leaks    bool            `json:"leaks"`
	Expected memprof.Verdict `json:"expected"`
	Verdict  memprof.Verdict `json:"verdict"`
	// Found: it leaks and a leak was found. Accused: it does not, and growth was found.
	Found   bool `json:"found"`
	Accused bool `json:"accused"`
	// As says that the verdict is the expected one.
	As bool `json:"as_expected"`

	Cause      memprof.Cause    `json:"cause"`
	Truth      memprof.Cause    `json:"true_cause"`
	CauseRight bool             `json:"cause_right"`
	Certain    bool             `json:"certain"`
	Phase      string           `json:"phase"`
	PhaseRight bool             `json:"phase_right"`
	Metric     string           `json:"metric"`
	Rate       memprof.Estimate `json:"rate"`
	TrueRate   float64          `json:"true_rate"`
	RateRight  bool             `json:"rate_right"`
	ControlOK  bool             `json:"control_ok"`
	Spike      bool             `json:"spike_told"`
	Headline   string           `json:"headline"`
	Error      string           `json:"error,omitempty"`
	Seconds    float64          `json:"seconds"`
}

func (r caseResult) failed(err error, began time.Time) caseResult {
	if c, ok := leaky.Find(r.Case); ok {
		r.Leaks, r.Expected, r.Truth = c.Leaks, memprof.Verdict(c.Verdict), memprof.Cause(c.Cause)
	}
	r.Error, r.Seconds = err.Error(), time.Since(began).Seconds()
	return r
}

// resultOf compares a diagnosis with the truth.
func resultOf(c leaky.Case, d memprof.Diagnosis) caseResult {
	r := caseResult{
		Case: c.Name, Leaks: c.Leaks, Expected: memprof.Verdict(c.Verdict), Verdict: d.Verdict,
		Cause: d.Cause, Truth: memprof.Cause(c.Cause), Certain: d.Certain, Phase: d.Phase, Metric: c.Metric, TrueRate: c.Rate, Headline: d.Headline,
		ControlOK: d.Control != nil && d.Control.OK,
	}
	grows := d.Verdict == memprof.Leak || d.Verdict == memprof.Growing
	r.Found, r.Accused, r.As = c.Leaks && d.Verdict == memprof.Leak, !c.Leaks && grows, d.Verdict == r.Expected
	r.CauseRight = d.Cause == r.Truth || slices.Contains(c.Also, string(d.Cause))
	r.PhaseRight = d.Phase == c.Phase
	r.Spike = slices.ContainsFunc(d.Spikes, func(p memprof.Peaked) bool { return p.Recovered && p.Velocity > 0 && p.Phase != "" })
	for _, m := range d.Metrics {
		if m.Series().String() != c.Metric {
			continue
		}
		r.Rate = m.Rate
		if m.Shape == memprof.Accelerating || m.Shape == memprof.Onset {
			r.Rate = m.EndRate
		}
	}
	slack := c.Tolerance*math.Abs(c.Rate) + 1e-6*math.Max(1, math.Abs(c.Rate))
	r.RateRight = r.Rate.Known && r.Rate.Lo-slack <= c.Rate && c.Rate <= r.Rate.Hi+slack
	return r
}

// line says in one line what came of a page.
func (r caseResult) line() string {
	if r.Error != "" {
		return fmt.Sprintf("%-28s FAILED: %s", r.Case, output.CleanLine(r.Error))
	}
	return fmt.Sprintf("%-28s %-12s %-18s %5.1f s", r.Case, r.Verdict, r.Cause, r.Seconds)
}

// score sums up.
type score struct {
	Leaks        int     `json:"leaking_pages"`
	Found        int     `json:"found"`
	Causes       int     `json:"causes_right"`
	WrongCertain int     `json:"wrong_causes_certain"`
	Rates        int     `json:"rates_right"`
	Phases       int     `json:"phases_right"`
	Clean        int     `json:"clean_pages"`
	Accused      int     `json:"clean_accused"`
	Undecided    int     `json:"clean_undecided"`
	Shapes       int     `json:"other_shapes"`
	ShapesRight  int     `json:"other_shapes_right"`
	Failed       int     `json:"failed"`
	Controls     int     `json:"controls_ok"`
	All          int     `json:"pages"`
	Seconds      float64 `json:"seconds"`
}

func scoreOf(results []caseResult, took time.Duration) score {
	s := score{All: len(results), Seconds: took.Seconds()}
	add := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	for _, r := range results {
		add(&s.Failed, r.Error != "")
		add(&s.Controls, r.ControlOK)
		add(&s.WrongCertain, r.Error == "" && r.Certain && !r.CauseRight && (r.Leaks || r.Accused))
		switch {
		case r.Leaks:
			s.Leaks++
			add(&s.Found, r.Found)
			add(&s.Causes, r.CauseRight)
			add(&s.Rates, r.RateRight)
			add(&s.Phases, r.PhaseRight)
		case r.Expected == memprof.Stable && r.Truth == memprof.CauseNone:
			s.Clean++
			add(&s.Accused, r.Accused)
			add(&s.Undecided, r.Error == "" && r.Verdict != memprof.Stable && !r.Accused)
		default:
			s.Shapes++
			add(&s.ShapesRight, r.As && (r.Expected != memprof.Spike || r.Spike))
			add(&s.Accused, r.Accused)
		}
	}
	return s
}

// What is promised of causes and rates is a share of the leaking pages; of fewer pages than
// enoughLeaks it says nothing.
const (
	enoughLeaks   = 30
	promisedShare = 0.93
)

// good says whether the build does what it promises.
func (s score) good() bool {
	if s.Failed > 0 || s.Found < s.Leaks || s.Accused > 0 || s.WrongCertain > 0 {
		return false
	}
	least := promisedShare * float64(s.Leaks)
	return s.Leaks < enoughLeaks || float64(s.Causes) >= least && float64(s.Rates) >= least
}

// writeMatrix prints the detection matrix and the score.
func writeMatrix(out output.Terminal, results []caseResult, s score) error {
	table := output.NewTable(output.Column{Title: "PAGE", Keep: true}, output.Column{Title: "VERDICT", Keep: true},
		output.Column{Title: "CAUSE", Keep: true}, output.Column{Title: "SURE"}, output.Column{Title: "RATE", Right: true}, output.Column{Title: "TRUTH", Right: true},
		output.Column{Title: "RIGHT", Keep: true}, output.Column{Title: "TOOK", Right: true})
	for _, r := range results {
		if r.Error != "" {
			table.Add(r.Case, "FAILED", "", "", "", "", "", output.Duration(time.Duration(r.Seconds*float64(time.Second))))
			continue
		}
		sure, rate, truth := "", "", ""
		if r.Leaks || r.Accused {
			sure = map[bool]string{true: "yes", false: "-"}[r.Certain]
		}
		if r.Leaks {
			rate, truth = rateCell(r.Rate.Value), rateCell(r.TrueRate)
		}
		table.Add(r.Case, string(r.Verdict), string(r.Cause), sure, rate, truth, r.marks(), output.Duration(time.Duration(r.Seconds*float64(time.Second))))
	}
	if err := table.Write(out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, `
leaking pages found      %d of %d
cause named right        %d of %d, wrong causes stated as certain: %d
true rate in interval    %d of %d
phase right              %d of %d
clean pages accused      %d of %d (undecided or stepped: %d)
spikes, steps, caches    %d of %d as expected
control as planted       %d of %d
failed                   %d
took                     %s
`, s.Found, s.Leaks, s.Causes, s.Leaks, s.WrongCertain, s.Rates, s.Leaks, s.Phases, s.Leaks, s.Accused, s.Clean+s.Shapes, s.Undecided,
		s.ShapesRight, s.Shapes, s.Controls, s.All, s.Failed, output.Duration(time.Duration(s.Seconds*float64(time.Second))))
	return err
}

// marks says what of a result is not right; "ok" for nothing.
func (r caseResult) marks() string {
	switch {
	case r.Leaks && !r.Found:
		return "MISSED"
	case r.Accused:
		return "ACCUSED"
	case !r.As:
		return "not " + string(r.Expected)
	case r.Leaks && !r.CauseRight:
		return "cause"
	case r.Leaks && !r.RateRight:
		return "rate"
	case r.Leaks && !r.PhaseRight:
		return "phase"
	case r.Expected == memprof.Spike && !r.Spike:
		return "spike"
	}
	return "ok"
}

func rateCell(v float64) string {
	if math.Abs(v) >= 10000 {
		return output.Count(int64(math.Round(v)))
	}
	return fmt.Sprintf("%.4g", v)
}
