package devtools

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"

	"github.com/ebbworker/ebb/memprof"
)

// maxOrigins is how many origins of one browser context are remembered, the newest.
const maxOrigins = 50

// maxQuestions is how many origins are asked about at once.
const maxQuestions = 8

var errNoPage = errors.New("no page of the browser context is open through which it could be asked")

// contextKey names a browser context.
type contextKey struct {
	browser string
	context cdp.BrowserContextID
}

// remember adds the origins that pages show now to those of their browser contexts, and forgets
// contexts that are gone. It returns the origins of each context of the Chrome.
func (s *Source) remember(b Browser, c chrome, pages []page) map[cdp.BrowserContextID][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	exists := map[cdp.BrowserContextID]bool{}
	for _, in := range c.contexts {
		exists[in] = true
	}
	in := make(map[target.ID]cdp.BrowserContextID, len(c.infos))
	for _, info := range c.infos {
		exists[info.BrowserContextID] = true
		in[info.TargetID] = info.BrowserContextID
		if info.Type == "iframe" && !c.control[info.BrowserContextID] {
			s.touch(contextKey{b.ID, info.BrowserContextID}, originOf(info.URL))
		}
	}
	for _, p := range pages {
		if context, ok := in[target.ID(p.t.ID)]; ok && p.t.Browser == b.ID && !c.control[context] {
			for _, k := range p.kept {
				s.touch(contextKey{b.ID, context}, k.origin)
			}
		}
	}
	all := make(map[cdp.BrowserContextID][]string)
	for key, origins := range s.origins {
		switch {
		case key.browser != b.ID:
		case !exists[key.context]:
			delete(s.origins, key)
		default:
			all[key.context] = slices.Clone(origins)
		}
	}
	return all
}

// touch makes an origin the newest of a browser context. The caller holds mu.
func (s *Source) touch(key contextKey, origin string) {
	if origin == "" {
		return
	}
	list := slices.DeleteFunc(s.origins[key], func(o string) bool { return o == origin })
	s.origins[key] = append(list[max(0, len(list)-maxOrigins+1):], origin)
}

// readStorage asks what each origin has stored, of all that pages have shown.
func (s *Source) readStorage(ctx context.Context, b Browser, c chrome, pages []page) []memprof.Reading {
	count := memprof.Reading{Metric: "storage.origins", Subject: memprof.Subject{Browser: b.ID}}
	var mu sync.Mutex
	var readings []memprof.Reading
	var wg sync.WaitGroup
	for in, origins := range s.remember(b, c, pages) {
		count.Value += float64(len(origins))
		wg.Go(func() {
			found := s.readContext(ctx, b, c, in, origins, pages)
			mu.Lock()
			defer mu.Unlock()
			readings = append(readings, found...)
		})
	}
	wg.Wait()
	return append(readings, count)
}

// readContext asks about the origins of one browser context, through any page of it.
func (s *Source) readContext(ctx context.Context, b Browser, c chrome, in cdp.BrowserContextID, origins []string, pages []page) (readings []memprof.Reading) {
	fail := func(err error) {
		readings = append(readings, memprof.Reading{Metric: "storage.bytes", Subject: memprof.Subject{Browser: b.ID}, Err: err})
	}
	var anyPage target.ID
	for _, info := range c.infos {
		if info.Type != "page" || info.BrowserContextID != in {
			continue
		}
		for _, p := range pages {
			if p.t.Browser == b.ID && p.t.ID == string(info.TargetID) && p.err == nil {
				return s.usages(ctx, b, caller{session: p.t.Session, isGone: s.o.IsGone}, origins)
			}
		}
		anyPage = info.TargetID
	}
	if anyPage == "" || s.o.Attach == nil {
		fail(errNoPage)
		return readings
	}
	if err := s.attached(ctx, b.ID, anyPage, func(ask caller) { readings = s.usages(ctx, b, ask, origins) }); err != nil {
		fail(err)
	}
	return readings
}

// usages asks about several origins. What an origin does not have makes no reading.
func (s *Source) usages(ctx context.Context, b Browser, ask caller, origins []string) []memprof.Reading {
	answers := make([][]memprof.Reading, len(origins))
	slots := make(chan struct{}, maxQuestions)
	var wg sync.WaitGroup
	for i, origin := range origins {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			subject := memprof.Subject{Browser: b.ID, URL: origin}
			var usage storage.GetUsageAndQuotaResult
			if err := ask.call(ctx, storage.CommandGetUsageAndQuota, storage.GetUsageAndQuotaParams{Origin: origin}, &usage); err != nil {
				answers[i] = []memprof.Reading{{Metric: "storage.bytes", Subject: subject, Err: err}}
				return
			}
			for _, u := range usage.UsageBreakdown {
				if u.Usage != 0 {
					subject.Kind = string(u.StorageType)
					answers[i] = append(answers[i], memprof.Reading{Metric: "storage.bytes", Subject: subject, Value: u.Usage})
				}
			}
		})
	}
	wg.Wait()
	return slices.Concat(answers...)
}
