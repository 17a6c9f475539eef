package devtools

import (
	"context"
	"errors"
	"sync"

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

// readIsolates reads the isolates of a Chrome that nobody has a session of. One that hangs is
// late, and is not asked again until its time is up.
func (s *Source) readIsolates(ctx context.Context, b Browser, infos []*target.Info, listed map[target.ID]bool) ([]isolate, error) {
	others, tooMany := strangers(infos, listed)
	lines := s.otherLines(b, others)
	isolates := make([]isolate, len(others))
	slots := make(chan struct{}, maxParallel)
	var wg sync.WaitGroup
	for n, info := range others {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			isolates[n] = s.readIsolate(ctx, b, info, lines[n])
		})
	}
	wg.Wait()
	return isolates, tooMany
}

func (s *Source) readIsolate(ctx context.Context, b Browser, info *target.Info, l *line) isolate {
	answer, err := inquire(ctx, l, s.o.Patience, func(ctx context.Context) (i isolate) {
		var idErr, heapErr error
		i.err = s.attached(ctx, b.ID, info.TargetID, func(c caller) {
			var wg sync.WaitGroup
			wg.Go(func() { idErr = c.call(ctx, runtime.CommandGetIsolateID, cdp.Empty{}, &i.id) })
			wg.Go(func() { heapErr = c.call(ctx, runtime.CommandGetHeapUsage, cdp.Empty{}, &i.heap) })
			wg.Wait()
		})
		for _, err := range []error{idErr, heapErr} {
			if i.err == nil {
				i.err = err
			}
		}
		return i
	})
	if err != nil {
		answer.err = err
	}
	answer.subject = memprof.Subject{
		Browser: b.ID, Kind: info.Type, Target: string(info.TargetID), URL: shortURL(info.URL, s.o.MaxURL),
		Opener: string(info.OpenerID), Isolate: answer.id.ID,
	}
	return answer
}

// readings returns those of isolates, each once: one that a page shares (a popup's is its
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

// otherLines returns the lines of targets of a Chrome, and ends those of its others.
func (s *Source) otherLines(b Browser, infos []*target.Info) []*line {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.others[b.ID]
	s.others[b.ID] = make(map[target.ID]*line, len(infos))
	lines := make([]*line, 0, len(infos))
	for _, info := range infos {
		l := old[info.TargetID]
		if l == nil {
			l = &line{caller: caller{isGone: s.o.IsGone}}
		}
		delete(old, info.TargetID)
		s.others[b.ID][info.TargetID] = l
		lines = append(lines, l)
	}
	for _, l := range old {
		l.hangUp()
	}
	return lines
}

// forget ends the lines, and forgets the origins, of Chromes that are no longer listed. The
// caller holds mu.
func (s *Source) forget(browsers []Browser) {
	listed := make(map[string]bool, len(browsers))
	for _, b := range browsers {
		listed[b.ID] = true
	}
	for id, lines := range s.others {
		if listed[id] {
			continue
		}
		for _, l := range lines {
			l.hangUp()
		}
		delete(s.others, id)
	}
	for key := range s.origins {
		if !listed[key.browser] {
			delete(s.origins, key)
		}
	}
}
