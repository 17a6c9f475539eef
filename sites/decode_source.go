package sites

import (
	"fmt"
	"strings"
)

// maxPageValues bounds the JSON values that are read from one page's texts.
const maxPageValues = 2 * maxJSONValues

// locate returns the values that a source holds, in order; none is null.
func (d *decoder) locate(l *locator, s scope, many bool) ([]*jsonValue, error) {
	switch l.origin {
	case fromDOM:
		return d.slot(l, s, many)
	case fromScope:
		return l.path.find(s.json), nil
	}
	if l.slot >= len(d.scripts) || d.scripts[l.slot].kind != jsonArray {
		return nil, errShape
	}
	var found []*jsonValue
	for _, root := range d.script(l.slot) {
		if l.origin == fromScript {
			found = append(found, l.path.find(root)...)
		}
	}
	if l.origin == fromLD {
		for _, object := range findLD(d.script(l.slot), l.ldType) {
			found = append(found, l.path.find(object)...)
		}
	}
	return found, nil
}

// slot returns what extract.js took for a field.
func (d *decoder) slot(l *locator, s scope, many bool) ([]*jsonValue, error) {
	if l.slot >= len(s.dom) {
		return nil, errShape
	}
	v := &s.dom[l.slot]
	var taken []*jsonValue
	switch {
	case v.kind == jsonNull:
		return nil, nil
	case !many:
		taken = []*jsonValue{v}
	case v.kind != jsonArray:
		return nil, errShape
	default:
		for i := range v.items {
			if v.items[i].kind != jsonNull {
				taken = append(taken, &v.items[i])
			}
		}
	}
	if !l.parse {
		return taken, nil
	}
	var found []*jsonValue
	for _, v := range taken {
		for _, root := range d.read(v.text) {
			found = append(found, l.path.find(root)...)
		}
	}
	return found, nil
}

// script returns the JSON values of the scripts that a selector matched.
func (d *decoder) script(slot int) []*jsonValue {
	if d.parsed[slot] == nil {
		d.parsed[slot] = []*jsonValue{}
		for i := range d.scripts[slot].items {
			d.parsed[slot] = append(d.parsed[slot], d.read(d.scripts[slot].items[i].text)...)
		}
	}
	return d.parsed[slot]
}

// read reads the JSON of one text. A text without any is a fault of the page, told
// once, since another text may hold what is needed.
func (d *decoder) read(text string) []*jsonValue {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	left := maxPageValues - d.values
	if left <= 0 {
		d.scriptFault(FaultTooLarge, fmt.Sprintf("the page has more than %d JSON values; the rest is not read", maxPageValues))
		return nil
	}
	roots, values, err := scriptJSON(text)
	d.values += values
	if err != nil {
		d.scriptFault(FaultInvalid, fmt.Sprintf("a script %q: %v", excerpt(text), err))
	}
	return roots
}

func (d *decoder) scriptFault(class, message string) {
	if !d.cut[message] {
		d.cut[message] = true
		d.fault("", "", class, message)
	}
}
