package sites

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// extractJS is the program that every template runs; only its spec differs.
//
//go:embed extract.js
var extractJS string

// Bounds of what one page may return. Text is counted in UTF-16 units.
const (
	minPageText = 8 << 20    // least text of a page's items, whatever item_size
	maxPageText = 64 << 20   // most
	itemTexts   = 16         // times item_size, between the two
	maxLinkText = 4 << 20    // text of a page's links
	maxSteps    = 20_000_000 // nodes walked through for their text
)

// Program is a template made ready to run: what to evaluate in a page, and how to
// read what it returns. It is immutable and may be used by several goroutines.
type Program struct {
	// Expression is one JavaScript expression whose value is a promise. It is meant
	// to be evaluated once a page with awaitPromise and returnByValue, in an isolated
	// world of the main frame; Decode reads its value. Unless the template has steps
	// it first waits for the template's selector, load and dom waits.
	Expression string
	// PlainExpression is Expression for a page whose status nobody knows yet: where that is not 200 it does
	// not wait, and Decode returns a *StatusError. It is "" for a template with steps, or with anything in
	// Before.
	PlainExpression string
	// WaitExpression is an expression like Expression that only waits; DecodeWait
	// reads its value. It is "" unless the template has steps, which come between the
	// waits and the extraction.
	WaitExpression string
	// Before are the waits that a page cannot do by itself (function, network-idle):
	// the caller fulfils them before it evaluates either expression.
	Before []Wait

	site     *Site
	template *Template
	waits    []Wait // what the expressions wait for, in the order of the spec
	items    []itemPlan
	links    []linkPlan
	// selectors says of each selector where it stands and what it is.
	selectors []selectorUse
}

// selectorUse is a selector and where the site file has it.
type selectorUse struct {
	where, text string
	xpath       bool
}

// Compile makes a template ready to run. Nothing of the site becomes code: all of
// it goes into the expression as one JSON literal. The error names each field whose
// regular expression, path, locale, layout, time zone, default or source is wrong.
func (s *Site) Compile(t *Template) (*Program, error) {
	c := compiler{site: s, template: t, selectors: map[selectorUse]int{}, scripts: map[string]int{}}
	p := &Program{site: s, template: t}
	for i := range t.Items {
		p.items = append(p.items, c.item(&t.Items[i]))
	}
	for i := range t.Links {
		p.links = append(p.links, c.link(&t.Links[i], i))
	}
	if len(c.faults) > 0 {
		return nil, fmt.Errorf("compile template %q: %w", t.Name, errors.Join(c.faults...))
	}
	p.selectors = c.uses
	var inPage []Wait
	for _, w := range t.Wait {
		if w.Selector != "" || w.Event == WaitLoad || w.Event == WaitDOM {
			inPage = append(inPage, w)
		} else {
			p.Before = append(p.Before, w)
		}
	}
	if len(t.Wait) == 0 {
		inPage = []Wait{{Event: WaitDOM}}
	}
	p.waits = inPage
	extract := c.extractSpec()
	if len(t.Steps) == 0 {
		spec := pageSpec{Waits: s.waitSpecs(inPage), Extract: extract}
		p.Expression = expression(spec)
		if spec.Plain = true; len(p.Before) == 0 {
			p.PlainExpression = expression(spec)
		}
		return p, nil
	}
	p.WaitExpression = expression(pageSpec{Waits: s.waitSpecs(inPage)})
	p.Expression = expression(pageSpec{Waits: []waitSpec{}, Extract: extract})
	return p, nil
}

// CompileWait makes a single wait (of a step) ready to run: the program's
// WaitExpression and DecodeWait serve a selector, load or dom; any other wait is in
// Before, and then WaitExpression is "".
func (s *Site) CompileWait(w Wait) *Program {
	p := &Program{site: s, template: &Template{}}
	if w.Selector == "" && w.Event != WaitLoad && w.Event != WaitDOM {
		p.Before = []Wait{w}
		return p
	}
	p.waits = []Wait{w}
	p.WaitExpression = expression(pageSpec{Waits: s.waitSpecs(p.waits)})
	return p
}

// pageSpec is the one argument of extract.js.
type pageSpec struct {
	Waits   []waitSpec   `json:"w"`
	Extract *extractSpec `json:"x"`
	Plain   bool         `json:"p,omitempty"`
}

type waitSpec struct {
	Kind     string `json:"k"` // selector, load, dom
	Selector string `json:"s,omitempty"`
	Millis   int64  `json:"t"`
	Optional bool   `json:"o,omitempty"`
}

type extractSpec struct {
	Cap       int64    `json:"cap"`
	LinkCap   int64    `json:"linkCap"`
	Steps     int64    `json:"steps"`
	Spaces    string   `json:"spaces"` // white space, as unicode.IsSpace has it
	Breaks    []string `json:"breaks"` // elements that part words
	Selectors [][2]any `json:"selectors"`
	Items     [][2]any `json:"items"`   // [each, fields]
	Scripts   []int    `json:"scripts"` // selectors of JSON sources
	Links     [][3]any `json:"links"`   // [selector, attribute, limit]
}

// breakElements part the words before, in and after them.
var breakElements = strings.Fields(`address article aside blockquote br caption dd details dialog
	div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li
	main menu nav ol optgroup option p pre search section select summary table tbody td tfoot th
	thead tr ul`)

// spacePattern is the white space of unicode.IsSpace as a JavaScript class.
const spacePattern = `[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+`

func (c *compiler) extractSpec() *extractSpec {
	spec := &extractSpec{
		Cap:     min(max(itemTexts*int64(c.site.Limits.ItemSize), minPageText), maxPageText),
		LinkCap: maxLinkText,
		Steps:   maxSteps,
		Spaces:  spacePattern,
		Breaks:  breakElements,
		Items:   c.itemSpecs, Scripts: c.scriptSelectors, Links: c.linkSpecs,
	}
	for _, use := range c.uses {
		kind := 0
		if use.xpath {
			kind = 1
		}
		spec.Selectors = append(spec.Selectors, [2]any{kind, use.text})
	}
	return spec.filled()
}

// filled makes nil slices empty ones, which JSON writes as [].
func (s *extractSpec) filled() *extractSpec {
	if s.Selectors == nil {
		s.Selectors = [][2]any{}
	}
	if s.Items == nil {
		s.Items = [][2]any{}
	}
	if s.Scripts == nil {
		s.Scripts = []int{}
	}
	if s.Links == nil {
		s.Links = [][3]any{}
	}
	return s
}

func (s *Site) waitSpecs(waits []Wait) []waitSpec {
	specs := make([]waitSpec, len(waits))
	for i, w := range waits {
		specs[i] = waitSpec{Kind: "selector", Selector: w.Selector, Optional: w.Optional}
		if w.Selector == "" {
			specs[i].Kind = string(w.Event)
		}
		specs[i].Millis = min(s.waitLimit(w).Milliseconds(), 1<<31-1) // the most that setTimeout takes
	}
	return specs
}

// waitLimit is how long a wait may last: its own timeout, or else the page's.
func (s *Site) waitLimit(w Wait) time.Duration {
	switch {
	case w.Timeout > 0:
		return time.Duration(w.Timeout)
	case s.Limits.PageTimeout > 0:
		return time.Duration(s.Limits.PageTimeout)
	default:
		return 30 * time.Second
	}
}

// expression is extract.js called with spec. json.Marshal escapes <, >, &, U+2028
// and U+2029, so the literal can end neither a string nor a script.
func expression(spec pageSpec) string {
	literal, err := json.Marshal(spec)
	if err != nil { // a spec holds strings, numbers, booleans and slices of them
		panic(fmt.Sprintf("marshal the spec of a page: %v", err))
	}
	return "(" + strings.TrimSuffix(extractJS, "\n") + ")(" + string(literal) + ")"
}
