package devtools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"

	"github.com/ebbworker/ebb/memprof"
)

// Collected is what a Collect did.
type Collected struct {
	// Isolates is how many V8 isolates were collected, each once.
	Isolates int
	// Took is how long all of it took, and Costs how long the targets of each type took together,
	// some of them at once.
	Took  time.Duration
	Costs map[string]time.Duration
	// Faults are the targets that were not collected.
	Faults []Fault
}

// Fault is a target whose garbage was not collected.
type Fault struct {
	// Browser, Target, Kind (its type), URL and Site say which; a Chrome that did not tell its
	// targets has no Target.
	Browser, Target, Kind, URL, Site string
	// Err is why. It wraps memprof.ErrLate if the target did not answer in time, and
	// memprof.ErrGone if it is not there any more.
	Err error
}

// String says what was not collected, and why.
func (f Fault) String() string {
	return fmt.Sprintf("%s %s: %v", f.Kind, f.URL, f.Err)
}

// Gap is the fault as memprof.Recorder.Gap takes it.
func (f Fault) Gap() memprof.Gap {
	return memprof.Gap{
		Source: "devtools/collect", Metric: "collect",
		Subject: memprof.Subject{Browser: f.Browser, Kind: f.Kind, Target: f.Target, URL: f.URL, Site: f.Site},
		Error:   f.Err.Error(), Gone: errors.Is(f.Err, memprof.ErrGone), Late: errors.Is(f.Err, memprof.ErrLate), Count: 1,
	}
}

// Collect makes a reading trustworthy: what is not garbage then is held by something. In each page
// that is listed, and each other target with an isolate of its own, it collects the garbage of
// each isolate once: a second collection changes nothing (Chromium 156), and takes about 5 ms for
// each MB of live JavaScript heap. What the console keeps stays: a worker that does not drop it
// keeps it too (see DiscardConsole). This package and package browser hold no remote objects.
//
// All targets are collected at once, within Options.CollectTimeout. One that hangs, crashes or
// vanishes is a fault, and the rest is collected; a worker that was late is not asked again for
// half a minute.
func (s *Source) Collect(ctx context.Context) Collected { return s.collect(ctx, false) }

// DiscardConsole is Collect after every page and worker has dropped the messages of its console:
// V8 keeps the last 1,000 of them, with the objects that they name.
func (s *Source) DiscardConsole(ctx context.Context) Collected { return s.collect(ctx, true) }

func (s *Source) collect(ctx context.Context, discard bool) Collected {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.o.CollectTimeout)
	defer cancel()
	c := &collector{s: s, discard: discard, claimed: make(map[string]bool), slots: make(chan struct{}, maxParallel)}
	c.result.Costs = make(map[string]time.Duration)
	targets := s.o.Targets()
	var wg sync.WaitGroup
	for _, t := range targets {
		f := Fault{Browser: t.Browser, Target: t.ID, Kind: "page", URL: shortURL(t.URL, s.o.MaxURL), Site: t.site()}
		wg.Go(func() {
			c.one(f, func() (bool, error) {
				return c.collect(ctx, t.Browser, caller{session: t.Session, isGone: s.o.IsGone})
			})
		})
	}
	if s.o.Attach != nil {
		for _, b := range s.o.Browsers() {
			wg.Go(func() { c.others(ctx, b, pagesIn(b.ID, targets)) })
		}
	}
	wg.Wait()
	c.result.Took = time.Since(begin)
	return c.result
}

// collector is one Collect, under way.
type collector struct {
	s       *Source
	discard bool // the messages of consoles too
	slots   chan struct{}

	mu      sync.Mutex // guards what follows
	result  Collected
	claimed map[string]bool // isolates that were collected, or are about to be
}

// one collects a target and takes down what came of it.
func (c *collector) one(f Fault, collect func() (collected bool, err error)) {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	begin := time.Now()
	collected, err := collect()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result.Costs[f.Kind] += time.Since(begin)
	if collected {
		c.result.Isolates++
	}
	if err != nil {
		f.Err = err
		c.result.Faults = append(c.result.Faults, f)
	}
}

// others collects the isolates of a Chrome that nobody has a session of.
func (c *collector) others(ctx context.Context, b Browser, listed pagesOf) {
	ask := caller{session: b.Session, isGone: c.s.o.IsGone}
	var answer target.GetTargetsResult
	if err := ask.call(ctx, target.CommandGetTargets, target.GetTargetsParams{Filter: countOnce}, &answer); err != nil {
		c.one(Fault{Browser: b.ID, Kind: "browser"}, func() (bool, error) { return false, err })
		return
	}
	infos := c.s.introduce(ctx, b, answer.TargetInfos, listed.sessions)
	others, tooMany := strangers(infos, listed.ids)
	if tooMany != nil {
		c.one(Fault{Browser: b.ID, Kind: "browser"}, func() (bool, error) { return false, tooMany })
	}
	var wg sync.WaitGroup
	for _, info := range others {
		f := Fault{Browser: b.ID, Target: string(info.TargetID), Kind: info.Type, URL: shortURL(info.URL, c.s.o.MaxURL)}
		wg.Go(func() {
			c.one(f, func() (bool, error) { return c.other(ctx, b, info.TargetID) })
		})
	}
	wg.Wait()
}

// other collects a target through a session that lasts as long. One that was late, in a reading
// or here, is left alone for a while, so that it does not hold up each Collect.
func (c *collector) other(ctx context.Context, b Browser, id target.ID) (collected bool, err error) {
	key := lineKey{b.ID, string(id)}
	if c.s.isSilent(key) {
		return false, memprof.ErrLate
	}
	failed := c.s.attached(ctx, b.ID, id, func(ask caller) { collected, err = c.collect(ctx, b.ID, ask) })
	if err = cmp.Or(failed, err); errors.Is(err, memprof.ErrLate) {
		c.s.silence(key)
	}
	return collected, err
}

// collect collects the isolate of a target unless another target that shares it does.
func (c *collector) collect(ctx context.Context, browser string, ask caller) (bool, error) {
	if c.discard {
		if err := ask.call(ctx, runtime.CommandDiscardConsoleEntries, cdp.Empty{}, new(cdp.Empty)); err != nil {
			return false, err
		}
	}
	var isolate runtime.GetIsolateIDResult
	if err := ask.call(ctx, runtime.CommandGetIsolateID, cdp.Empty{}, &isolate); err != nil {
		return false, err
	}
	if !c.claim(browser + " " + isolate.ID) {
		return false, nil
	}
	if err := ask.call(ctx, heapprofiler.CommandCollectGarbage, cdp.Empty{}, new(cdp.Empty)); err != nil {
		return false, err
	}
	return true, nil
}

// claim tells whether nobody else collects an isolate.
func (c *collector) claim(isolate string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.claimed[isolate] {
		return false
	}
	c.claimed[isolate] = true
	return true
}
