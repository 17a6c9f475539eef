package sites

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

const maxFieldDepth = 8 // objects within objects

var (
	attributeForm = regexp.MustCompile(`^[^\s"'<>/=\x00-\x1f]+$`)
	constForm     = regexp.MustCompile(`\{[A-Za-z_]+\}`)
)

func (c *checker) checkFields(path string, fields []Field, inJSON bool, depth int) {
	if depth > maxFieldDepth {
		c.fault(path, fmt.Sprintf("objects stand more than %d deep", maxFieldDepth), "")
		return
	}
	seen := map[string]int{}
	for i := range fields {
		below := path + "[" + strconv.Itoa(i) + "]"
		f := &fields[i]
		c.checkName(below, f.Name, fieldNameForm, fieldNameHint)
		c.unique(seen, i, below+".name", f.Name, "the field's name")
		c.checkField(below, f, inJSON, depth)
	}
}

func (c *checker) checkField(path string, f *Field, inJSON bool, depth int) {
	if f.Const != "" || c.given(path+".const", false) {
		c.checkConst(path, f)
		return
	}
	c.checkSource(path, f.Source)
	if f.Required && f.Default != nil {
		c.fault(path+".default", "is never used, because the field is required", "remove default or required")
	}
	fromJSON := f.isJSON() || inJSON && f.CSS == "" && f.XPath == ""
	if fromJSON {
		c.excludes(path, "the value is JSON, not an element", []choice{{"attr", f.Attr != ""}, {"html", f.HTML}})
	}
	if len(f.Fields) > 0 || c.given(path+".fields", false) {
		c.checkObject(path, f, fromJSON || f.Path != "", depth)
		return
	}
	if f.HTML && f.Path != "" {
		c.fault(path+".html", "stands beside path, but HTML is not JSON", "keep one")
	}
	if f.Attr != "" && f.HTML {
		c.fault(path+".html", "stands beside attr, but a value is one of them", "keep one")
	}
	if f.Attr != "" && !attributeForm.MatchString(f.Attr) {
		c.fault(path+".attr", shown(f.Attr)+" is not an attribute", "write its name alone, such as href or data-id")
	}
	if f.Regex != "" {
		if err := checkRegex(f.Regex); err != nil {
			c.faultOf(path+".regex", f.Regex, err)
		}
	}
	c.checkForm(path, f)
	c.checkDefault(path, f)
}

// excludes reports keys that mean nothing here.
func (c *checker) excludes(path, why string, keys []choice) {
	for _, key := range keys {
		if key.set {
			c.fault(path+"."+key.key, "has no effect: "+why, "remove it")
		}
	}
}

// checkConst checks a field whose value is fixed.
func (c *checker) checkConst(path string, f *Field) {
	c.excludes(path, "const is the value", []choice{
		{"css", f.CSS != ""},
		{"xpath", f.XPath != ""},
		{"json_ld", f.JSONLD != ""},
		{"json", f.JSON != ""},
		{"path", f.Path != ""},
		{"attr", f.Attr != ""},
		{"html", f.HTML},
		{"many", f.Many},
		{"fields", len(f.Fields) > 0},
		{"regex", f.Regex != ""},
		{"default", f.Default != nil},
		{"required", f.Required},
	})
	for _, name := range constForm.FindAllString(f.Const, -1) {
		if name != "{url}" && name != "{title}" && name != "{now}" {
			c.fault(path+".const", shown(f.Const)+" holds "+name+", which stands for nothing", "known are {url}, {title} and {now}")
		}
	}
	c.checkForm(path, f)
}

// checkObject checks a field whose value is an object of fields.
func (c *checker) checkObject(path string, f *Field, inJSON bool, depth int) {
	if len(f.Fields) == 0 {
		c.absentList(path, "fields", "say what to take")
		return
	}
	c.excludes(path, "the value is an object of fields", []choice{
		{"attr", f.Attr != ""},
		{"html", f.HTML},
		{"type", f.Type != ""},
		{"locale", f.Locale != ""},
		{"layout", f.Layout != ""},
		{"timezone", f.Timezone != ""},
		{"regex", f.Regex != ""},
		{"default", f.Default != nil},
	})
	c.checkFields(path+".fields", f.Fields, inJSON, depth+1)
}

// checkForm checks how a text becomes a value: locale, layout and time zone.
func (c *checker) checkForm(path string, f *Field) {
	if c.said[path+".type"] || c.unread(path+".type") {
		return
	}
	_, localeFault := language.Parse(f.Locale)
	if f.Locale != "" && localeFault != nil {
		c.fault(path+".locale", shown(f.Locale)+" is not a language tag", "write one such as en, de or pt-BR")
	}
	if _, err := loadTimezone(f.Timezone); err != nil && f.Timezone != "" && f.Timezone != c.site.Timezone {
		c.fault(path+".timezone", shown(f.Timezone)+" is not a time zone", "write an IANA name such as Europe/Berlin, or UTC")
	}
	isNumber := f.Type == TypeNumber || f.Type == TypeInteger
	if f.Locale != "" && !isNumber && f.Type != TypeDate {
		c.fault(path+".locale", "has no effect: the type is "+string(f.Type), "write type: number or type: date")
	}
	switch {
	case f.Type != TypeDate:
		for _, key := range []choice{{"layout", f.Layout != ""}, {"timezone", f.Timezone != ""}} {
			if key.set {
				c.fault(path+"."+key.key, "has no effect: the type is "+string(f.Type), "write type: date")
			}
		}
	case f.Layout == "":
		c.missing(path, "layout", "a date needs one: iso8601, rfc2822, unix, or a Go layout such as 2 January 2006")
	case localeFault == nil:
		c.checkLayout(path, f)
	}
}

// layoutTokens are the tokens of other languages and what stands for them in Go.
var layoutTokens = strings.NewReplacer(
	"YYYY", "2006", "yyyy", "2006", "%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05",
	"%B", "January", "%b", "Jan", "%y", "06", "MMMM", "January", "MMM", "Jan", "MM", "01", "DD", "02", "dd", "02",
	"HH", "15", "hh", "03", "mm", "04", "ss", "05", "YY", "06", "yy", "06",
)

// checkLayout reports a layout that reads no date, and months without names.
func (c *checker) checkLayout(path string, f *Field) {
	if _, err := newDateFormat(f.Layout, f.Locale, defaultTimezone); err == nil {
		return
	}
	if _, err := newDateFormat(f.Layout, defaultLocale, defaultTimezone); err == nil {
		c.fault(path+".locale", "the names of months are not known in "+shown(f.Locale), "take the numbers of the date, or another locale")
		return
	}
	hint := "a Go layout writes 2006-01-02 15:04:05 the way the page does"
	if guess := layoutTokens.Replace(f.Layout); guess != f.Layout {
		hint += ": did you mean " + guess + "?"
	}
	c.fault(path+".layout", shown(f.Layout)+" does not hold year, month and day", hint)
}

// checkDefault compares a default with the field's type.
func (c *checker) checkDefault(path string, f *Field) {
	if f.Default == nil || f.Required {
		return
	}
	if c.said[path+".type"] || c.unread(path+".type") {
		return
	}
	path += ".default"
	values := []any{f.Default}
	if f.Many {
		list, ok := f.Default.([]any)
		if !ok {
			c.fault(path, "is not a list, but the field takes many values", "write [] or a list")
			return
		}
		values = list
	}
	for _, value := range values {
		if want := wrongDefault(f.Type, value); want != "" {
			c.fault(path, fmt.Sprintf("%s does not fit type %s", showAny(value), f.Type), "give "+want)
			return
		}
	}
}

// wrongDefault says what a default of the type would be; "" when the value is one.
func wrongDefault(t FieldType, value any) string {
	if value == nil || t == TypeJSON {
		return ""
	}
	want, fits := "a text", false
	switch t {
	case TypeNumber:
		want = "a number"
		switch value.(type) {
		case int64, int, float64:
			fits = true
		}
	case TypeInteger:
		want = "a whole number"
		switch value.(type) {
		case int64, int:
			fits = true
		}
	case TypeBoolean:
		want = "true or false"
		_, fits = value.(bool)
	default:
		_, fits = value.(string)
	}
	if fits {
		return ""
	}
	return want
}

func showAny(value any) string {
	switch value := value.(type) {
	case string:
		return shown(value)
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprint(value)
}
