package devtools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

	"github.com/ebbworker/ebb/memprof"
)

// maxOthers bounds how many isolates beside those of the pages are read in each Chrome.
const maxOthers = 64

var errTooMany = fmt.Errorf("there are more than %d", maxOthers)

// hasIsolate names the types of targets that have a V8 isolate and can be attached to.
var hasIsolate = map[string]bool{
	"page": true, "iframe": true, "worker": true, "shared_worker": true, "service_worker": true,
}

// attached lets use work with a session of its own with a target, and ends the session. The error
// is that of attaching; one of a target that is not there any more wraps memprof.ErrGone.
func (s *Source) attached(ctx context.Context, browser string, id target.ID, use func(caller)) error {
	session, detach, err := s.o.Attach(ctx, browser, string(id))
	if err != nil {
		return s.classify(err)
	}
	defer detach()
	use(caller{session: session, isGone: s.o.IsGone})
	return nil
}

// classify adds what an error of a session means.
func (s *Source) classify(err error) error {
	var answer *cdproto.Error
	if errors.As(err, &answer) && strings.Contains(answer.Message, "No target with given id") {
		return fmt.Errorf("%w: %w", err, memprof.ErrGone)
	}
	return caller{isGone: s.o.IsGone}.classify(err)
}

// strangers returns the targets of a Chrome that have an isolate and are not listed pages; at most
// maxOthers, with errTooMany if there are more.
func strangers(infos []*target.Info, listed map[target.ID]bool) ([]*target.Info, error) {
	var others []*target.Info
	for _, info := range infos {
		if !hasIsolate[info.Type] || listed[info.TargetID] {
			continue
		}
		if len(others) == maxOthers {
			return others, errTooMany
		}
		others = append(others, info)
	}
	return others, nil
}

// introduce makes Chrome tell the parents of dedicated workers of them: until a session of the
// page (or worker) that started it has asked once for what it attaches to by itself, a worker can
// be attached to but answers nothing. Chrome does not know its URL either, which is what such a
// worker is told by. It then returns the targets anew.
func (s *Source) introduce(ctx context.Context, b Browser, infos []*target.Info, sessions map[target.ID]cdp.Session) []*target.Info {
	parents := make(map[target.ID]bool)
	for _, info := range infos {
		if info.Type == "worker" && info.URL == "" && info.ParentID != "" {
			parents[info.ParentID] = true
		}
	}
	if len(parents) == 0 {
		return infos
	}
	var wg sync.WaitGroup
	for id := range parents {
		wg.Go(func() {
			if session, ok := sessions[id]; ok {
				tellWorkers(ctx, caller{session: session, isGone: s.o.IsGone})
				return
			}
			_ = s.attached(ctx, b.ID, id, func(c caller) { tellWorkers(ctx, c) })
		})
	}
	wg.Wait()
	var again target.GetTargetsResult
	c := caller{session: b.Session, isGone: s.o.IsGone}
	if err := c.call(ctx, target.CommandGetTargets, target.GetTargetsParams{Filter: countOnce}, &again); err != nil {
		return infos // the workers will not answer, and say so
	}
	return again.TargetInfos
}

// tellWorkers attaches to the workers of a page without pausing them, and lets go of them. What
// fails shows where the workers are asked.
func tellWorkers(ctx context.Context, c caller) {
	params := target.SetAutoAttachParams{AutoAttach: true, Flatten: new(true), Filter: target.Filter{{Type: "worker"}}}
	if c.call(ctx, target.CommandSetAutoAttach, params, new(cdp.Empty)) == nil {
		params.AutoAttach = false
		_ = c.call(ctx, target.CommandSetAutoAttach, params, new(cdp.Empty))
	}
}
