package worker

import (
	"sync"
	"time"

	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/store"
)

// gate lets runs begin for which there is memory, and learns what each took at its peak.
type gate struct {
	budget budget.Budget

	mu        sync.Mutex // owns what follows
	admission *budget.Admission
	runs      map[*budget.Waiter]*gated
	peaks     map[string][]budget.Peak // by site
	base      int64                    // in use while no run was at work
	used      int64                    // in use now
}

// gated is a run that waits or is at work.
type gated struct {
	*budget.Waiter
	came  time.Time
	ready chan struct{} // closed when it may begin

	start, peak int64 // in use when it began, and at most
	readings    int
	alone       bool      // no other has been at work with it
	ended       bool      // it came to its end, so that its peak says something
	told        time.Time // when it was told last why it waits; zero: not yet
}

func newGate(b budget.Budget) *gate {
	return &gate{budget: b, admission: budget.NewAdmission(b), runs: map[*budget.Waiter]*gated{}, peaks: map[string][]budget.Peak{}}
}

// learn takes what runs took before.
func (g *gate) learn(peaks []store.SitePeak) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range peaks {
		g.peaks[p.Site] = append(g.peaks[p.Site], budget.Peak{At: p.At, Bytes: p.Bytes, Alone: p.Alone})
	}
}

// come adds a run that wants to begin.
func (g *gate) come(site string, run int64) *gated {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &gated{
		Waiter: &budget.Waiter{Site: site, Run: run, Need: budget.NeedOf(g.budget, g.peaks[site])},
		came:   time.Now(), ready: make(chan struct{}),
	}
	g.runs[r.Waiter] = r
	g.admission.Come(r.Waiter)
	return r
}

// leave takes a run out. It returns what it added at its peak, if that is known.
func (g *gate) leave(r *gated) (p store.SitePeak, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.runs, r.Waiter)
	g.admission.Leave(r.Waiter)
	if !r.ended || r.readings < leastReadings {
		return store.SitePeak{}, false
	}
	p = store.SitePeak{Site: r.Site, At: time.Now(), Bytes: max(r.peak-r.start, 0), Alone: r.alone}
	list := append(g.peaks[r.Site], budget.Peak{At: p.At, Bytes: p.Bytes, Alone: p.Alone})
	g.peaks[r.Site] = list[max(0, len(list)-budget.KeptPeaks):]
	return p, true
}

// leastReadings is of how many readings a peak must be. A run that is shorter takes what it takes for a
// moment only.
const leastReadings = 2

// read takes what is in use now, and lets begin what may.
func (g *gate) read(used int64, holding bool) {
	g.observe(used)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.admission.Read(used, holding)
	if g.admission.AtWork() == 0 {
		g.base = used
	}
	g.begin()
}

// observe takes what is in use now into the peaks.
func (g *gate) observe(used int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used = used
	for _, r := range g.runs {
		if r.isReady() {
			r.peak = max(r.peak, used)
			r.readings++
		}
	}
}

func (r *gated) isReady() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

// begin lets begin what may. A run beside which another is at work is charged with all that they add
// together: nothing tells their shares. The caller holds mu.
func (g *gate) begin() {
	for _, w := range g.admission.Admit() {
		r := g.runs[w]
		r.start, r.peak, r.alone = g.used, g.used, true
		close(r.ready)
	}
	if g.admission.AtWork() < 2 {
		return
	}
	for _, r := range g.runs {
		if r.isReady() {
			r.alone, r.start = false, min(r.start, g.base)
		}
	}
}

// free lets the first run that waits begin although it does not fit.
func (g *gate) free() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w, _ := g.admission.Lacking(); w != nil {
		w.Freed = true
		g.begin()
	}
}

// admitBlind lets all begin where memory cannot be read: it is no reason to stand still.
func (g *gate) admitBlind() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.runs {
		if !r.isReady() {
			r.Freed = true
		}
	}
	g.begin()
}

// lacking is what the first run that waits lacks, while none is at work.
func (g *gate) lacking() (site string, bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w, bytes := g.admission.Lacking()
	if w == nil {
		return "", 0
	}
	return w.Site, bytes
}

// atWork is how many runs are.
func (g *gate) atWork() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.admission.AtWork()
}

// busy says whether runs are at work or wait.
func (g *gate) busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.runs) > 0
}

// resting are the sites, of all those named, of which no run is at work.
func (g *gate) resting(sites []string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	busy := map[string]bool{}
	for _, r := range g.runs {
		busy[r.Site] = busy[r.Site] || r.isReady()
	}
	var list []string
	for _, site := range sites {
		if !busy[site] {
			list = append(list, site)
		}
	}
	return list
}

// tellEvery is how often it is told why a run waits: the figures in it change with each reading.
const tellEvery = 5 * time.Second

// waits are the runs of which it is to be told why they wait; they count as told.
func (g *gate) waits() []gated {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []gated
	for _, w := range g.admission.Waiting() {
		if r := g.runs[w]; w.Why != "" && time.Since(r.told) >= tellEvery {
			first := r.told.IsZero()
			r.told = time.Now()
			list = append(list, gated{Waiter: &budget.Waiter{Site: w.Site, Run: w.Run, Need: w.Need, Why: w.Why}, came: r.came, alone: first})
		}
	}
	return list
}

// wasTold says whether it was told why a run waits.
func (g *gate) wasTold(r *gated) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !r.told.IsZero()
}
