package crawl

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/sites"
)

// keyHash stands for a page's key: 16 bytes a page instead of its URL.
type keyHash [16]byte

func (f *frontier) hashKey(key string) keyHash {
	f.hashed = append(f.hashed[:0], key...)
	sum := sha256.Sum256(f.hashed)
	return keyHash(sum[:16])
}

// queuedPage is a page that waits for its visit.
type queuedPage struct {
	PageRef
	url    *url.URL  // the parsed Key
	order  int       // by discovery
	slot   bool      // it counts against the pages limit already (a retry)
	due    time.Time // not before this; zero for at once
	landed string    // the canonical URL to which it redirected
}

func (p *queuedPage) before(other *queuedPage) bool {
	if p.Depth != other.Depth {
		return p.Depth < other.Depth
	}
	return p.order < other.order
}

// lane holds the waiting pages of one host, the next one first.
type lane struct {
	host  string
	pages pageHeap
}

// frontier knows the pages of a run and which come next: breadth first, by depth and
// then by discovery. A run's coordinator owns it; it is not safe for several goroutines.
type frontier struct {
	site   *sites.Site
	limits runLimits

	known   map[keyHash]struct{}
	hashed  []byte              // room for a key
	links   map[uint64]struct{} // what is known to lead to a page that is: see linkHash
	seed    maphash.Seed
	lanes   map[string]*lane
	ordered []*lane       // what heads returned last
	delayed []*queuedPage // failed pages until they are due
	order   int
	queued  int // pages in lanes and in delayed

	slots      int // pages that count against the pages limit: visited, open, or to be retried
	found      int // pages known to the run
	duplicates int // links to pages that were known
	leftOut    int // links that were not kept, because the run knows enough pages
	refused    int // links that the site's rules or the depth do not allow
}

func newFrontier(site *sites.Site, limits runLimits) *frontier {
	return &frontier{
		site: site, limits: limits,
		known: make(map[keyHash]struct{}), links: make(map[uint64]struct{}), seed: maphash.MakeSeed(), lanes: make(map[string]*lane),
	}
}

// capacity bounds the pages that a run remembers. It is above the pages limit so that
// pages that turn out not to be visited (robots, redirects) leave no gap.
func (f *frontier) capacity() int { return 2 * f.limits.pages }

// claim makes a key known and reports whether it was not before.
func (f *frontier) claim(key string) bool {
	hash := f.hashKey(key)
	if _, ok := f.known[hash]; ok {
		return false
	}
	f.known[hash] = struct{}{}
	return true
}

// restore takes over what an interrupted run knew.
func (f *frontier) restore(state State) error {
	for _, key := range state.Known {
		f.claim(key)
	}
	f.found = len(f.known)
	f.slots = state.Visited
	for _, landed := range state.Landed {
		if key, err := f.site.Canonical(landed, nil); err == nil {
			f.claim(key)
		}
	}
	for _, ref := range state.Queued {
		if !f.claim(ref.Key) {
			continue
		}
		f.found++
		if err := f.push(ref); err != nil {
			return err
		}
	}
	return nil
}

// start makes the start pages known and returns those that were not.
func (f *frontier) start() ([]PageRef, error) {
	var refs []PageRef
	for _, raw := range f.site.Start {
		ref, _, err := f.refer(raw, nil, "")
		if err != nil {
			return nil, err
		}
		if !f.claim(ref.Key) {
			f.duplicates++
			continue
		}
		f.found++
		refs = append(refs, ref)
	}
	return refs, nil
}

// admit makes the pages known that a page links to, and returns those that were not.
// They wait for push: a page is visited only after it was recorded.
func (f *frontier) admit(parent PageRef, base *url.URL, links []sites.Link) (found []PageRef, duplicates int) {
	for _, link := range links {
		depth := parent.Depth + 1
		if link.Pagination {
			depth = parent.Depth
		}
		hash := f.linkHash(link)
		if _, seen := f.links[hash]; seen && depth <= f.limits.depth {
			duplicates++
			continue
		}
		ref, target, err := f.refer(link.URL, base, link.Template)
		if err != nil || ref.Template == "" || depth > f.limits.depth || !f.mayFollow(target) {
			f.refused++
			continue
		}
		ref.Depth, ref.Parent = depth, parent.Key
		key := f.hashKey(ref.Key)
		if _, ok := f.known[key]; ok {
			f.noteLink(hash)
			duplicates++
			continue
		}
		if f.found >= f.capacity() {
			f.leftOut++
			continue
		}
		f.known[key] = struct{}{}
		f.noteLink(hash)
		f.found++
		found = append(found, ref)
	}
	f.duplicates += duplicates
	return found, duplicates
}

// linkHash stands for a link as it was found, so that one that most pages have is read once; 0 for one whose
// page depends on where it was found.
func (f *frontier) linkHash(link sites.Link) uint64 {
	if !strings.HasPrefix(link.URL, "https://") && !strings.HasPrefix(link.URL, "http://") {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(f.seed)
	_, _ = h.WriteString(link.Template)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(link.URL)
	return h.Sum64()
}

// noteLink remembers that a link leads to a page that is known.
func (f *frontier) noteLink(hash uint64) {
	if hash != 0 && len(f.links) < 2*f.capacity() {
		f.links[hash] = struct{}{}
	}
}

func (f *frontier) mayFollow(u *url.URL) bool {
	ok, _ := f.site.MayFollow(u)
	return ok
}

// refer says which page a URL is, and gives its key in parts.
func (f *frontier) refer(raw string, base *url.URL, template string) (PageRef, *url.URL, error) {
	key, err := f.site.Canonical(raw, base)
	if err != nil {
		return PageRef{}, nil, err
	}
	u, err := url.Parse(key)
	if err != nil {
		return PageRef{}, nil, err
	}
	ref := PageRef{Key: key, URL: key}
	if raw != key {
		ref.URL = absolute(raw, base)
	}
	if t := f.site.TemplateFor(u, template); t != nil {
		ref.Template = t.Name
	}
	return ref, u, nil
}

// absolute is a URL as it was found, made absolute. It is called with URLs that have a
// canonical form, and so can be read.
func absolute(raw string, base *url.URL) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		return raw
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	return u.String()
}

// push puts a page of the run into its host's lane.
func (f *frontier) push(ref PageRef) error {
	u, err := url.Parse(ref.Key)
	if err != nil {
		return fmt.Errorf("read the URL of page %s: %w", ref.Key, err)
	}
	f.order++
	f.enter(&queuedPage{PageRef: ref, url: u, order: f.order})
	return nil
}

func (f *frontier) enter(page *queuedPage) {
	f.queued++
	if !page.due.IsZero() {
		f.delayed = append(f.delayed, page)
		return
	}
	host := page.url.Host
	l := f.lanes[host]
	if l == nil {
		l = &lane{host: host}
		f.lanes[host] = l
	}
	heap.Push(&l.pages, page)
}

// ripen puts pages that have become due back into their lanes and returns when the next
// one will be; zero when none waits.
func (f *frontier) ripen(now time.Time) (next time.Time) {
	waiting := f.delayed
	f.delayed = nil
	for _, page := range waiting {
		f.queued--
		if !page.due.After(now) {
			page.due = time.Time{}
		} else if next.IsZero() || page.due.Before(next) {
			next = page.due
		}
		f.enter(page)
	}
	return next
}

// heads are the hosts with waiting pages, the one whose page comes next first; until the next call.
func (f *frontier) heads() []*lane {
	f.ordered = f.ordered[:0]
	for _, l := range f.lanes {
		f.ordered = append(f.ordered, l)
	}
	slices.SortFunc(f.ordered, func(a, b *lane) int {
		if a.pages[0].before(b.pages[0]) {
			return -1
		}
		return 1
	})
	return f.ordered
}

// take removes a lane's next page. It counts against the pages limit from now on.
func (f *frontier) take(l *lane) *queuedPage {
	page := heap.Pop(&l.pages).(*queuedPage)
	f.queued--
	if len(l.pages) == 0 {
		delete(f.lanes, l.host)
	}
	if !page.slot {
		page.slot = true
		f.slots++
	}
	return page
}

// full reports whether the page is one more than the run may visit.
func (f *frontier) full(page *queuedPage) bool {
	return !page.slot && f.slots >= f.limits.pages
}

// free gives back the place of a page that proved not to be visited.
func (f *frontier) free(page *queuedPage) {
	if page.slot {
		page.slot = false
		f.slots--
	}
}

// pageHeap is a heap of pages, the next to be visited first.
type pageHeap []*queuedPage

func (h pageHeap) Len() int           { return len(h) }
func (h pageHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h pageHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *pageHeap) Push(x any)        { *h = append(*h, x.(*queuedPage)) }
func (h *pageHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
