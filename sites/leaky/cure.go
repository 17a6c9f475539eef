package leaky

import (
	"maps"
	"slices"
)

// Cure is what a cleanup that is done after each run does to a leak.
type Cure string

const (
	// Returns says that what leaked is given back.
	Returns Cure = "returns"
	// Leaves says that nothing of it is.
	Leaves Cure = "leaves"
	// Worsens says that it leaks more.
	Worsens Cure = "more"
)

// Cleanups of whole pages: they give back what the document, or the tab, holds.
var (
	ofDocument = []string{"blank", "recreate-page", "recreate-context", "restart-browser"}
	ofTab      = []string{"recreate-page", "recreate-context", "restart-browser"}
	ofContext  = []string{"recreate-context", "restart-browser"}
)

// cures are the leaks of which it is certain what gives them back, with the cleanups that do; all others of
// cleanupNames leave them, but for those that unsure names.
var cures = map[string][]string{
	"global-array":          ofDocument,
	"map-cache":             ofDocument,
	"closures":              ofDocument,
	"timers":                ofDocument,
	"console":               append([]string{"release-objects"}, ofDocument...),
	"attached-nodes":        ofDocument,
	"detached-nodes":        ofDocument,
	"event-listeners":       ofDocument,
	"array-buffers":         ofDocument,
	"restored-state":        ofDocument,
	"untouched-buffers":     ofDocument,
	"blob-urls":             ofDocument,
	"canvas-2d":             ofDocument,
	"iframes":               ofDocument,
	"workers":               ofDocument,
	"shared-workers":        ofDocument,
	"popups":                append([]string{"close-popups"}, ofContext...),
	"indexed-db":            append([]string{"indexeddb", "storage"}, ofContext...),
	"cache-storage":         append([]string{"cache-storage", "storage"}, ofContext...),
	"service-worker-cache":  append([]string{"cache-storage", "storage"}, ofContext...),
	"service-worker-memory": append([]string{"service-workers", "storage"}, ofContext...),
	"local-storage":         append([]string{"local-storage", "storage"}, ofContext...),
	"session-storage":       append([]string{"session-storage"}, ofTab...),
	"cookies":               append([]string{"cookies", "storage"}, ofContext...),
	"private-files":         append([]string{"storage"}, ofContext...),
	"go-heap":               nil,
	"goroutines":            nil,
	"file-descriptors":      nil,
	"contexts-open":         {"restart-browser"},
}

// worsens are the cleanups that make a page leak more, by leak.
var worsens = map[string][]string{"restored-state": {"local-storage", "storage"}}

// unsure are the cells of which it is not certain, by leak.
var unsure = map[string][]string{
	// Of an origin that no page shows there is no telling what its localStorage holds.
	"local-storage": {"blank", "recreate-page", "recreate-context", "restart-browser"},
	// Nor of storage where no page of the browser context is open.
	"indexed-db": {"recreate-page"}, "cache-storage": {"recreate-page"}, "service-worker-cache": {"recreate-page"}, "private-files": {"recreate-page"},
	// A process that stays keeps a part of what it had taken for pictures.
	"canvas-2d": {"blank"},
	// Chrome clears sessionStorage with localStorage.
	"session-storage": {"blank", "local-storage", "storage"},
}

// Curable are the names of the leaks of which it is certain what gives them back.
func Curable() []string { return slices.Sorted(maps.Keys(cures)) }

// CureBy says what a cleanup, done after each run, does to the leak; "" where that is not certain. It holds for
// Chromium 156, a site that has a browser context of its own, and the metric of the case.
func (c Case) CureBy(cleanup string) Cure {
	by, known := cures[c.Name]
	switch {
	case !known || slices.Contains(unsure[c.Name], cleanup):
		return ""
	case slices.Contains(by, cleanup):
		return Returns
	case slices.Contains(worsens[c.Name], cleanup):
		return Worsens
	}
	return Leaves
}
