package bench

import (
	"slices"
	"time"
)

// Schema is what the figures call themselves as JSON.
const Schema = "ebb.bench/1"

// Result is what was measured.
type Result struct {
	Schema      string    `json:"schema"`
	Began       time.Time `json:"began"`
	Seconds     float64   `json:"seconds"`
	Ebb         string    `json:"ebb"`
	Chrome      string    `json:"chrome"`
	Processors  int       `json:"processors"`
	Pages       int       `json:"pages"`
	Pairs       int       `json:"pairs"`
	Comparisons []Outcome `json:"comparisons"`
}

// Outcome is one comparison at one concurrency.
type Outcome struct {
	Name        string    `json:"name"`
	Concurrency int       `json:"concurrency"`
	Arms        []Figures `json:"arms"`
}

// Figures are those of an arm, each the median of its rounds.
type Figures struct {
	Arm            string             `json:"arm"`
	Level          Level              `json:"level"`
	PagesPerSecond float64            `json:"pages_per_second"`
	CPU            float64            `json:"cpu_ms_per_page"`
	CPUByType      map[string]float64 `json:"cpu_ms_per_page_by_type"`
	PeakAnon       float64            `json:"peak_anon_bytes"`
	Stages         StageFigures       `json:"stages_ms_per_page"`
	// Speed and Cost are pages a second and processor time a page as a multiple of those of the first
	// arm in the same pair; none for the first arm.
	Speed *Ratio `json:"pages_per_second_ratio,omitempty"`
	Cost  *Ratio `json:"cpu_per_page_ratio,omitempty"`
	// Others is the share of the machine's processors that everybody else used, whoever serves the pages
	// included.
	Others float64 `json:"others_cpu_share"`
	// Items is how many items a round took; Wrong says of those of all rounds what is wrong.
	Items  int        `json:"items"`
	Wrong  []string   `json:"wrong,omitempty"`
	Rounds []Measured `json:"rounds"`
}

// StageFigures are milliseconds a page. Queue is all of a tab's time in which nothing else was done:
// waiting for the next page and, in a whole worker, for the queue and for memory to settle.
type StageFigures struct {
	Queue    float64 `json:"queue"`
	Lease    float64 `json:"lease"`
	Navigate float64 `json:"navigate"`
	Wait     float64 `json:"wait"`
	Extract  float64 `json:"extract"`
	Store    float64 `json:"store"`
	Cleanup  float64 `json:"cleanup"`
}

// Ratio is the median of the ratios of all pairs, with the lowest and the highest.
type Ratio struct {
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
}

// Right says whether every arm took every item as it is.
func (r *Result) Right() bool {
	for _, o := range r.Comparisons {
		for _, arm := range o.Arms {
			if len(arm.Wrong) > 0 {
				return false
			}
		}
	}
	return true
}

func (m Measured) pagesPerSecond() float64 { return float64(m.Pages) / m.Took.Seconds() }

// cpu is processor time a page, in milliseconds.
func (m Measured) cpu() float64 {
	all := 0.
	for _, took := range m.CPU {
		all += m.perPage(took)
	}
	return all
}

// perPage is a time a page, in milliseconds.
func (m Measured) perPage(d time.Duration) float64 {
	return d.Seconds() * 1000 / float64(m.Pages)
}

// newOutcome computes the figures of a comparison from the rounds of each arm.
func newOutcome(c Comparison, concurrency int, rounds [][]Measured) Outcome {
	out := Outcome{Name: c.Name, Concurrency: concurrency}
	for i, arm := range c.Arms {
		f := figures(rounds[i], concurrency)
		f.Arm, f.Level = arm.Name, arm.Level
		if i > 0 {
			f.Speed = ratio(rounds[i], rounds[0], Measured.pagesPerSecond)
			f.Cost = ratio(rounds[i], rounds[0], Measured.cpu)
		}
		out.Arms = append(out.Arms, f)
	}
	return out
}

func figures(rounds []Measured, concurrency int) Figures {
	of := func(figure func(Measured) float64) float64 {
		values := make([]float64, len(rounds))
		for i, m := range rounds {
			values[i] = figure(m)
		}
		return median(values)
	}
	stage := func(took func(Stages) time.Duration) float64 {
		return of(func(m Measured) float64 { return m.perPage(took(m.Stages)) })
	}
	f := Figures{
		PagesPerSecond: of(Measured.pagesPerSecond), CPU: of(Measured.cpu), CPUByType: map[string]float64{},
		PeakAnon: of(func(m Measured) float64 { return float64(m.PeakAnon) }), Rounds: rounds,
		Others: of(func(m Measured) float64 { return m.Others }),
		Stages: StageFigures{
			Queue: of(func(m Measured) float64 {
				return m.perPage(max(0, time.Duration(concurrency)*m.Took-m.Stages.sum()))
			}),
			Lease:    stage(func(s Stages) time.Duration { return s.Lease }),
			Navigate: stage(func(s Stages) time.Duration { return s.Navigate }),
			Wait:     stage(func(s Stages) time.Duration { return s.Wait }),
			Extract:  stage(func(s Stages) time.Duration { return s.Extract }),
			Store:    stage(func(s Stages) time.Duration { return s.Store }),
			Cleanup:  stage(func(s Stages) time.Duration { return s.Cleanup }),
		},
	}
	for _, kind := range ProcessTypes {
		f.CPUByType[kind] = of(func(m Measured) float64 { return m.perPage(m.CPU[kind]) })
	}
	for _, m := range rounds {
		f.Items = m.Items
		f.Wrong = append(f.Wrong, m.Wrong...)
	}
	return f
}

// ratio compares two arms pair by pair.
func ratio(of, to []Measured, figure func(Measured) float64) *Ratio {
	var ratios []float64
	for i := range of {
		if base := figure(to[i]); base > 0 {
			ratios = append(ratios, figure(of[i])/base)
		}
	}
	return newRatio(ratios)
}

// newRatio is the ratio of so many pairs; nil of none.
func newRatio(ratios []float64) *Ratio {
	if len(ratios) == 0 {
		return nil
	}
	return &Ratio{Median: median(ratios), Lo: slices.Min(ratios), Hi: slices.Max(ratios)}
}

// median is the middle of the values; of an even number, the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
