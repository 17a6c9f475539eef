package devtools

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

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

// readBrowser counts the targets and contexts of one Chrome.
func (s *Source) readBrowser(ctx context.Context, q memprof.Request, b Browser) []memprof.Reading {
	subject := memprof.Subject{Browser: b.ID}
	var readings []memprof.Reading
	contexts, err := call(ctx, s.o.Timeout, b.Session, target.GetBrowserContexts, cdp.Empty{})
	readings = append(readings, memprof.Reading{Metric: "context.count", Subject: subject, Value: float64(len(contexts.BrowserContextIDs)), Err: err})
	targets, err := call(ctx, s.o.Timeout, b.Session, target.GetTargets, target.GetTargetsParams{Filter: countOnce})
	if err != nil {
		return append(readings, memprof.Reading{Metric: "target.*", Subject: subject, Err: err})
	}
	counts := map[string]int{"page": 0}
	for _, info := range targets.TargetInfos {
		counts[info.Type]++
	}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		readings = append(readings, memprof.Reading{Metric: "target.count", Subject: memprof.Subject{Browser: b.ID, Kind: kind}, Value: float64(counts[kind])})
	}
	if q.Tick {
		return readings
	}
	for _, info := range targets.TargetInfos[:min(len(targets.TargetInfos), s.o.MaxOpen)] {
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
