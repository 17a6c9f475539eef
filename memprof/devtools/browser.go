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

// readBrowser counts the targets and contexts of one Chrome. One that is gone has none.
func (s *Source) readBrowser(ctx context.Context, q memprof.Request, b Browser, l *line) []memprof.Reading {
	subject := memprof.Subject{Browser: b.ID}
	c, err := inquire(ctx, l, s.o.Patience, func(ctx context.Context) (c counts) {
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
		err = decisive(c.contextsErr, c.targetErr)
	}
	if err != nil {
		readings := []memprof.Reading{{Metric: "context.*", Subject: subject, Err: err}}
		if errors.Is(err, memprof.ErrGone) {
			readings = append(readings, memprof.Reading{Metric: "context.count", Subject: subject})
		}
		return readings
	}
	readings := []memprof.Reading{{Metric: "context.count", Subject: subject, Value: float64(len(c.contexts.BrowserContextIDs)), Err: c.contextsErr}}
	if c.targetErr != nil {
		return append(readings, memprof.Reading{Metric: "target.*", Subject: subject, Err: c.targetErr})
	}
	return append(readings, s.targets(q, b, c.targets.TargetInfos)...)
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
func (s *Source) targets(q memprof.Request, b Browser, infos []*target.Info) []memprof.Reading {
	numbers := map[string]int{"page": 0}
	for _, info := range infos {
		numbers[info.Type]++
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
			Browser: b.ID, Kind: info.Type, Target: string(info.TargetID),
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
