package browser

import (
	"slices"
	"sync"

	"github.com/chromedp/cdproto/cdp"
)

// maxTouched is how many storage keys a lease or a run remembers: the newest.
const maxTouched = 50

// touched are the storage keys whose documents a lease has had open, newest last, also those of
// documents that are gone by now. They come from events that every tab listens to anyway.
type touched struct {
	site, run string
	whole     *touched // of the run that the lease belongs to; nil for a run's own

	mu   sync.Mutex
	keys []storageKey
}

func (t *touched) note(k storageKey) {
	for ; t != nil; t = t.whole {
		t.mu.Lock()
		t.keys = slices.DeleteFunc(t.keys, func(known storageKey) bool { return known == k })
		t.keys = append(t.keys, k)
		t.keys = t.keys[max(0, len(t.keys)-maxTouched):]
		t.mu.Unlock()
	}
}

// list returns the keys, newest last.
func (t *touched) list() []storageKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.keys)
}

// noteFor notes what the tab touches from now on for a lease, and what it shows already. Its visit is
// another's from now on.
func (t *Tab) noteFor(of *touched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.touched, t.visit = of, visit{}
	for _, key := range t.frames.keys() {
		of.note(key)
	}
}

// noteForeign notes a frame in a process of its own. That it has one says that it is of another site
// than the page around it: where it is of the main document's, it stands in a frame of another.
func (t *Tab) noteForeign(origin string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch s := t.frames.site; {
	case s.host == "":
	case s.holds(origin):
		t.touched.note(storageKey{origin: origin, partition: foreignAncestor})
	default:
		t.touched.note(storageKey{origin: origin, partition: "0" + s.String()})
	}
}

// shows says whether a frame is in the document that the tab shows.
func (t *Tab) shows(id cdp.FrameID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.frames.byID[id]
	return ok
}

// lentTo is whose lease has the tab, or had it last.
func (t *Tab) lentTo() (site, run string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.touched == nil {
		return "", ""
	}
	return t.touched.site, t.touched.run
}

// hasTouched says whether a URL is of an origin that the tab's lease, or that of its last, has touched.
func (t *Tab) hasTouched(rawURL string) bool {
	origin, ok := originOf(rawURL)
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.touched != nil && slices.ContainsFunc(t.touched.list(), func(k storageKey) bool { return k.origin == origin })
}
