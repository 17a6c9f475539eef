package crawl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// Options say what Run visits and with what.
type Options struct {
	// Site is what to scrape, as sites.Load returned it. Needed.
	Site *sites.Site
	// RunID identifies the run; leases with the same RunID share what the site's
	// isolation lets them share. Needed.
	RunID string
	// Tabs lends the tabs. Needed.
	Tabs Tabs
	// Journal makes each step durable. Needed.
	Journal Journal
	// State is what an interrupted run knew. Default: none, a new run.
	State State
	// Hosts is the pace of the hosts, shared by the runs of a process. Default: one of
	// the run's own.
	Hosts *Hosts
	// Robots is the cache of robots.txt files, shared by the runs of a process.
	// Default: one of the run's own.
	Robots *RobotsCache
	// Agent is the product token by which robots.txt names this program; a site's
	// user_agent takes its place. Default: "Ebb".
	Agent string
	// Secret gives the value of ${NAME} in a step. Default: nil, there is none.
	Secret func(name string) (value string, ok bool)
	// Final says that nobody will go on with this run: pages that could not be visited
	// although nothing else went wrong are then given up instead of left for later.
	Final bool
	// OneTab visits one page at a time, since a page of the site was killed for want of memory not
	// long ago. Default: false, as many as the site allows until that happens.
	OneTab bool
	// Drain, once closed, makes the run take no new page; those that are open are
	// finished. Default: nil, never.
	Drain <-chan struct{}
	// Patience is how long the run waits, with nothing else to do, for a host that
	// asked to be left alone; for longer ones it ends with ErrAgain. Default: 5m.
	Patience time.Duration
	// HoldDocuments holds the answer of each page until its status, headers and redirects are known, also where
	// the host's pages before it were plain: for who must know of each redirect. Default: false.
	HoldDocuments bool
	// AfterPage is called after each page with its tab, before that is given back, and AfterRun after the
	// last one, before what the run had for itself is: for cleaning up. They may take their time, and
	// AfterPage is called from several goroutines. Default: nothing is cleaned up.
	AfterPage func(ctx context.Context, lease *browser.Lease)
	AfterRun  func(ctx context.Context, runID string)
	// Lease is what else is asked of each tab; what the site says takes its place. Default: nothing.
	Lease browser.LeaseOptions
	// On is told what happens, from one goroutine at a time; it should return soon.
	// Default: nobody is.
	On func(Event)
}

// Tabs lends tabs; *browser.Pool is one.
type Tabs interface {
	Acquire(ctx context.Context, options browser.LeaseOptions) (*browser.Lease, error)
	EndRun(ctx context.Context, run string) error
}

// Errors with which Run ends before every page has been visited. Its pages stay queued.
var (
	// ErrDrained says that Options.Drain was closed.
	ErrDrained = errors.New("the run was asked to stop")
	// ErrTimeout says that the site's timeout for a run passed.
	ErrTimeout = errors.New("the run's time limit passed")
	// ErrAgain says that the rest of the run should be tried later: a host asked to be
	// left alone for long, or no page could be visited for a reason that may pass.
	ErrAgain = errors.New("the rest of the run must be tried later")
	// ErrMemory says that the kernel killed a page for want of memory although it was the only one
	// of the run: trying again would end in the same way.
	ErrMemory = errors.New("a page needs more memory than there is")
	// ErrBrowser says that no tab could be had.
	ErrBrowser = errors.New("no tab can be had")
)

// runLimits are a site's limits with every default filled in.
type runLimits struct {
	pages, depth, retries, tabs int
	run, page, challenge, hang  time.Duration
	pageSize                    int64
	host                        HostLimits
}

func limitsOf(site *sites.Site) runLimits {
	l := site.Limits
	return runLimits{
		pages:     orDefault(l.Pages, 1000),
		depth:     deref(l.Depth, 10),
		retries:   deref(l.Retries, 2),
		tabs:      orDefault(l.Tabs, 2),
		run:       time.Duration(orDefault(site.Timeout, sites.Duration(30*time.Minute))),
		page:      time.Duration(orDefault(l.PageTimeout, sites.Duration(30*time.Second))),
		challenge: time.Duration(orDefault(site.Challenge.Limit, sites.Duration(30*time.Second))),
		hang:      time.Duration(orDefault(l.Hang, sites.Duration(time.Second))),
		pageSize:  int64(orDefault(l.PageSize, 20_000_000)),
		host: HostLimits{
			Rate: float64(l.Rate), Burst: orDefault(l.Burst, 1), Open: orDefault(l.PerHost, 2),
		},
	}
}

func orDefault[T int | sites.Duration | sites.Size](value, standard T) T {
	if value <= 0 {
		return standard
	}
	return value
}

func deref(value *int, standard int) int {
	if value == nil {
		return standard
	}
	return *value
}

// complete fills in the defaults and says what is missing.
func (o Options) complete() (Options, error) {
	switch {
	case o.Site == nil:
		return o, errors.New("run: no site")
	case o.Tabs == nil:
		return o, fmt.Errorf("run site %s: no tabs", o.Site.Name)
	case o.Journal == nil:
		return o, fmt.Errorf("run site %s: no journal", o.Site.Name)
	case o.RunID == "":
		return o, fmt.Errorf("run site %s: no run ID", o.Site.Name)
	}
	if o.Hosts == nil {
		o.Hosts = NewHosts(0)
	}
	if o.Robots == nil {
		o.Robots = NewRobotsCache(RobotsOptions{})
	}
	if o.Agent == "" {
		o.Agent = "Ebb"
	}
	if o.Site.UserAgent != "" {
		o.Agent = o.Site.UserAgent
	}
	if o.Secret == nil {
		o.Secret = func(string) (string, bool) { return "", false }
	}
	if o.Patience <= 0 {
		o.Patience = 5 * time.Minute
	}
	if o.On == nil {
		o.On = func(Event) {}
	}
	return o, nil
}
