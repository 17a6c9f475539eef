package browser

import (
	"slices"
	"sync"
	"time"
)

const (
	// paceWindow is how many visits make up the beginning and the present of a site's pace.
	paceWindow = 20
	// maxPaced is how many sites have a pace in one Chrome: the first.
	maxPaced = 64
)

// Pace is how long visits took in one Chrome, when it was young and of late. A visit lasts from the
// first navigation of its lease until its tab is cleaned or given back: what a page and its server take is
// in it as well as what Chrome does, waits for conditions and steps too; the wait for a tab is not.
// Failed visits are left out, but for those whose time was up.
//
// Sites differ, so they are not mixed: it is that of the site that has slowed down least, of those
// with 40 visits or more. A Chrome that ages slows down all of them, a server only its own.
type Pace struct {
	// Site is whose visits they are; "" while no site has had 40.
	Site string
	// First and Last are the medians of the site's first 20 and last 20 visits.
	First, Last time.Duration
	// Visits is how many the site has had.
	Visits int
}

// Slowdown is how much longer visits take than at first, as a factor; 0 where it is not known.
func (p Pace) Slowdown() float64 {
	if p.First <= 0 {
		return 0
	}
	return float64(p.Last) / float64(p.First)
}

// paces are the visits of one Chrome.
type paces struct {
	mu    sync.Mutex
	sites map[string]*sitePace
}

type sitePace struct {
	first  []time.Duration
	last   [paceWindow]time.Duration // a ring
	visits int
}

func (p *paces) note(site string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sites[site]
	if s == nil {
		if len(p.sites) == maxPaced {
			return
		}
		if p.sites == nil {
			p.sites = map[string]*sitePace{}
		}
		s = &sitePace{}
		p.sites[site] = s
	}
	if len(s.first) < paceWindow {
		s.first = append(s.first, took)
	}
	s.last[s.visits%paceWindow] = took
	s.visits++
}

// Pace is how long visits took in this Chrome.
func (b *Browser) Pace() Pace {
	b.paces.mu.Lock()
	defer b.paces.mu.Unlock()
	var least Pace
	for name, s := range b.paces.sites {
		if s.visits < 2*paceWindow {
			continue
		}
		p := Pace{Site: name, First: median(s.first), Last: median(s.last[:]), Visits: s.visits}
		if least.Visits == 0 || p.Slowdown() < least.Slowdown() || p.Slowdown() == least.Slowdown() && name < least.Site {
			least = p
		}
	}
	return least
}

// median is the middle of an even number of durations.
func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}

// visit is when a tab's lease began its visit, and when that ended; zero before.
type visit struct{ began, ended time.Time }

// beginVisit begins the visit of a lease with its first navigation.
func (t *Tab) beginVisit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.visit.began.IsZero() {
		t.visit.began = time.Now()
	}
}

// endVisit ends it, if there is one that has not ended.
func (t *Tab) endVisit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.visit.began.IsZero() && t.visit.ended.IsZero() {
		t.visit.ended = time.Now()
	}
}

// noteVisit counts the lease's visit for its Chrome's pace, if it says something of it.
func (l *Lease) noteVisit(cause error) {
	l.endVisit()
	l.Tab.mu.Lock()
	took := l.visit.ended.Sub(l.visit.began)
	l.Tab.mu.Unlock()
	if took > 0 && (cause == nil || isTimeout(cause)) {
		l.at.member.browser.paces.note(l.options.Site, took)
	}
}
