package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbworker/ebb/sites/hostile"
	"github.com/ebbworker/ebb/worker/crawl"
)

// hungLimit is within which a script that does not end is broken.
const hungLimit = 2 * time.Second

// pageFaults are the pages that behave badly, each in a Chrome of its own.
func pageFaults() []Fault {
	var list []Fault
	for _, p := range hostile.Pages() {
		if p.Name == "waiting" {
			continue // it is for what befalls Chrome
		}
		holds := "it fails with class " + p.Class
		switch {
		case p.Class == "":
			holds = "its item is taken"
		case p.Class == string(crawl.ClassHung):
			holds += fmt.Sprintf(", known within %s", hungLimit)
		}
		list = append(list, Fault{Name: p.Name, Does: p.Does, Holds: holds, run: func(ctx context.Context, s *scene) error { return s.badPage(ctx, p) }})
	}
	return list
}

// badPage runs the site of a page.
func (s *scene) badPage(ctx context.Context, p hostile.Page) error {
	site, _, err := s.site(p.Name, "")
	if err != nil {
		return err
	}
	if err := s.open(ctx, s.options.Launch); err != nil {
		return err
	}
	s.hostile.OnServed(p.Name, s.hurts)
	watch := s.watchMemory()
	run, err := s.work(ctx, site)
	s.note("Chrome's memory rose to %d MB", watch()>>20)
	if err != nil {
		return err
	}
	err = errors.Join(s.holdsItems(ctx, s.store, p.Names()), holdsOnce(ctx, s.store, run), s.holdsSlots(ctx))
	bad, found := s.page("/" + p.Name + "/bad")
	switch {
	case !found:
		err = errors.Join(err, fmt.Errorf("nothing is known of the page"))
	case string(bad.Class) != p.Class:
		err = errors.Join(err, fmt.Errorf("its class is %q, not %q: %s", bad.Class, p.Class, bad.Error))
	}
	if p.Class == string(crawl.ClassHung) {
		err = errors.Join(err, s.knownWithin(hungLimit))
	}
	return err
}

func (s *scene) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes != "" {
		s.notes += "; "
	}
	s.notes += fmt.Sprintf(format, args...)
}
