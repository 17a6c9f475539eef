package worker

import (
	"sync"

	"github.com/ebbworker/ebb/sites"
)

// quota counts the runs of each site, for a worker that is to stop after a number of
// them. A run that is tried again counts once.
type quota struct {
	most int           // 0: no limit
	full chan struct{} // closed when every site has had its runs

	mu    sync.Mutex // owns what follows
	begun map[string]map[int64]bool
	left  map[string]int
}

func newQuota(most int, list []*sites.Site) *quota {
	q := &quota{most: most, full: make(chan struct{}), begun: map[string]map[int64]bool{}, left: map[string]int{}}
	for _, s := range list {
		q.begun[s.Name] = map[int64]bool{}
		if s.Schedule != "" {
			q.left[s.Name] = most
		}
	}
	return q
}

// begin says whether a run may begin.
func (q *quota) begin(site string, run int64) bool {
	if q.most == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.begun[site][run] {
		return true
	}
	if len(q.begun[site]) >= q.most {
		return false
	}
	q.begun[site][run] = true
	return true
}

// beyond says whether a run may not begin.
func (q *quota) beyond(site string, run int64) bool {
	if q.most == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.begun[site][run] && len(q.begun[site]) >= q.most
}

// counts says whether a run has begun.
func (q *quota) counts(site string, run int64) bool {
	if q.most == 0 {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.begun[site][run]
}

// end notes that a run has ended for good.
func (q *quota) end(site string, run int64) {
	if q.most == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.begun[site][run] || q.left[site] == 0 {
		return
	}
	q.left[site]--
	for _, n := range q.left {
		if n > 0 {
			return
		}
	}
	close(q.full)
}
