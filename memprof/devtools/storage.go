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
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"

	"github.com/ebbworker/ebb/memprof"
)

// maxFrames bounds how many origins of one page are asked what they keep.
const maxFrames = 20

// kept is what one origin of a page keeps in it, in bytes; nil for what it may not have.
type kept struct {
	origin         string
	local, session *float64
}

// frameTree is what Page.getFrameTree answers. A frame of no origin of its own (about:blank, or
// one in a sandbox) says "://" or "null".
type frameTree struct {
	Frame struct {
		ID     cdp.FrameID `json:"id"`
		Origin string      `json:"securityOrigin"`
	} `json:"frame"`
	Children []frameTree `json:"childFrames"`
}

// frames lists the first frame of each origin, from the top.
func (t frameTree) frames() map[string]cdp.FrameID {
	found := make(map[string]cdp.FrameID)
	for level := []frameTree{t}; len(level) > 0 && len(found) < maxFrames; {
		var next []frameTree
		for _, f := range level {
			origin := f.Frame.Origin
			if _, ok := found[origin]; !ok && hasStorage(origin) && len(found) < maxFrames {
				found[origin] = f.Frame.ID
			}
			next = append(next, f.Children...)
		}
		level = next
	}
	return found
}

// hasStorage tells origins that can keep something.
func hasStorage(origin string) bool {
	return strings.HasPrefix(origin, "http://") || strings.HasPrefix(origin, "https://")
}

// originOf returns the origin of a URL, "" if it has none that can keep anything.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	if origin := u.Scheme + "://" + u.Host; hasStorage(origin) {
		return origin
	}
	return ""
}

// worldName is that of the isolated world in which browser evaluates, so that a document gets no
// second one for this.
const worldName = "ebb"

// keptScript adds up two bytes for each unit of UTF-16 in localStorage and sessionStorage; null
// where the document may not have one.
const keptScript = `(() => {
	const size = name => {
		try {
			const storage = window[name];
			let units = 0;
			for (let i = 0; i < storage.length; i++) {
				const key = storage.key(i);
				units += key.length + storage.getItem(key).length;
			}
			return 2 * units;
		} catch (e) {
			return null;
		}
	};
	return [size('localStorage'), size('sessionStorage')];
})()`

// askKept asks the origins of a page what they keep in it.
func (l *line) askKept(ctx context.Context, frames map[string]cdp.FrameID) ([]kept, error) {
	all := make([]kept, 0, len(frames))
	for _, origin := range slices.Sorted(maps.Keys(frames)) {
		var world cdppage.CreateIsolatedWorldResult
		err := l.call(ctx, cdppage.CommandCreateIsolatedWorld, cdppage.CreateIsolatedWorldParams{FrameID: frames[origin], WorldName: worldName}, &world)
		if err != nil {
			return nil, err
		}
		var answer struct {
			Result struct {
				Value []*float64 `json:"value"`
			} `json:"result"`
		}
		params := runtime.EvaluateParams{Expression: keptScript, ContextID: world.ExecutionContextID, ReturnByValue: new(true), Silent: new(true)}
		if err := l.call(ctx, runtime.CommandEvaluate, params, &answer); err != nil {
			return nil, err
		}
		sizes := answer.Result.Value
		if len(sizes) != 2 {
			return nil, errNotTold
		}
		all = append(all, kept{origin: origin, local: sizes[0], session: sizes[1]})
	}
	return all, nil
}

// readKept reads what a page keeps; nothing of one that has failed as a whole.
func (s *Source) readKept(ctx context.Context, p *page, f figures, l *line) {
	if p.t.Control {
		return
	}
	p.asked, p.keptErr = true, f.treeErr
	frames := f.tree.Top.frames()
	if p.keptErr != nil || len(frames) == 0 {
		return
	}
	type answer struct {
		kept []kept
		err  error
	}
	a, err := inquire(ctx, l, s.o.Patience, func(ctx context.Context) answer {
		kept, err := l.askKept(ctx, frames)
		return answer{kept, err}
	})
	if err == nil {
		err = a.err
	}
	p.kept, p.keptErr = a.kept, err
}

// keptReadings returns what pages keep. localStorage belongs to the origin, below the page's own,
// in a browser context: pages that share it count it once. Of an origin that no page shows there is no
// telling, and storage.shown is absent where none is shown; without any page there is no sessionStorage.
func (s *Source) keptReadings(pages []page, contexts map[lineKey]cdp.BrowserContextID) []memprof.Reading {
	count, shown := memprof.Reading{Metric: "storage.pages"}, memprof.Reading{Metric: "storage.shown"}
	var readings []memprof.Reading
	seen := make(map[[4]string]bool)
	for _, p := range pages {
		if !p.asked || errors.Is(p.keptErr, memprof.ErrGone) {
			continue
		}
		count.Value++
		subject := memprof.Subject{Browser: p.t.Browser, Target: p.t.ID, Site: p.t.Site}
		if p.keptErr != nil {
			for _, metric := range []string{"storage.local", "storage.session"} {
				readings = append(readings, memprof.Reading{Metric: metric, Subject: subject, Err: p.keptErr})
			}
			continue
		}
		for _, k := range p.kept {
			subject.URL = k.origin
			shown.Value++
			key := [4]string{p.t.Browser, string(contexts[lineKey{p.t.Browser, p.t.ID}]), originOf(p.t.URL), k.origin}
			if k.local != nil && !seen[key] {
				seen[key] = true
				readings = append(readings, memprof.Reading{Metric: "storage.local", Subject: subject, Value: *k.local})
			}
			if k.session != nil {
				readings = append(readings, memprof.Reading{Metric: "storage.session", Subject: subject, Value: *k.session})
			}
		}
	}
	if shown.Value > 0 {
		readings = append(readings, shown)
	}
	if count.Value == 0 {
		readings = append(readings, memprof.Reading{Metric: "storage.session"})
	}
	return append(readings, count)
}

// cookies counts the cookies of all browser contexts of a Chrome but the control's.
func (s *Source) cookies(ctx context.Context, b Browser, c chrome) []memprof.Reading {
	total := memprof.Reading{Metric: "storage.cookies", Subject: memprof.Subject{Browser: b.ID}}
	ask := caller{session: b.Session, isGone: s.o.IsGone}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, in := range append([]cdp.BrowserContextID{""}, c.contexts...) { // "" is the default one
		if c.control[in] {
			continue
		}
		wg.Go(func() {
			var jar struct {
				Cookies []struct{} `json:"cookies"`
			}
			err := ask.call(ctx, "Storage.getCookies", struct {
				In cdp.BrowserContextID `json:"browserContextId,omitempty"`
			}{in}, &jar)
			mu.Lock()
			defer mu.Unlock()
			total.Value += float64(len(jar.Cookies))
			if err != nil && !strings.Contains(err.Error(), "browser context") {
				total.Err = err // not of a context that was disposed of meanwhile
			}
		})
	}
	wg.Wait()
	return []memprof.Reading{total}
}
