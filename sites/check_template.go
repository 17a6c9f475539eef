package sites

import (
	"fmt"
	"strconv"
)

const sourceHint = "give one of css, xpath, json_ld, json"

func (c *checker) checkTemplates() {
	templates := c.site.Templates
	if len(templates) == 0 {
		c.absentList("", "templates", "say what the pages are: give at least one template")
	}
	seen := map[string]int{}
	for i := range templates {
		path := "templates[" + strconv.Itoa(i) + "]"
		c.checkTemplate(path, &templates[i])
		c.unique(seen, i, path+".name", templates[i].Name, "the template's name")
	}
}

func (c *checker) checkTemplate(path string, t *Template) {
	c.checkName(path, t.Name, nameForm, nameHint)
	c.checkPatterns(path+".match", t.Match)
	for i := range t.Wait {
		c.checkWait(fmt.Sprintf("%s.wait[%d]", path, i), &t.Wait[i])
	}
	c.checkSteps(path+".steps", t.Steps)
	seen := map[string]int{}
	for i := range t.Items {
		below := fmt.Sprintf("%s.items[%d]", path, i)
		c.checkItem(below, t, &t.Items[i])
		c.unique(seen, i, below+".name", t.Items[i].Name, "the item's name")
	}
	for i := range t.Links {
		c.checkLink(fmt.Sprintf("%s.links[%d]", path, i), &t.Links[i])
	}
}

func (c *checker) checkWait(path string, w *Wait) {
	set := c.exactlyOne(path, "give one of selector, function, event", []choice{
		{"selector", w.Selector != ""}, {"function", w.Function != ""}, {"event", w.Event != ""},
	})
	if set == "selector" {
		c.checkCSS(path+".selector", w.Selector)
	}
	if w.Timeout > c.site.Limits.PageTimeout && c.given(path+".timeout", true) {
		c.fault(path+".timeout", fmt.Sprintf("%v is longer than the whole page may take, %v", w.Timeout, c.site.Limits.PageTimeout), "raise limits.page_timeout")
	}
}

// choice is one of several keys of which exactly one, or at most one, is set.
type choice struct {
	key string
	set bool
}

// exactlyOne reports none and more than one; it gives the key that is set first.
func (c *checker) exactlyOne(path, hint string, choices []choice) string {
	first := c.atMostOne(path, choices)
	if first == "" && !c.unreadBelow(path) && !c.saidBelow(path) {
		c.fault(path, "says nothing", hint)
	}
	return first
}

// atMostOne reports every key that is set beside the first, which it gives.
func (c *checker) atMostOne(path string, choices []choice) string {
	first := ""
	for _, one := range choices {
		switch {
		case !one.set:
		case first == "":
			first = one.key
		default:
			c.fault(path+"."+one.key, "stands beside "+first+", but only one of them can hold", "keep one, or write two entries")
		}
	}
	return first
}

// saidBelow says whether a value directly within the path has a fault already.
func (c *checker) saidBelow(path string) bool {
	for said := range c.said {
		if parentPath(said) == path {
			return true
		}
	}
	return false
}

func sourceChoices(s Source) []choice {
	return []choice{
		{"css", s.CSS != ""}, {"xpath", s.XPath != ""}, {"json_ld", s.JSONLD != ""}, {"json", s.JSON != ""},
	}
}

// checkSource checks selectors and paths. The path of a source that is not JSON goes
// down into the JSON that its text is.
func (c *checker) checkSource(path string, s Source) {
	c.atMostOne(path, sourceChoices(s))
	c.checkCSS(path+".css", s.CSS)
	c.checkCSS(path+".json", s.JSON)
	if s.XPath != "" {
		if err := checkXPath(s.XPath); err != nil {
			c.faultOf(path+".xpath", s.XPath, err)
		}
	}
	if s.Path == "" {
		return
	}
	if _, err := parseJSONPath(s.Path); err != nil {
		c.fault(path+".path", pathMessage(err), "write keys and indexes, such as offers[0].price or items[*].name")
	}
}

func (c *checker) checkCSS(path, selector string) {
	if selector == "" {
		return
	}
	if err := checkCSS(selector); err != nil {
		c.faultOf(path, selector, err)
	}
}

func pathMessage(err error) string { return "is not a JSON " + err.Error() }

func (c *checker) checkLink(path string, l *LinkRule) {
	c.exactlyOne(path, sourceHint, sourceChoices(l.Source))
	c.checkSource(path, l.Source)
	if l.isJSON() && l.Attr != "" {
		c.fault(path+".attr", "is an attribute of elements, but the source is JSON", "leave attr out; path says where the URL stands")
	}
	if l.Path != "" && !l.isJSON() {
		c.fault(path+".path", "goes down into JSON, but the link's source is an element", "give json_ld or json, or leave path out")
	}
	if l.Attr != "" && !attributeForm.MatchString(l.Attr) {
		c.fault(path+".attr", shown(l.Attr)+" is not an attribute", "write its name alone, such as href")
	}
	if l.Template == "" {
		return
	}
	names := make([]string, len(c.site.Templates))
	for i, t := range c.site.Templates {
		if names[i] = t.Name; t.Name == l.Template {
			return
		}
	}
	c.fault(path+".template", "there is no template "+shown(l.Template), didYouMean(l.Template, names))
}

func (c *checker) checkItem(path string, t *Template, item *ItemRule) {
	if item.Name != t.Name && item.Name != "" && !nameForm.MatchString(item.Name) {
		c.fault(path+".name", shown(item.Name)+" is not a name", nameHint)
	}
	inJSON := false
	if item.Each != nil {
		if set := c.atMostOne(path+".each", sourceChoices(*item.Each)); set == "" && item.Each.Path == "" {
			c.exactlyOne(path+".each", sourceHint+", path", nil)
		}
		c.checkSource(path+".each", *item.Each)
		inJSON = item.Each.isJSON() || item.Each.Path != ""
	}
	if len(item.Fields) == 0 {
		c.absentList(path, "fields", "say what to take")
	}
	c.checkFields(path+".fields", item.Fields, inJSON, 1)
	c.checkKey(path, item)
}

func (c *checker) checkKey(path string, item *ItemRule) {
	names := make([]string, len(item.Fields))
	for i, f := range item.Fields {
		names[i] = f.Name
	}
	seen := map[string]bool{}
	for i, key := range item.Key {
		below := fmt.Sprintf("%s.key[%d]", path, i)
		var field *Field
		for j := range item.Fields {
			if item.Fields[j].Name == key {
				field = &item.Fields[j]
			}
		}
		switch {
		case key == "":
		case seen[key]:
			c.fault(below, shown(key)+" stands here twice", "remove one")
		case field == nil && !c.unreadBelow(path+".fields"):
			c.fault(below, "there is no field "+shown(key), didYouMean(key, names))
		case field == nil:
		case field.Many:
			c.fault(below, shown(key)+" has many values", "a key field has one")
		case len(field.Fields) > 0:
			c.fault(below, shown(key)+" is an object", "name fields that hold one plain value")
		case field.Const != "" && field.Const != "{url}" && field.Const != "{title}":
			c.fault(below, shown(key)+" has the same value in every record", "name fields that tell records apart")
		}
		seen[key] = true
	}
}
