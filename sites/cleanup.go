package sites

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Cleanup says which cleanups are done, and when: after each page, run or cycle (one pass
// over the sites that a command names; in production that is the run), every so many of
// them, or not at all. They are done in the order of the keys. What each of them does is
// in `ebb cleanups`, what it gives back and costs is for `ebb experiment` to tell.
type Cleanup struct {
	// Cookies deletes the cookies of the origins that the run has touched. Default: off.
	Cookies When `yaml:"cookies,omitempty"`
	// LocalStorage empties localStorage. Default: off.
	LocalStorage When `yaml:"local-storage,omitempty"`
	// SessionStorage empties the sessionStorage of the pages that are open. Default: off.
	SessionStorage When `yaml:"session-storage,omitempty"`
	// IndexedDB deletes the databases. Default: off.
	IndexedDB When `yaml:"indexeddb,omitempty"`
	// ServiceWorkers stops service workers and unregisters them. Default: off.
	ServiceWorkers When `yaml:"service-workers,omitempty"`
	// CacheStorage deletes the caches that scripts fill. Default: off.
	CacheStorage When `yaml:"cache-storage,omitempty"`
	// HTTPCache empties the HTTP cache of the browser context. Default: off.
	HTTPCache When `yaml:"http-cache,omitempty"`
	// Storage deletes all that the origins have stored, cookies included. Default: off.
	Storage When `yaml:"storage,omitempty"`
	// ReleaseObjects lets go of console messages, remote objects and response bodies that
	// DevTools keeps. Default: off.
	ReleaseObjects When `yaml:"release-objects,omitempty"`
	// ClosePopups closes windows that pages have opened. Default: off; Chrome of ebb run
	// opens none.
	ClosePopups When `yaml:"close-popups,omitempty"`
	// Blank leaves the document, the back-forward cache and the history. Default: off; run
	// with isolation tab.
	Blank When `yaml:"blank,omitempty"`
	// GC collects garbage in the pages. Default: off.
	GC When `yaml:"gc,omitempty"`
	// MemoryPressure tells Chrome that memory is short. Default: off.
	MemoryPressure When `yaml:"memory-pressure,omitempty"`
	// RecreatePage closes the tab; the next page gets a new one. Default: off.
	RecreatePage When `yaml:"recreate-page,omitempty"`
	// RecreateContext disposes of the browser context; the next page gets a new one. A site
	// with isolation tab gets a context of its own for it. Default: off.
	RecreateContext When `yaml:"recreate-context,omitempty"`
	// RestartBrowser replaces Chrome once its last run has ended. Default: off.
	RestartBrowser When `yaml:"restart-browser,omitempty"`
	// GoGC collects garbage in Ebb itself and gives memory back to the system. Default: off.
	GoGC When `yaml:"go-gc,omitempty"`
	// Results drops what Ebb itself keeps between runs and can do without. Default: off.
	Results When `yaml:"results,omitempty"`
}

// When is how often a cleanup is done: page, run, cycle, "every 10 pages" (runs, cycles), or off.
// Empty, it is not said.
type When string

// The plain values of a When.
const (
	AfterPage  When = "page"
	AfterRun   When = "run"
	AfterCycle When = "cycle"
	Never      When = "off"
)

// whenPattern is the written form of a When; the JSON Schema uses it too.
const whenPattern = `^(off|page|run|cycle|every ([1-9][0-9]{0,6}) (page|run|cycle)s?)$`

var whenForm = regexp.MustCompile(whenPattern)

// UnmarshalText reads what stands for a When in a site file.
func (w *When) UnmarshalText(text []byte) error {
	written := strings.Join(strings.Fields(string(text)), " ")
	if written == "false" || written == "never" || written == "no" {
		return fmt.Errorf("%s is not a time for a cleanup; write off", shown(written))
	}
	if !whenForm.MatchString(written) {
		return fmt.Errorf("%s is not a time for a cleanup; write page, run, cycle, every 10 pages (runs, cycles), or off", shown(written))
	}
	*w = When(written)
	if after, every := w.After(); after != Never && every == 1 {
		*w = after
	}
	return nil
}

// After is page, run or cycle, and after how many of them the cleanup is done; off and 0 for
// a cleanup that is not.
func (w When) After() (after When, every int) {
	parts := whenForm.FindStringSubmatch(string(w))
	switch {
	case parts == nil || w == Never:
		return Never, 0
	case parts[2] == "":
		return w, 1
	}
	every, _ = strconv.Atoi(parts[2]) // as the form says
	return When(parts[3]), every
}

// CleanupRule is one cleanup and when it is done.
type CleanupRule struct {
	Name string
	When When
}

// Rules are the cleanups of which something is said, off included, in the order in which they
// are done.
func (c Cleanup) Rules() []CleanupRule {
	var rules []CleanupRule
	v := reflect.ValueOf(c)
	for _, key := range keysOf(v.Type()) {
		if when := When(v.FieldByIndex(key.index).String()); when != "" {
			rules = append(rules, CleanupRule{Name: key.name, When: when})
		}
	}
	return rules
}

// CleanupNames are the names of all cleanups, in the order in which they are done.
func CleanupNames() []string { return keyNames(keysOf(reflect.TypeFor[Cleanup]())) }

// Set says when a cleanup is done. An unknown name is an error.
func (c *Cleanup) Set(name string, when When) error {
	for _, key := range keysOf(reflect.TypeFor[Cleanup]()) {
		if key.name == name {
			reflect.ValueOf(c).Elem().FieldByIndex(key.index).SetString(string(when))
			return nil
		}
	}
	if near := nearest(name, CleanupNames()); near != "" {
		return fmt.Errorf("there is no cleanup %s; did you mean %s?", shown(name), near)
	}
	return fmt.Errorf("there is no cleanup %s; known are %s", shown(name), strings.Join(CleanupNames(), ", "))
}

// Cleanups are the cleanups of the site: its own, where it says nothing those of base (the
// configuration's), and else the defaults. The site is complete.
func (s *Site) Cleanups(base Cleanup) Cleanup {
	var standard Cleanup
	if s.Isolation == IsolationTab && s.Keep == KeepNone {
		standard.Blank = AfterRun
	}
	return s.Cleanup.Over(base.Over(standard))
}

// Over returns the cleanups of c where it says something, and those of base elsewhere.
func (c Cleanup) Over(base Cleanup) Cleanup {
	for _, rule := range c.Rules() {
		_ = base.Set(rule.Name, rule.When) // it has the name
	}
	return base
}

// ParseCleanup reads cleanups written as name=when each; a name alone is done after each run. It is an error to name one
// twice.
func ParseCleanup(written []string) (Cleanup, error) {
	var c Cleanup
	var errs []error
	seen := map[string]bool{}
	for _, text := range written {
		name, at, given := strings.Cut(text, "=")
		when := AfterRun
		var err error
		if given {
			err = when.UnmarshalText([]byte(at))
		}
		switch name = strings.TrimSpace(name); {
		case name == "":
			err = fmt.Errorf("%s does not name a cleanup", shown(text))
		case seen[name]:
			err = fmt.Errorf("%s is named twice", name)
		case err == nil:
			err = c.Set(name, when)
			seen[name] = err == nil
		}
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}
