package sites

import (
	"fmt"
	"net/url"
)

// Warnings gives what is legal in a complete site but odd, in the order of the file: a
// template that nothing leads to, robots.txt ignored, no limit of rate, start URLs that
// the follow rules leave out, and settings that have no effect.
func (s *Site) Warnings() Faults {
	w := &warner{site: s}
	w.manners()
	w.schedule()
	w.templates()
	w.kept()
	return w.found.inOrder()
}

type warner struct {
	site  *Site
	found Faults
}

func (w *warner) add(path, message, hint string) {
	at := w.site.at.of(path)
	w.found = append(w.found, Fault{
		File: w.site.File, Line: at.line, Column: at.column,
		Path: path, Message: message, Hint: hint,
	})
}

// given is false for every value of a site made in memory, which has no text that
// could be put right.
func (w *warner) given(path string) bool { return w.site.at.given(path) }

// manners are about what the site's owner may expect.
func (w *warner) manners() {
	if w.site.Robots == RobotsIgnore {
		w.add("robots", "robots.txt is ignored", "make sure that the site's owner agrees")
	}
	if w.site.Limits.Rate == 0 {
		w.add("limits.rate", "pages are asked for without a limit of rate", "make sure that the host can bear it")
	}
	if w.site.Challenge.Mode == ChallengeFail && w.given("challenge.limit") {
		w.add("challenge.limit", "has no effect: a challenge page fails at once", "write mode: wait")
	}
	if w.given("limits.per_host") && w.site.Limits.PerHost > w.site.Limits.Tabs {
		w.add("limits.per_host", fmt.Sprintf("has no effect: the site opens at most %d pages", w.site.Limits.Tabs), "raise limits.tabs")
	}
	if w.given("limits.burst") && w.site.Limits.Rate == 0 {
		w.add("limits.burst", "has no effect: there is no limit of rate", "")
	}
	seen := map[string]bool{}
	for i, start := range w.site.Start {
		canonical, err := w.site.Canonical(start, nil)
		if u, parseErr := url.Parse(canonical); err == nil && parseErr == nil {
			if allowed, reason := w.site.MayFollow(u); !allowed {
				w.add(fmt.Sprintf("start[%d]", i), "the follow rules leave it out: "+reason, "allow it, so that links back to it are followed")
			}
		}
		if seen[start] {
			w.add(fmt.Sprintf("start[%d]", i), "stands here twice and is visited once", "remove one")
		}
		seen[start] = true
	}
}

func (w *warner) schedule() {
	if w.site.Schedule != "" {
		return
	}
	for _, key := range []string{"jitter", "overlap", "missed"} {
		if w.given(key) {
			w.add(key, "has no effect: the site has no schedule", "add schedule, for example @every 1h")
		}
	}
}

// templates looks for templates that no page can have, or that do nothing.
func (w *warner) templates() {
	named := map[string]bool{}
	for _, t := range w.site.Templates {
		for _, link := range t.Links {
			named[link.Template] = true
		}
	}
	for i, t := range w.site.Templates {
		path := fmt.Sprintf("templates[%d]", i)
		if i > 0 && len(t.Match) == 0 && !named[t.Name] {
			w.add(path+".name", "nothing leads to template "+shown(t.Name), "give it match, or name it in a link")
		}
		if len(t.Items) == 0 && len(t.Links) == 0 && len(t.Steps) == 0 {
			w.add(path+".name", "template "+shown(t.Name)+" takes nothing", "give it items, links or steps")
		}
		depth := w.site.Limits.Depth
		for j, link := range t.Links {
			if depth != nil && *depth == 0 && !link.Pagination {
				w.add(fmt.Sprintf("%s.links[%d]", path, j), "is never followed: limits.depth is 0", "")
			}
		}
	}
}

// kept is about documents that stay open.
func (w *warner) kept() {
	if w.site.Keep != KeepPage {
		return
	}
	steps := 0
	for i, t := range w.site.Templates {
		steps += len(t.Steps)
		for j, step := range t.Steps {
			if step.Goto != "" {
				w.add(fmt.Sprintf("templates[%d].steps[%d].goto", i, j), "may replace the document that keep: page leaves open", "click a link of the page instead")
			}
		}
	}
	if steps == 0 {
		w.add("keep", "the page stays open, but no step is repeated on it", "add steps")
	}
}
