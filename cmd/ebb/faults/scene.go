package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/hostile"
	"github.com/ebbworker/ebb/worker"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// sceneTabs is how many tabs a scene's pool lends.
const sceneTabs = 2

// scene is where one fault befalls a worker: a server, a database and a folder of its own, and what was
// seen.
type scene struct {
	options  Options
	folder   string // of this fault alone
	database string
	hostile  *hostile.Server
	web      *http.Server
	served   chan error
	base     string

	pool  *browser.Pool // nil until it is opened
	store *store.Store  // nil until it is opened

	mu        sync.Mutex    // owns what follows
	hurt      time.Time     // when the fault was brought about
	stalled   time.Duration // how long programs had waited for the processor by then
	known     time.Duration
	recovered time.Duration
	items     int
	wanted    int
	notes     string
	groups    map[int]bool               // the process groups of its Chromes
	pages     map[string]crawl.PageEvent // by URL
}

func newScene(o Options, name string) (*scene, error) {
	folder, err := os.MkdirTemp(o.Folder, name+"-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &scene{options: o, folder: folder, database: filepath.Join(folder, "home", "ebb.db"), hostile: hostile.New(), served: make(chan error, 1), pages: map[string]crawl.PageEvent{}, groups: map[int]bool{}}
	err = errors.Join(os.Chmod(folder, 0o755), os.Mkdir(s.temp(), 0o777), os.Chmod(s.temp(), 0o777|os.ModeSticky), os.Mkdir(s.home(), 0o755))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", name, err), os.RemoveAll(folder))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve the pages: %w", err), os.RemoveAll(folder))
	}
	s.base = "http://" + listener.Addr().String()
	s.web = &http.Server{Handler: s.hostile.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { s.served <- s.web.Serve(listener) }()
	return s, nil
}

// temp is the folder in which Chrome's own are made, home that of everything else.
func (s *scene) temp() string { return filepath.Join(s.folder, "temp") }
func (s *scene) home() string { return filepath.Join(s.folder, "home") }

// open opens the database and makes the pool.
func (s *scene) open(ctx context.Context, launch browser.LaunchOptions) (err error) {
	if s.store == nil {
		if s.store, err = store.Open(ctx, s.database); err != nil {
			return err
		}
	}
	launch.TempDir = s.temp()
	s.pool = browser.NewPool(browser.PoolOptions{Launch: launch, Tabs: sceneTabs})
	return nil
}

// site is the site of a hostile page, as its file says it.
func (s *scene) site(name, more string) (*sites.Site, hostile.Page, error) {
	p, ok := hostile.Find(name)
	if !ok {
		return nil, p, fmt.Errorf("there is no page %s", name)
	}
	site, err := sites.Parse(name+".yaml", p.SiteFile(s.base, more))
	return site, p, err
}

// quickRetries make a run that failed be tried again soon.
func quickRetries() map[crawl.Class]queue.Retry {
	retries := queue.DefaultRetries()
	for class, retry := range retries {
		retries[class] = queue.Retry{Tries: retry.Tries, First: 200 * time.Millisecond, Longest: time.Second}
	}
	return retries
}

// work runs a site once, as `ebb run --once` does.
func (s *scene) work(ctx context.Context, site *sites.Site) (store.Run, error) {
	w, err := worker.New(worker.Options{
		Sites: []*sites.Site{site}, Store: s.store, Pool: s.pool, Retries: quickRetries(),
		OnEvent: func(_ string, _ int64, e crawl.Event) { s.follow(e) },
	})
	if err != nil {
		return store.Run{}, err
	}
	runs, err := w.Once(ctx, site.Name)
	if err != nil || len(runs) == 0 {
		return store.Run{}, errors.Join(errors.New("the run did not come to an end"), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hurt.IsZero() {
		s.recovered = time.Since(s.hurt)
	}
	return runs[0], nil
}

// follow notes what became of each page, and when the fault was first known to a run.
func (s *scene) follow(e crawl.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case crawl.EventPage:
		s.pages[e.Page.URL] = e.Page
	case crawl.EventRetry:
	default:
		return
	}
	if s.known == 0 && !s.hurt.IsZero() && e.Page.Class != crawl.ClassNone {
		s.known, s.stalled = time.Since(s.hurt), stalled()-s.stalled
	}
}

// hurts notes that the fault is brought about now.
func (s *scene) hurts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurt, s.stalled = time.Now(), stalled()
}

// page is what became of the page at a path.
func (s *scene) page(path string) (crawl.PageEvent, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pages[s.base+path]
	return p, ok
}

// knownWithin holds a limit to how long the fault was unknown, beside the time for which somebody on
// this machine waited for the processor.
func (s *scene) knownWithin(limit time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.known == 0:
		return errors.New("nobody was told of it")
	case s.known > limit+s.stalled:
		return fmt.Errorf("it was known after %s; %s is the limit", s.known.Round(time.Millisecond), limit)
	}
	return nil
}

// tell writes down what was seen.
func (s *scene) tell(r *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.KnownMS, r.RecoveredMS = s.known.Seconds()*1000, s.recovered.Seconds()*1000
	r.Items, r.Wanted, r.Notes = s.items, s.wanted, s.notes
}

// stalled is for how long somebody on this machine has waited for the processor so far; 0 where the kernel
// does not tell.
func stalled() time.Duration {
	pressure, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	some, _, _ := strings.Cut(string(pressure), "\n")
	_, total, _ := strings.Cut(some, "total=")
	us, _ := strconv.ParseInt(total, 10, 64)
	return time.Duration(us) * time.Microsecond
}
