package sites

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// checker looks for values that a site cannot have. It fills in the defaults between
// the checks of single values and those that compare values.
type checker struct {
	site   *Site
	faults Faults
	bad    map[string]bool // paths that could not be read: nothing more is said of them
	said   map[string]bool // paths that have a fault of this checker
}

func newChecker(site *Site, faults Faults, bad map[string]bool) *checker {
	return &checker{site: site, faults: faults, bad: bad, said: map[string]bool{}}
}

func (c *checker) check() {
	c.checkValues()
	c.site.fillDefaults()
	c.checkIdentity()
	c.checkTime()
	c.checkKeep()
	c.checkLimits()
	c.checkBlock()
	c.checkEgress()
	c.checkFollow()
	c.checkTemplates()
	if len(c.faults) == 0 {
		c.checkCompiles()
	}
}

// checkCompiles holds the checks to what will be done with the site.
func (c *checker) checkCompiles() {
	for i := range c.site.Templates {
		if _, err := c.site.Compile(&c.site.Templates[i]); err != nil {
			c.fault("templates["+strconv.Itoa(i)+"]", err.Error(), "")
		}
	}
	for i, start := range c.site.Start {
		if _, err := c.site.Canonical(start, nil); err != nil {
			c.fault("start["+strconv.Itoa(i)+"]", err.Error(), "")
		}
	}
}

// fault reports the value at the path, once, unless it could not be read.
func (c *checker) fault(path, message, hint string) {
	if c.said[path] || c.unread(path) {
		return
	}
	c.said[path] = true
	at := c.site.at.of(path)
	c.faults = append(c.faults, Fault{
		File: c.site.File, Line: at.line, Column: at.column,
		Path: path, Message: message, Hint: hint,
	})
}

// faultOf reports an error whose text may hold a hint after "; ".
func (c *checker) faultOf(path, value string, err error) {
	message, hint, _ := strings.Cut(err.Error(), "; ")
	c.fault(path, shown(value)+" "+message, hint)
}

// missing reports a key that a mapping must have, unless the mapping holds a key that
// could not be read and may have been meant.
func (c *checker) missing(path, key, hint string) {
	full := key
	if path != "" {
		full = path + "." + key
	}
	if c.unread(full) || c.said[full] || c.bad[path+badKey] {
		return
	}
	c.said[full] = true
	at := c.site.at.of(path)
	c.faults = append(c.faults, Fault{
		File: c.site.File, Line: at.line, Column: at.column,
		Path: full, Message: "is missing", Hint: hint,
	})
}

// unread says whether the value at the path, or one around it, could not be read.
func (c *checker) unread(path string) bool {
	for ; path != ""; path = parentPath(path) {
		if c.bad[path] {
			return true
		}
	}
	return c.bad[""]
}

// unreadBelow says whether anything at the path or within it could not be read.
func (c *checker) unreadBelow(path string) bool {
	for bad := range c.bad {
		if strings.HasPrefix(bad, path) {
			return true
		}
	}
	return c.unread(path)
}

// given says whether the file holds the value, or a site made in memory has it.
func (c *checker) given(path string, isSet bool) bool {
	if c.site.at == nil {
		return isSet
	}
	return c.site.at.given(path)
}

// visit is called for each value of a site with the name of its field, such as
// Limits.Pages.
type visit func(field string, value reflect.Value, path string)

// walk visits all values below a struct. Pointers that are nil are left out.
func walk(v reflect.Value, path string, see visit) {
	for _, key := range keysOf(v.Type()) {
		below := key.name
		if path != "" {
			below = path + "." + key.name
		}
		walkValue(key.owner.Name()+"."+key.typ.Name, v.FieldByIndex(key.index), below, see)
	}
}

func walkValue(field string, v reflect.Value, path string, see visit) {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
	case v.Kind() == reflect.Pointer:
		walkValue(field, v.Elem(), path, see)
	case v.Kind() == reflect.Struct:
		walk(v, path, see)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walkValue(field, v.Index(i), path+"["+strconv.Itoa(i)+"]", see)
		}
	default:
		see(field, v, path)
	}
}

// checkValues checks each value by itself: ranges, words of a fixed set, texts that
// are empty, and ${NAME} where it is not replaced.
func (c *checker) checkValues() {
	walk(reflect.ValueOf(c.site).Elem(), "", func(field string, v reflect.Value, path string) {
		if v.Kind() == reflect.Interface {
			c.checkNoEnv(path, v.Interface())
			return
		}
		if message := outOfRange(field, v.Interface()); message != "" && c.given(path, !v.IsZero()) {
			c.fault(path, message, "")
		}
		if v.Kind() == reflect.String {
			c.checkText(field, v, path)
		}
	})
}

// mayBeEmpty are the texts that may be given and empty.
var mayBeEmpty = []string{"Site.Description", "Input.Text", "Field.Const"}

// mayHoldDollar are the texts in which ${ stands for something: the texts of steps,
// and JavaScript with its own template literals.
var mayHoldDollar = []string{"Input.Text", "Wait.Function", "Step.Evaluate", "Site.Description"}

func (c *checker) checkText(field string, v reflect.Value, path string) {
	text := v.String()
	if words, ok := words[v.Type()]; ok {
		if (text != "" || c.given(path, false)) && !slices.Contains(words, text) {
			c.fault(path, shown(text)+" is not one of "+strings.Join(words, ", "), didYouMean(text, words))
		}
		return
	}
	if strings.TrimSpace(text) == "" && !slices.Contains(mayBeEmpty, field) && c.given(path, text != "") {
		c.fault(path, "is empty", "give a value, or remove the key")
		return
	}
	if !slices.Contains(mayHoldDollar, field) {
		c.checkNoEnv(path, text)
	}
}

// checkNoEnv reports ${NAME} where it would be taken as it stands.
func (c *checker) checkNoEnv(path string, value any) {
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "${") {
			c.fault(path, shown(value)+" holds ${, which is not replaced here", "environment variables stand only in the text of type and select steps")
		}
	case []any:
		for i, entry := range value {
			c.checkNoEnv(path+"["+strconv.Itoa(i)+"]", entry)
		}
	case map[string]any:
		for key, entry := range value {
			c.checkNoEnv(path+"."+key, entry)
		}
	}
}

// synonyms are words of other programs for words of a site file.
var synonyms = map[string]string{
	"string": string(TypeText), "str": string(TypeText), "float": string(TypeNumber), "decimal": string(TypeNumber),
	"datetime": string(TypeDate), "time": string(TypeDate), "link": string(TypeURL), "object": string(TypeJSON),
	"css": string(KindStylesheet), "style": string(KindStylesheet), "js": string(KindScript), "fetch": string(KindXHR),
	"video": string(KindMedia), "audio": string(KindMedia), "networkidle": string(WaitNetworkIdle),
	"domcontentloaded": string(WaitDOM), "off": string(RobotsIgnore), "session": string(IsolationContext),
}

func didYouMean(word string, words []string) string {
	near := synonyms[strings.ToLower(word)]
	if !slices.Contains(words, near) {
		near = nearest(word, words)
	}
	if near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// unique reports a name that stands twice in a list.
func (c *checker) unique(seen map[string]int, i int, path, name, what string) {
	if name == "" {
		return
	}
	if first, twice := seen[name]; twice {
		c.fault(path, fmt.Sprintf("%s %s is also the name of entry %d", what, shown(name), first+1), "give each a name of its own")
		return
	}
	seen[name] = i
}
