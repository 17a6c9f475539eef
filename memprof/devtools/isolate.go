package devtools

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"

	"github.com/ebbworker/ebb/memprof"
)

// heapFigures is what Runtime.getHeapUsage answers, in bytes; an older Chrome does not tell all.
type heapFigures struct {
	Used     *float64 `json:"usedSize"`
	Total    *float64 `json:"totalSize"`
	Embedder *float64 `json:"embedderHeapUsedSize"`
	Backing  *float64 `json:"backingStorageSize"`
}

// isolate is one that is not that of a listed page, with its figures.
type isolate struct {
	subject memprof.Subject
	id      runtime.GetIsolateIDResult
	heap    heapFigures
	err     error
}

// readIsolates reads the isolates of a Chrome that nobody has a session of.
func (s *Source) readIsolates(ctx context.Context, b Browser, infos []*target.Info, listed map[target.ID]bool) ([]isolate, error) {
	others, tooMany := strangers(infos, listed)
	isolates := make([]isolate, len(others))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for n, info := range others {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			isolates[n] = s.readIsolate(ctx, b, info)
		})
	}
	wg.Wait()
	return isolates, tooMany
}

// readIsolate asks one isolate. The session lasts no longer than the reading: Chrome keeps a
// worker that has ended among its targets while anybody has a session of it. One that was late is
// not asked again for a while, so that it holds up one reading and not each.
func (s *Source) readIsolate(ctx context.Context, b Browser, info *target.Info) (i isolate) {
	i.subject = memprof.Subject{
		Browser: b.ID, Kind: info.Type, Target: string(info.TargetID), URL: shortURL(info.URL, s.o.MaxURL), Opener: string(info.OpenerID),
	}
	key := lineKey{b.ID, string(info.TargetID)}
	if s.isSilent(key) {
		i.err = memprof.ErrLate
		return i
	}
	var idErr, heapErr error
	err := s.attached(ctx, b.ID, info.TargetID, func(c caller) {
		var wg sync.WaitGroup
		wg.Go(func() { idErr = c.call(ctx, runtime.CommandGetIsolateID, cdp.Empty{}, &i.id) })
		wg.Go(func() { heapErr = c.call(ctx, runtime.CommandGetHeapUsage, cdp.Empty{}, &i.heap) })
		wg.Wait()
	})
	i.subject.Isolate = i.id.ID
	i.err = cmp.Or(err, decisive(idErr, heapErr), idErr, heapErr)
	if errors.Is(i.err, memprof.ErrLate) {
		s.silence(key)
	}
	return i
}

// isSilent tells whether a target was late lately.
func (s *Source) isSilent(key lineKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.silent[key])
}

// silence leaves a target alone for a while, and forgets those whose time is over.
func (s *Source) silence(key lineKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.silent, func(_ lineKey, until time.Time) bool { return now.After(until) })
	s.silent[key] = now.Add(giveUp)
}

// isolateReadings returns those of isolates, each once: one that a page shares (a popup's is its
// opener's) is among the page's figures. seen holds the isolates of pages.
func (s *Source) isolateReadings(b Browser, isolates []isolate, tooMany error, seen map[string]bool) []memprof.Reading {
	count := memprof.Reading{Metric: "isolate.read", Subject: memprof.Subject{Browser: b.ID}}
	var readings []memprof.Reading
	if tooMany != nil {
		readings = append(readings, memprof.Reading{Metric: "isolate.*", Subject: count.Subject, Err: tooMany})
	}
	for _, i := range isolates {
		if i.err != nil {
			readings = append(readings, memprof.Reading{Metric: "isolate.*", Subject: i.subject, Err: i.err})
			if !errors.Is(i.err, memprof.ErrGone) {
				count.Value++
			}
			continue
		}
		if seen[i.id.ID] {
			continue
		}
		seen[i.id.ID] = true
		count.Value++
		for _, f := range []struct {
			metric string
			value  *float64
		}{{"isolate.heap_used", i.heap.Used}, {"isolate.heap_embedder", i.heap.Embedder}, {"isolate.heap_backing", i.heap.Backing}} {
			r := memprof.Reading{Metric: f.metric, Subject: i.subject}
			if f.value == nil {
				r.Err = errNotTold
			} else {
				r.Value = *f.value
			}
			readings = append(readings, r)
		}
	}
	return append(readings, count)
}

// forget forgets the origins of Chromes that are no longer listed. The caller holds mu.
func (s *Source) forget(browsers []Browser) {
	listed := make(map[string]bool, len(browsers))
	for _, b := range browsers {
		listed[b.ID] = true
	}
	maps.DeleteFunc(s.origins, func(key contextKey, _ []string) bool { return !listed[key.browser] })
}
