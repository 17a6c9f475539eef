package budget

import (
	"cmp"
	"slices"
	"time"
)

// prior is what is expected of an action before it was tried: Share of the memory above a fresh Chrome's
// comes back, at this cost. The shares are those of thirty kinds of leak in Chromium 156: how much of what
// eight leaking visits took came back.
type prior struct {
	action Action
	share  float64
	cost   time.Duration
}

// rungs are the actions that give memory back, cheapest first.
var rungs = []prior{
	{CollectGarbage, 0.05, 40 * time.Millisecond},
	{ClearStorage, 0.10, 80 * time.Millisecond},
	{RecreatePage, 0.60, 100 * time.Millisecond},
	{RecreateContext, 0.65, 150 * time.Millisecond},
	{RetireBrowser, 1.00, 600 * time.Millisecond},
}

const (
	// learnFrom is how many of the latest times of an action count, and learnFor for how long: then it
	// is tried anew, since what leaks may have changed.
	learnFrom = 9
	learnFor  = 24 * time.Hour
)

// Experience is what actions have given back so far. Its memory is bounded.
type Experience struct {
	tried map[Action][]trial
}

type trial struct {
	at    time.Time
	share float64
	cost  time.Duration
}

// NewExperience returns one that knows nothing but the literature.
func NewExperience() *Experience { return &Experience{tried: map[Action][]trial{}} }

// Add learns from an event, as far as it tells anything: what was done by a rule of the pool counts too.
func (x *Experience) Add(e Event) {
	given, ok := e.Given()
	if !ok || e.Above <= 0 {
		return
	}
	share := min(max(float64(given)/float64(e.Above), 0), 1)
	list := append(x.tried[e.Action], trial{e.At, share, e.Took})
	x.tried[e.Action] = list[max(0, len(list)-learnFrom):]
}

// Expect is the share that an action gives back and what it costs: the medians of the latest times, and of
// what is expected before, which counts once.
func (x *Experience) Expect(a Action, now time.Time) (share float64, cost time.Duration) {
	i := slices.IndexFunc(rungs, func(p prior) bool { return p.action == a })
	if i < 0 {
		return 0, 0
	}
	shares, costs := []float64{rungs[i].share}, []time.Duration{rungs[i].cost}
	for _, t := range x.tried[a] {
		if now.Sub(t.at) < learnFor {
			shares, costs = append(shares, t.share), append(costs, t.cost)
		}
	}
	return median(shares), median(costs)
}

// median is the lower one of an even number: what is expected should come.
func median[T cmp.Ordered](list []T) T {
	var zero T
	if len(list) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)-1)/2]
}
