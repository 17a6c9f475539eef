package budget

import (
	"fmt"
	"slices"
)

// overtakes is how many runs may begin before one that came earlier and needs more. Then it is next,
// whoever waits with it.
const overtakes = 4

// Admission decides which runs begin. It is the caller who wakes those that may: its methods are for one
// goroutine at a time.
type Admission struct {
	budget  Budget
	waiting []*Waiter // in the order in which they came
	atWork  []*Waiter
	base    int64 // in use while no run is at work; 0 until it was read
	used    int64 // in use now
	holding bool
}

// Waiter is a run that waits, or is at work.
type Waiter struct {
	// Site and Run say whose it is, Need what it is expected to add.
	Site string
	Run  int64
	Need Need
	// Why says why it waits; "" once it may begin.
	Why string
	// Freed says that what can be given back for it was: then it begins, whether it fits or not.
	Freed bool

	passed int
	lacks  int64
}

// NewAdmission returns one without runs.
func NewAdmission(b Budget) *Admission { return &Admission{budget: b} }

// Read takes what is in use now; holding says that no run should begin while others are at work.
func (a *Admission) Read(used int64, holding bool) {
	a.used, a.holding = used, holding
	if len(a.atWork) == 0 {
		a.base = used
	}
}

// Come adds a run to those that wait.
func (a *Admission) Come(w *Waiter) { a.waiting = append(a.waiting, w) }

// Leave takes a run out, whether it waits or is at work.
func (a *Admission) Leave(w *Waiter) {
	same := func(o *Waiter) bool { return o == w }
	a.waiting, a.atWork = slices.DeleteFunc(a.waiting, same), slices.DeleteFunc(a.atWork, same)
}

// AtWork is how many runs are at work.
func (a *Admission) AtWork() int { return len(a.atWork) }

// Waiting are the runs that wait, first come first.
func (a *Admission) Waiting() []*Waiter { return slices.Clone(a.waiting) }

// Admit returns the runs that may begin now, and says of the others why they wait.
func (a *Admission) Admit() []*Waiter {
	var admitted []*Waiter
	for i := 0; i < len(a.waiting); {
		w := a.waiting[i]
		if w.Why, w.lacks = a.refuse(w); w.Why != "" {
			if w.passed >= overtakes {
				a.blocked(a.waiting[i+1:], w)
				return admitted
			}
			i++
			continue
		}
		for _, earlier := range a.waiting[:i] {
			earlier.passed++
		}
		a.waiting = slices.Delete(a.waiting, i, i+1)
		a.atWork = append(a.atWork, w)
		admitted = append(admitted, w)
	}
	return admitted
}

// blocked says why those wait that came after a run that has been overtaken often enough.
func (a *Admission) blocked(list []*Waiter, by *Waiter) {
	for _, w := range list {
		w.Why, w.lacks = fmt.Sprintf("a run of %s has waited for memory for longer and is next", by.Site), 0
	}
}

// refuse says why a run may not begin; "" if it may. A run alone may come up to the hard mark, and begins
// in any case when nothing more can be given back for it.
func (a *Admission) refuse(w *Waiter) (why string, lacks int64) {
	needs := fmt.Sprintf("a run of %s needs %s at its peak", w.Site, Size(w.Need.Bytes))
	if w.Need.Runs == 0 {
		needs = fmt.Sprintf("a run of %s, which has not run yet, is taken to need %s", w.Site, Size(w.Need.Bytes))
	}
	if len(a.atWork) == 0 {
		lacks = a.used + w.Need.Bytes - a.budget.Hard
		if lacks <= 0 || w.Freed {
			return "", 0
		}
		return fmt.Sprintf("%s: %s of %s are in use, and are being given back", needs, Size(a.used), Size(a.budget.Hard)), lacks
	}
	if a.holding {
		return fmt.Sprintf("%s are in use, and no run begins until they are below %s", Size(a.used), Size(int64(relief*float64(a.budget.Soft)))), 0
	}
	planned := a.base
	for _, o := range a.atWork {
		planned += o.Need.Bytes
	}
	planned = max(planned, a.used)
	if planned+w.Need.Bytes <= a.budget.Soft {
		return "", 0
	}
	return fmt.Sprintf("%s: with what is at work (%s planned) that is more than %s", needs, Size(planned), Size(a.budget.Soft)), 0
}

// Lacking is the first run that waits although nothing is at work, with what it lacks; nil if none does.
func (a *Admission) Lacking() (w *Waiter, bytes int64) {
	if len(a.atWork) > 0 || len(a.waiting) == 0 || a.waiting[0].lacks <= 0 {
		return nil, 0
	}
	return a.waiting[0], a.waiting[0].lacks
}
