package crawl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// world is a web without a network, and the tabs that visit it. It counts what it is
// asked, so that tests run in the fake time of synctest.
type world struct {
	mu       sync.Mutex
	pages    map[string]*place // by URL
	robots   map[string]string // by host
	asked    []request
	open     map[string]int // pages open by host
	most     map[string]int // the largest number at once
	tabs     int
	mostTabs int
	ended    []string // runs that were ended
	released []error  // causes with which tabs came back
	leases   []browser.LeaseOptions
	lendErr  func(n int) error // of the n-th lease
	robotsN  map[string]int    // robots.txt asked, by host
	typed    []string
}

type request struct {
	url string
	at  time.Time
}

// place is what one URL answers.
type place struct {
	empty    bool // its answer has no body
	status   int
	header   http.Header
	redirect string
	title    string        // its item; "" gives none
	missing  bool          // the item lacks its required field
	bytes    int64         // document size
	links    []string      // to pages
	more     []string      // pagination
	takes    time.Duration // how long navigation takes
	errs     []error       // of the first visits
	visits   int
}

func newWorld() *world {
	return &world{
		pages: map[string]*place{}, robots: map[string]string{}, open: map[string]int{},
		most: map[string]int{}, robotsN: map[string]int{},
	}
}

func (w *world) add(url string, p *place) *place {
	if p.status == 0 {
		p.status = http.StatusOK
	}
	if p.title == "" {
		p.title = url
	}
	w.pages[url] = p
	return p
}

func (w *world) urls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, r := range w.asked {
		list = append(list, r.url)
	}
	return list
}

func (w *world) times(host string) []time.Time {
	var list []time.Time
	for _, r := range w.asked {
		if u, _ := url.Parse(r.url); u.Host == host {
			list = append(list, r.at)
		}
	}
	return list
}

// RoundTrip answers requests for robots.txt.
func (w *world) RoundTrip(request *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.robotsN[request.URL.Host]++
	response := &http.Response{
		StatusCode: http.StatusNotFound, Header: http.Header{}, Request: request,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	body, ok := w.robots[request.URL.Host]
	if ok {
		response.StatusCode = http.StatusOK
	}
	if body == "503" {
		response.StatusCode = http.StatusServiceUnavailable
	}
	response.Body = io.NopCloser(strings.NewReader(body))
	return response, nil
}

func (w *world) lend(ctx context.Context, options browser.LeaseOptions) (tab, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leases = append(w.leases, options)
	if w.lendErr != nil {
		if err := w.lendErr(len(w.leases)); err != nil {
			return nil, err
		}
	}
	w.tabs++
	w.mostTabs = max(w.mostTabs, w.tabs)
	return &fakeTab{world: w, unheld: options.Unheld}, ctx.Err()
}

// Acquire is never called: the tests' runs borrow by lend.
func (w *world) Acquire(context.Context, browser.LeaseOptions) (*browser.Lease, error) {
	return nil, errors.New("not here")
}

func (w *world) EndRun(ctx context.Context, run string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, run)
	return ctx.Err()
}

type fakeTab struct {
	world  *world
	unheld bool
	place  *place
	url    string
	host   string
}

func (t *fakeTab) Navigate(ctx context.Context, raw string) (browser.Response, error) {
	w := t.world
	u, err := url.Parse(raw)
	if err != nil {
		return browser.Response{}, err
	}
	w.mu.Lock()
	w.asked = append(w.asked, request{raw, time.Now()})
	p := w.pages[raw]
	if t.host == "" {
		t.host = u.Host
		w.open[t.host]++
		w.most[t.host] = max(w.most[t.host], w.open[t.host])
	}
	if p == nil {
		t.place, t.url = &place{status: http.StatusNotFound}, raw
		w.mu.Unlock()
		if t.unheld {
			return browser.Response{URL: raw, Header: http.Header{}}, nil
		}
		return browser.Response{URL: raw, Status: http.StatusNotFound, Header: http.Header{}}, nil
	}
	p.visits++
	if len(p.errs) > 0 {
		err, p.errs = p.errs[0], p.errs[1:]
	}
	final := raw
	if p.redirect != "" {
		final, p = p.redirect, w.pages[p.redirect]
	}
	t.place, t.url = p, final
	w.mu.Unlock()
	if err := sleep(ctx, p.takes); err != nil {
		return browser.Response{}, err
	}
	if t.unheld {
		return browser.Response{URL: final, Header: http.Header{}}, err
	}
	return browser.Response{URL: final, Status: p.status, Header: p.header}, err
}

func (t *fakeTab) Extract(ctx context.Context, expression string) (json.RawMessage, error) {
	if t.place.empty && t.unheld { // Chrome shows a page of its own instead
		return json.RawMessage(`{"p":0}`), ctx.Err()
	}
	if t.place.status != http.StatusOK {
		return json.RawMessage(fmt.Sprintf(`{"p":%d}`, t.place.status)), ctx.Err()
	}
	return t.Evaluate(ctx, expression)
}

func (t *fakeTab) Evaluate(ctx context.Context, expression string) (json.RawMessage, error) {
	if strings.HasPrefix(expression, challengeScript) {
		return json.RawMessage(`{"mark":"","began":1,"status":200}`), ctx.Err()
	}
	p := t.place
	records := [][]any{{p.title}}
	if p.missing {
		records = [][]any{{nil}}
	}
	links := [][]string{p.links, p.more}
	for i := range links {
		if links[i] == nil {
			links[i] = []string{}
		}
	}
	raw, err := json.Marshal(map[string]any{
		"w": nil, "t": p.title, "u": t.url, "b": t.url, "n": []int64{p.bytes, int64(p.status)},
		"i": []any{records}, "s": []any{}, "l": links, "c": []any{}, "e": []any{},
	})
	return raw, errors.Join(err, ctx.Err())
}

func (t *fakeTab) URL() string { return t.url }
func (t *fakeTab) Kept() bool  { return false }

func (t *fakeTab) Release(ctx context.Context, cause error) error {
	w := t.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tabs--
	w.released = append(w.released, cause)
	if t.host != "" {
		w.open[t.host]--
	}
	return ctx.Err()
}

func (t *fakeTab) Type(_ context.Context, css, text string) error {
	t.world.typed = append(t.world.typed, text)
	if css == "#none" {
		return fmt.Errorf("type %s into %s: %w", text, css, browser.ErrNoElement)
	}
	return nil
}

func (t *fakeTab) WaitFor(ctx context.Context, _ browser.Condition) error {
	<-ctx.Done() // what is waited for never comes
	return fmt.Errorf("wait: %w", ctx.Err())
}

func (t *fakeTab) EvaluateMain(ctx context.Context, _ string) (json.RawMessage, error) {
	return nil, &browser.ScriptError{Message: "it threw"}
}

func (t *fakeTab) Click(ctx context.Context, css string) error {
	return t.WaitFor(ctx, browser.Condition{})
}
func (t *fakeTab) Press(context.Context, string) error { return nil }
func (t *fakeTab) Select(ctx context.Context, css, value string) error {
	return t.Type(ctx, css, value)
}
func (t *fakeTab) ScrollEnd(context.Context) error { return nil }
func (t *fakeTab) Back(context.Context) error      { return nil }

// ledger is a Journal in memory that holds what the run promises.
type ledger struct {
	mu      sync.Mutex
	order   []string
	pages   map[string]PageResult
	queued  map[string]PageRef
	retries []string
	saveErr error
}

func newLedger() *ledger {
	return &ledger{pages: map[string]PageResult{}, queued: map[string]PageRef{}}
}

func (l *ledger) Queue(_ context.Context, pages []PageRef) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue(pages)
	return nil
}

func (l *ledger) queue(pages []PageRef) {
	for _, page := range pages {
		_, over := l.pages[page.Key]
		if _, known := l.queued[page.Key]; !known && !over {
			l.queued[page.Key] = page
			l.order = append(l.order, page.Key)
		}
	}
}

func (l *ledger) Save(_ context.Context, result PageResult) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.saveErr != nil {
		return l.saveErr
	}
	if _, over := l.pages[result.Key]; over {
		return fmt.Errorf("page %s is saved twice", result.Key)
	}
	if _, known := l.queued[result.Key]; !known {
		return fmt.Errorf("page %s was never queued", result.Key)
	}
	delete(l.queued, result.Key)
	l.pages[result.Key] = result
	l.queue(result.Found)
	return nil
}

// Linger changes nothing.
func (l *ledger) Linger(bool) {}

func (l *ledger) Retry(_ context.Context, page PageRef, class Class, _ string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.queued[page.Key]; !known {
		return fmt.Errorf("page %s is not queued", page.Key)
	}
	l.queued[page.Key] = page
	l.retries = append(l.retries, string(class))
	return nil
}

// state is what a run knows that goes on after this one.
func (l *ledger) state() State {
	var s State
	for _, key := range l.order {
		if page, ok := l.queued[key]; ok {
			s.Queued = append(s.Queued, page)
			continue
		}
		result := l.pages[key]
		s.Known = append(s.Known, key)
		if result.FinalURL != "" && result.FinalURL != key {
			s.Landed = append(s.Landed, result.FinalURL)
		}
		if result.State != PageSkipped {
			s.Visited++
		}
		s.Items += len(result.Items)
	}
	return s
}

func (l *ledger) titles() []string {
	var titles []string
	for _, page := range l.pages {
		for _, item := range page.Items {
			var data struct{ Name string }
			if json.Unmarshal(item.Data, &data) == nil {
				titles = append(titles, data.Name)
			}
		}
	}
	slices.Sort(titles)
	return titles
}

// fakeSite is a site whose pages the world's tabs can read. Nothing is limited but by
// what change sets.
func fakeSite(t testing.TB, change func(*sites.Site), start ...string) *sites.Site {
	t.Helper()
	site := sites.New("fake", start...)
	site.Limits.Rate = 0
	site.Limits.Tabs, site.Limits.PerHost = 1, 50
	site.Templates = []sites.Template{{
		Name: "page", Match: []sites.Pattern{"/**"},
		Items: []sites.ItemRule{{Fields: []sites.Field{{Name: "name", Source: sites.Source{CSS: "h1"}, Required: true}}}},
		Links: []sites.LinkRule{{Source: sites.Source{CSS: "a"}}, {Source: sites.Source{CSS: "a.more"}, Pagination: true}},
	}}
	if change != nil {
		change(site)
	}
	require.NoError(t, site.Complete())
	return site
}

// start makes a run of the site over the world.
func (w *world) start(t testing.TB, site *sites.Site, change func(*Options)) *run {
	t.Helper()
	options := Options{Site: site, RunID: "run", Tabs: w, Journal: newLedger(), Robots: w.robotsCache(RobotsOptions{})}
	if change != nil {
		change(&options)
	}
	r, err := newRun(options)
	require.NoError(t, err)
	r.lender = w
	return r
}

func (w *world) robotsCache(options RobotsOptions) *RobotsCache {
	options.Client = &http.Client{Transport: w}
	return NewRobotsCache(options)
}

func (r *run) ledger() *ledger { return r.options.Journal.(*ledger) }
