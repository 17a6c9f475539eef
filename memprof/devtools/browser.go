package devtools

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

	"github.com/ebbworker/ebb/memprof"
)

// countOnce leaves out the tab that Chrome lists beside each page: without this filter a page
// counts twice. The browser itself is a target too.
var countOnce = target.Filter{
	{Type: "browser", Exclude: true},
	{Type: "tab", Exclude: true},
	{},
}

// counts is what a Chrome answered.
type counts struct {
	contexts               target.GetBrowserContextsResult
	targets                target.GetTargetsResult
	contextsErr, targetErr error
}

// chrome is one Chrome with what it answered.
type chrome struct {
	contexts []cdp.BrowserContextID // beside the default one
	infos    []*target.Info
	control  map[cdp.BrowserContextID]bool // those that are the control's alone
	isolates []isolate
	tooMany  error
	read     bool // targets and contexts are known
	readings []memprof.Reading
}

// readBrowser counts the targets and contexts of one Chrome, and reads its other isolates at
// LevelFull. A Chrome that is gone has none.
func (s *Source) readBrowser(ctx context.Context, q memprof.Request, b Browser, l *line, listed pagesOf) (c chrome) {
	subject := memprof.Subject{Browser: b.ID}
	answer, err := inquire(ctx, l, s.o.Patience, func(ctx context.Context) (c counts) {
		var wg sync.WaitGroup
		wg.Go(func() {
			c.contextsErr = l.call(ctx, target.CommandGetBrowserContexts, cdp.Empty{}, &c.contexts)
		})
		wg.Go(func() {
			c.targetErr = l.call(ctx, target.CommandGetTargets, target.GetTargetsParams{Filter: countOnce}, &c.targets)
		})
		wg.Wait()
		return c
	})
	if err == nil {
		err = decisive(answer.contextsErr, answer.targetErr)
	}
	if err != nil {
		c.add("context.*", subject, 0, err)
		if errors.Is(err, memprof.ErrGone) {
			c.add("context.count", subject, 0, nil)
		}
		return c
	}
	c.contexts, c.infos = answer.contexts.BrowserContextIDs, answer.targets.TargetInfos
	c.control = listed.contexts(c)
	c.add("context.count", subject, float64(len(c.contexts)-len(c.control)), answer.contextsErr)
	if answer.targetErr != nil {
		c.add("target.*", subject, 0, answer.targetErr)
		return c
	}
	c.read = answer.contextsErr == nil
	if isFull(q) && s.o.Attach != nil {
		c.infos = s.introduce(ctx, b, c.infos, listed.sessions)
		c.isolates, c.tooMany = s.readIsolates(ctx, b, c.infos, listed.ids)
	}
	c.readings = append(c.readings, s.targets(q, b, c.infos, listed)...)
	return c
}

func (c *chrome) add(metric string, subject memprof.Subject, value float64, err error) {
	c.readings = append(c.readings, memprof.Reading{Metric: metric, Subject: subject, Value: value, Err: err})
}

// pagesOf are the listed pages of one Chrome.
type pagesOf struct {
	ids, control map[target.ID]bool
	sessions     map[target.ID]cdp.Session
}

func pagesIn(browser string, targets []Target) pagesOf {
	p := pagesOf{ids: map[target.ID]bool{}, control: map[target.ID]bool{}, sessions: map[target.ID]cdp.Session{}}
	for _, t := range targets {
		if t.Browser == browser {
			id := target.ID(t.ID)
			p.ids[id], p.sessions[id] = true, t.Session
			if t.Control {
				p.control[id] = true
			}
		}
	}
	return p
}

// contexts returns the browser contexts, beside the default one, that the control is in.
func (p pagesOf) contexts(c chrome) map[cdp.BrowserContextID]bool {
	found := map[cdp.BrowserContextID]bool{}
	for _, info := range c.infos {
		if p.control[info.TargetID] && slices.Contains(c.contexts, info.BrowserContextID) {
			found[info.BrowserContextID] = true
		}
	}
	return found
}

// kind is the type of a target, or that of the control.
func (p pagesOf) kind(info *target.Info) string {
	if p.control[info.TargetID] {
		return memprof.ControlGroup
	}
	return info.Type
}

// decisive returns the error that speaks for all: that it is gone, or else that it came late.
func decisive(errs ...error) error {
	for _, all := range []error{memprof.ErrGone, memprof.ErrLate} {
		for _, err := range errs {
			if errors.Is(err, all) {
				return err
			}
		}
	}
	return nil
}

// targets counts the targets of a Chrome by type, and but for ticks lists them.
func (s *Source) targets(q memprof.Request, b Browser, infos []*target.Info, listed pagesOf) []memprof.Reading {
	numbers := map[string]int{"page": 0}
	for _, info := range infos {
		numbers[listed.kind(info)]++
	}
	var readings []memprof.Reading
	for _, kind := range slices.Sorted(maps.Keys(numbers)) {
		readings = append(readings, memprof.Reading{Metric: "target.count", Subject: memprof.Subject{Browser: b.ID, Kind: kind}, Value: float64(numbers[kind])})
	}
	if q.Tick {
		return readings
	}
	for _, info := range infos[:min(len(infos), s.o.MaxOpen)] {
		readings = append(readings, memprof.Reading{Metric: "target.open", Value: 1, Subject: memprof.Subject{
			Browser: b.ID, Kind: listed.kind(info), Target: string(info.TargetID),
			URL: shortURL(info.URL, s.o.MaxURL), Opener: string(info.OpenerID),
		}})
	}
	return readings
}

// shortURL drops what may be secret or endless: user information, query and fragment, the
// content of data: URLs, and what is beyond limit bytes.
func shortURL(raw string, limit int) string {
	if strings.HasPrefix(raw, "data:") {
		kind, _, _ := strings.Cut(raw, ",")
		raw = kind + ","
	} else if u, err := url.Parse(raw); err == nil {
		u.RawQuery, u.Fragment, u.RawFragment, u.User, u.ForceQuery = "", "", "", nil, false
		raw = u.String()
	} else if i := strings.IndexAny(raw, "?#"); i >= 0 {
		raw = raw[:i]
	}
	if len(raw) <= limit {
		return raw
	}
	return strings.ToValidUTF8(raw[:limit], "") + "..."
}
