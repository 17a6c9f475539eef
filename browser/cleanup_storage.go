package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
)

// store is one kind of storage of an origin. It is cleared by storage key: Chrome refuses a key that it
// cannot read, where Storage.clearDataForOrigin clears every origin, and partitioned data have no other
// name.
type store struct {
	of    string // what is counted
	types string // as Storage.clearDataForStorageKey calls it; "" for localStorage, which lookScript clears
	count func(stored) int
	usage []string // its names in stored.Usage
}

var (
	localStorageItems = store{
		of: "items", count: func(s stored) int { return s.Items },
	}
	databases = store{
		of: "databases", types: "indexeddb", count: func(s stored) int { return s.Databases }, usage: []string{"indexedDB"},
	}
	caches = store{
		of: "caches", types: "cache_storage", count: func(s stored) int { return s.Caches }, usage: []string{"caches"},
	}
	serviceWorkers = store{
		of: "service workers", types: "service_workers", count: func(s stored) int { return s.Workers }, usage: []string{"serviceWorkerRegistrations"},
	}
	// everything leaves file systems to the usage: no count of files can be had.
	everything = store{
		of: "stores", types: "all", usage: []string{"indexedDB", "caches", "serviceWorkerRegistrations", "fileSystem"},
		count: func(s stored) int { return min(s.Items, 1) + s.Databases + s.Caches + s.Workers },
	}
)

// bytes is what a storage key holds of this kind, in bytes.
func (k store) bytes(s stored) (float64, bool) {
	if k.types == "" {
		return float64(s.Chars), true
	}
	sum := 0.0
	for _, name := range k.usage {
		sum += s.Usage[name]
	}
	return sum, s.Usage != nil
}

// clean clears one kind of storage in every area, and looks before and after.
func (k store) clean(ctx context.Context, c *cleaning) {
	t := tally{of: k.of, known: true}
	keys := 0
	c.eachArea(ctx, func(ctx context.Context, a area) error {
		keys += len(a.keys)
		if len(a.keys) == 0 {
			return nil
		}
		return k.cleanArea(ctx, c, a, &t)
	})
	if keys == 0 && c.report.Err == nil && c.report.Skipped == "" {
		c.skip("no page of an http or https origin was open")
	}
	if c.report.Skipped == "" {
		t.tell(c)
	}
}

// cleanStorage clears all that the touched origins have stored, and their cookies.
func cleanStorage(ctx context.Context, c *cleaning) {
	cleanCookies(ctx, c) // first, while they can be counted
	if c.report.Skipped == "" {
		everything.clean(ctx, c)
	}
	c.report.Of = "cookies and stores"
}

func (k store) cleanArea(ctx context.Context, c *cleaning, a area, t *tally) (err error) {
	s, err := a.member.browser.openStandIn(ctx, a.context)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	for _, key := range a.keys {
		if err = errors.Join(err, k.cleanKey(ctx, s, key, t)); ctx.Err() != nil {
			return err
		}
	}
	if k.types == "service_workers" || k.types == "all" {
		err = errors.Join(err, a.awaitWorkersGone(ctx))
	}
	return err
}

// cleanKey clears what one storage key holds.
func (k store) cleanKey(ctx context.Context, s *standIn, key storageKey, t *tally) error {
	if _, ok := originOf(key.origin); !ok {
		return fmt.Errorf("%q is no origin", key.origin)
	}
	before, err := s.see(ctx, key)
	if errors.Is(err, errUnseen) {
		t.unseen++
		return k.clear(ctx, s, key)
	}
	if err != nil {
		return errors.Join(err, k.clear(ctx, s, key))
	}
	if err := k.clear(ctx, s, key); err != nil {
		return err
	}
	after, err := k.awaitEmpty(ctx, s)
	if err != nil {
		return err
	}
	t.add(k, before, after)
	return nil
}

func (s *standIn) see(ctx context.Context, key storageKey) (stored, error) {
	if err := s.show(ctx, key); err != nil {
		return stored{}, err
	}
	return s.look(ctx, false)
}

func (k store) clear(ctx context.Context, s *standIn, key storageKey) error {
	types := k.types
	if types == "" && s.key == key {
		_, err := s.look(ctx, true)
		return err
	}
	if types == "" {
		types = "local_storage" // what cannot be shown: sessionStorage goes with it
	}
	_, err := cdp.Call(ctx, s.session, storage.ClearDataForStorageKey, storage.ClearDataForStorageKeyParams{StorageKey: key.String(), StorageTypes: types})
	if err != nil {
		return fmt.Errorf("clear %s: %w", key, err)
	}
	return nil
}

// clearTime is how long what is cleared may take to be gone.
const clearTime = time.Second

// awaitEmpty looks until nothing of a kind is left, or for clearTime.
func (k store) awaitEmpty(ctx context.Context, s *standIn) (stored, error) {
	deadline := time.Now().Add(clearTime)
	for {
		seen, err := s.look(ctx, false)
		if err != nil || k.count(seen) == 0 || time.Now().After(deadline) {
			return seen, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return seen, context.Cause(ctx)
		}
	}
}

// awaitWorkersGone waits until no service worker of the area's origins runs any more.
func (a area) awaitWorkersGone(ctx context.Context) error {
	deadline := time.Now().Add(clearTime)
	for {
		left := a.serviceWorkers()
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the service worker %s still runs", left[0].URL)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// serviceWorkers are the running service workers of the area's origins.
func (a area) serviceWorkers() []Target {
	var list []Target
	for _, t := range a.targets() {
		origin, ok := originOf(t.URL)
		if t.Type == "service_worker" && ok && slices.ContainsFunc(a.keys, func(k storageKey) bool { return k.origin == origin }) {
			list = append(list, t)
		}
	}
	return list
}

// targets are the targets of the area's browser context.
func (a area) targets() []Target {
	var list []Target
	for _, t := range a.member.browser.Targets() {
		if a.holds(t) {
			list = append(list, t)
		}
	}
	return list
}

// holds says whether a target lives in the area. Chrome gives its default context a name too.
func (a area) holds(t Target) bool {
	if a.context == "" {
		return t.Context == a.member.browser.tracker.homeContext()
	}
	return t.Context == string(a.context)
}

func (t *tracker) homeContext() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, tab := range t.tabs {
		if t.home == "" && tab.context == "" { // an older Chrome tells it by its targets only
			t.home = t.targets[id].Context
		}
	}
	return t.home
}
