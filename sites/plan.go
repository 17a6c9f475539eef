package sites

import "fmt"

// origin is where a planned value comes from.
type origin uint8

const (
	fromDOM    origin = iota // a slot of what extract.js returned
	fromLD                   // the page's JSON-LD
	fromScript               // JSON in a script
	fromScope                // the JSON value around
	fromConst                // the site file
)

// locator finds raw values in a decoded page.
type locator struct {
	origin origin
	slot   int      // fromDOM: position in the record; fromScript: in the scripts
	ldType string   // fromLD
	path   jsonPath // goes down from there
	parse  bool     // fromDOM: the text is JSON, for path to go down into
}

// itemPlan is an ItemRule made ready.
type itemPlan struct {
	rule *ItemRule
	kind string
	// records finds JSON records; nil where the DOM's matches, or the document, are
	// the records.
	records *locator
	fields  []fieldPlan
	key     []int // positions in fields
}

// fieldPlan is a Field made ready.
type fieldPlan struct {
	locator
	name     string
	where    string // the field's name with those around it: offers.price
	constant string
	many     bool
	nested   []fieldPlan
	convert  conversion
	fallback *jsonValue
	required bool
}

// linkPlan is a LinkRule made ready.
type linkPlan struct {
	rule    *LinkRule
	locator // fromDOM: slot is the position among the page's links
}

// compiler collects what extract.js must find while it makes a template ready.
type compiler struct {
	site     *Site
	template *Template
	faults   []error

	selectors map[selectorUse]int
	uses      []selectorUse
	scripts   map[string]int

	itemSpecs       [][2]any
	linkSpecs       [][3]any
	scriptSelectors []int
}

func (c *compiler) fault(where, format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

// selector returns the position of a selector in the spec.
func (c *compiler) selector(where, text string, xpath bool) int {
	use := selectorUse{where: where, text: text, xpath: xpath}
	at, known := c.selectors[use]
	if !known {
		at = len(c.uses)
		c.selectors[use] = at
		c.uses = append(c.uses, use)
	}
	return at
}

// ldSelector matches the scripts that hold JSON-LD, with parameters or without.
const ldSelector = `script[type^="application/ld+json" i]`

func (c *compiler) script(where, css string) int {
	at, known := c.scripts[css]
	if !known {
		at = len(c.scriptSelectors)
		c.scripts[css] = at
		c.scriptSelectors = append(c.scriptSelectors, c.selector(where, css, false))
	}
	return at
}

// Ways of extract.js to take a value; in step with its constants.
const (
	takeText = iota
	takeRaw
	takeAttr
	takeHTML
	takeNested
)

// domScope is the record that DOM values are found in: the fields of its spec.
type domScope struct{ specs [][4]any }

func (d *domScope) add(selector int, many bool, take int, detail any) int {
	manyFlag := 0
	if many {
		manyFlag = 1
	}
	d.specs = append(d.specs, [4]any{selector, manyFlag, take, detail})
	return len(d.specs) - 1
}

func (d *domScope) spec() [][4]any {
	if d.specs == nil {
		return [][4]any{}
	}
	return d.specs
}

func (c *compiler) item(rule *ItemRule) itemPlan {
	plan := itemPlan{rule: rule, kind: rule.Name}
	if plan.kind == "" {
		plan.kind = c.template.Name
	}
	where := "item " + plan.kind
	scope := &domScope{}
	each := -1
	if source := rule.Each; source != nil {
		if c.sourceOf(source, false) == fromDOM && source.Path == "" && source.selects() {
			each = c.selector(where+", each", source.css(), source.XPath != "")
		} else {
			plan.records = c.locate(where+", each", source, scope, false, takeRaw)
		}
	}
	plan.fields = c.fields(where, "", rule.Fields, scope, plan.records != nil)
	for _, name := range rule.Key {
		at := -1
		for i := range plan.fields {
			if plan.fields[i].name == name {
				at = i
			}
		}
		if at < 0 {
			c.fault(where, "the key %q is none of the fields", name)
			continue
		}
		plan.key = append(plan.key, at)
	}
	c.itemSpecs = append(c.itemSpecs, [2]any{each, scope.spec()})
	return plan
}

// selects tells whether the source has a selector of its own in the DOM.
func (s *Source) selects() bool { return s.CSS != "" || s.XPath != "" }

func (s *Source) css() string {
	if s.XPath != "" {
		return s.XPath
	}
	return s.CSS
}

func (c *compiler) sourceOf(s *Source, inJSON bool) origin {
	switch {
	case s.JSONLD != "":
		return fromLD
	case s.JSON != "":
		return fromScript
	case inJSON && !s.selects():
		return fromScope
	default:
		return fromDOM
	}
}

// locate plans a source whose values are all taken: records, and links.
func (c *compiler) locate(where string, s *Source, scope *domScope, inJSON bool, take int) *locator {
	l := &locator{origin: c.sourceOf(s, inJSON)}
	c.locatePath(where, s, l)
	switch l.origin {
	case fromDOM:
		l.parse = true
		l.slot = scope.add(c.domSelector(where, s), true, take, nil)
	case fromLD:
		l.ldType = s.JSONLD
		l.slot = c.script(where, ldSelector)
	case fromScript:
		l.slot = c.script(where, s.JSON)
	}
	return l
}

func (c *compiler) locatePath(where string, s *Source, l *locator) {
	set := 0
	for _, one := range []string{s.CSS, s.XPath, s.JSONLD, s.JSON} {
		if one != "" {
			set++
		}
	}
	if set > 1 {
		c.fault(where, "more than one of css, xpath, json_ld and json is set")
	}
	var err error
	if l.path, err = parseJSONPath(s.Path); err != nil {
		c.fault(where, "%w", err)
	}
}

// domSelector is the position of the source's selector, -1 for the record itself.
func (c *compiler) domSelector(where string, s *Source) int {
	if !s.selects() {
		return -1
	}
	return c.selector(where, s.css(), s.XPath != "")
}
