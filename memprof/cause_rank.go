package memprof

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// settle puts first what explains most of the headline, merges what is said twice, and takes
// back certainty where much of the growth stays unexplained.
func (e *explaining) settle() {
	merged := map[Cause]*Finding{}
	for _, f := range e.found {
		if had := merged[f.Cause]; had != nil {
			had.Of, had.Detail = cmp.Or(had.Of, f.Of), cmp.Or(had.Detail, f.Detail)
			had.Origin, had.Process = cmp.Or(had.Origin, f.Origin), cmp.Or(had.Process, f.Process)
			had.Bytes += f.Bytes
			had.Certain = had.Certain || f.Certain
			had.Evidence = append(had.Evidence, f.Evidence...)
			continue
		}
		merged[f.Cause] = &f
	}
	e.found = e.found[:0]
	for _, cause := range slices.Sorted(maps.Keys(merged)) {
		e.found = append(e.found, *merged[cause])
	}
	memory := e.by[e.d.Of] != nil && isMemory(e.by[e.d.Of])
	slices.SortStableFunc(e.found, func(a, b Finding) int {
		if firmA, firmB := e.firm(a), e.firm(b); firmA != firmB {
			if firmA {
				return -1
			}
			return 1
		}
		if memory && onDisk(a.Cause) != onDisk(b.Cause) && math.Max(a.Bytes, b.Bytes) < 2*math.Min(a.Bytes, b.Bytes) {
			if onDisk(a.Cause) {
				return 1
			}
			return -1
		}
		if c := cmp.Compare(b.Bytes, a.Bytes); c != 0 {
			return c
		}
		return precedence[a.Cause] - precedence[b.Cause]
	})
	for i := range e.found {
		if e.total > 0 && memory && e.found[i].Bytes < 0.3*e.total && !onDisk(e.found[i].Cause) {
			e.found[i].Certain = false
		}
		if e.found[i].Process == "" && !onDisk(e.found[i].Cause) {
			e.found[i].Process = e.process()
		}
	}
}

// firm says that what shows a cause is a leak, where the verdict is one, and not only growing.
func (e *explaining) firm(f Finding) bool {
	return e.d.Verdict != Leak || f.Certain || f.Process != "" && e.exact("process.anon", f.Process)
}

func onDisk(c Cause) bool {
	switch c {
	case CauseIndexedDB, CauseLocalStorage, CauseCacheStorage, CauseHTTPCache, CauseCookies, CauseProfileDisk:
		return true
	}
	return false
}

// precedence orders causes that explain as much: what encloses comes before what is enclosed.
var precedence = map[Cause]int{
	CauseContextsOpen: 1, CausePagesOpen: 2, CauseWorkers: 3, CauseServiceWorker: 4, CauseIframes: 5, CauseWebSockets: 6, CauseGoroutines: 7,
	CauseDOMNodes: 8, CauseListeners: 9, CauseArrayBuffers: 10, CauseJSHeap: 11,
}
