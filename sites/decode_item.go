package sites

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

var errShape = errors.New("a record is not what the expression returns")

// scope is where the fields of one record are looked for.
type scope struct {
	dom  []jsonValue // what extract.js took for the nearest element around
	json *jsonValue  // the nearest JSON value around; nil in the DOM
}

// item makes the items of one rule.
func (d *decoder) item(index int) error {
	plan := &d.program.items[index]
	records := &d.records[index]
	if records.kind != jsonArray {
		return errShape
	}
	seen := map[string]string{}
	for i := range records.items {
		record := &records.items[i]
		if record.kind != jsonArray {
			return errShape
		}
		if plan.records == nil {
			if err := d.record(plan, scope{dom: record.items}, seen); err != nil {
				return err
			}
			continue
		}
		found, err := d.locate(plan.records, scope{dom: record.items}, true)
		if err != nil {
			return err
		}
		for _, v := range spread(found, len(plan.records.path) > 0) {
			if err := d.record(plan, scope{dom: record.items, json: v}, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread makes of a single array its elements.
func spread(found []*jsonValue, deep bool) []*jsonValue {
	if len(found) != 1 && deep {
		return found
	}
	var spread []*jsonValue
	for _, v := range found {
		if v.kind != jsonArray {
			spread = append(spread, v)
			continue
		}
		for i := range v.items {
			if v.items[i].kind != jsonNull {
				spread = append(spread, &v.items[i])
			}
		}
	}
	return spread
}

// refusal is why a record is not taken.
type refusal struct{ field, class, message string }

func (r *refusal) Error() string { return r.message }

// record makes one item, or says why not.
func (d *decoder) record(plan *itemPlan, s scope, seen map[string]string) error {
	data, err := d.object(plan, plan.fields, s)
	var refused *refusal
	if errors.As(err, &refused) {
		d.fault(plan.kind, refused.field, refused.class, refused.message)
		return nil
	}
	if err != nil {
		return err
	}
	item := Item{Kind: plan.kind, Data: data.appendJSON(nil), Hash: data.hash()}
	if limit := int64(d.program.site.Limits.ItemSize); limit > 0 && int64(len(item.Data)) > limit {
		d.fault(plan.kind, "", FaultTooLarge, fmt.Sprintf("the item has %d bytes, item_size allows %d", len(item.Data), limit))
		return nil
	}
	if item.Key, err = d.key(plan, &data, item.Hash); err != nil {
		if errors.As(err, &refused) {
			d.fault(plan.kind, refused.field, refused.class, refused.message)
			return nil
		}
		return err
	}
	if hash, twice := seen[item.Key]; twice {
		if hash != item.Hash {
			d.fault(plan.kind, strings.Join(plan.rule.Key, ", "), FaultInvalid,
				fmt.Sprintf("two items of the page have the key %q but other content", excerpt(item.Key)))
		}
		return nil
	}
	seen[item.Key] = item.Hash
	d.extract.Items = append(d.extract.Items, item)
	return nil
}

// maxKeyBytes is the longest key that is kept as it is: an index of Postgres takes
// no entry above about 2,700 bytes.
const maxKeyBytes = 1024

var keyEscaper = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// key identifies an item: its key fields, joined by | (which is escaped in them as \|
// where there are several); without them the page's canonical URL; without them and
// with each the content's hash.
func (d *decoder) key(plan *itemPlan, data *jsonValue, hash string) (string, error) {
	if len(plan.key) == 0 {
		if plan.rule.Each != nil {
			return hash, nil
		}
		address, err := d.program.site.Canonical(d.page.URL, nil)
		return shortKey(address), err
	}
	parts := make([]string, len(plan.key))
	for i, at := range plan.key {
		v := &data.items[at]
		switch v.kind {
		case jsonNull:
			return "", &refusal{plan.fields[at].name, FaultMissing, "the key has no value"}
		case jsonString, jsonBool:
			parts[i] = v.text
		case jsonNumber:
			parts[i] = keyNumber(v.text)
		default:
			parts[i] = string(v.appendCanonical(nil))
		}
		if len(plan.key) > 1 {
			parts[i] = keyEscaper.Replace(parts[i])
		}
	}
	return shortKey(strings.Join(parts, "|")), nil
}

// shortKey cuts a long key and appends its SHA-256 instead of the rest.
func shortKey(key string) string {
	if len(key) <= maxKeyBytes {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	cut := maxKeyBytes - 2*len(sum) - 1
	for !utf8.RuneStart(key[cut]) {
		cut--
	}
	return key[:cut] + "#" + hex.EncodeToString(sum[:])
}

// object makes an object of fields; the error is a *refusal or of the result's shape.
func (d *decoder) object(plan *itemPlan, fields []fieldPlan, s scope) (jsonValue, error) {
	v := jsonValue{kind: jsonObject, keys: make([]string, len(fields)), items: make([]jsonValue, len(fields))}
	for i := range fields {
		var err error
		if v.items[i], err = d.field(plan, &fields[i], s); err != nil {
			return v, err
		}
		v.keys[i] = fields[i].name
	}
	return v, nil
}

// field makes the value of one field: null where there is none and none is needed.
func (d *decoder) field(plan *itemPlan, f *fieldPlan, s scope) (jsonValue, error) {
	found, err := d.find(f, s)
	if err != nil {
		return jsonValue{}, err
	}
	values := make([]jsonValue, 0, len(found))
	invalid := ""
	for _, one := range found {
		v, err := d.one(plan, f, s, one)
		var refused *refusal
		switch {
		case errors.As(err, &refused), errors.Is(err, errShape):
			return jsonValue{}, err
		case errors.Is(err, errNotFound):
		case err != nil:
			invalid = fmt.Sprintf("%q is no valid %s: %v", excerpt(sourceText(one)), f.convert.kind, err)
			if f.required {
				return jsonValue{}, &refusal{f.where, FaultInvalid, invalid}
			}
			d.fault(plan.kind, f.where, FaultInvalid, invalid)
		default:
			values = append(values, v)
		}
	}
	return f.result(values, invalid != "")
}

// result is the field's value of what was found and read.
func (f *fieldPlan) result(values []jsonValue, invalid bool) (jsonValue, error) {
	switch {
	case len(values) > 0 && f.many:
		return jsonValue{kind: jsonArray, items: values}, nil
	case len(values) > 0:
		return values[0], nil
	case f.fallback != nil && !invalid:
		return *f.fallback, nil
	case f.required:
		return jsonValue{}, &refusal{f.where, FaultMissing, "nothing was found for a required field"}
	case f.many:
		return jsonValue{kind: jsonArray}, nil
	case f.convert.kind == TypeBoolean && f.origin == fromDOM && !invalid && (f.convert.presence || f.convert.attr != ""):
		return boolValue(false), nil
	default:
		return jsonValue{}, nil
	}
}

// one makes one value of what was found.
func (d *decoder) one(plan *itemPlan, f *fieldPlan, s scope, found *jsonValue) (jsonValue, error) {
	if len(f.nested) == 0 {
		return f.convert.value(found, d.base)
	}
	if f.origin != fromDOM || f.parse {
		return d.object(plan, f.nested, scope{dom: s.dom, json: found})
	}
	if found.kind != jsonArray {
		return jsonValue{}, errShape
	}
	return d.object(plan, f.nested, scope{dom: found.items})
}

func sourceText(v *jsonValue) string {
	if v.kind == jsonArray || v.kind == jsonObject {
		return string(v.appendJSON(nil))
	}
	return v.text
}

// find returns what the field's source holds: without many at most the first.
func (d *decoder) find(f *fieldPlan, s scope) ([]*jsonValue, error) {
	if f.origin == fromConst {
		v := stringValue(d.constant(f.constant))
		return []*jsonValue{&v}, nil
	}
	found, err := d.locate(&f.locator, s, f.many)
	if err != nil {
		return nil, err
	}
	if f.many && (f.origin != fromDOM || f.parse) {
		found = spread(found, true)
	}
	if !f.many && len(found) > 1 {
		found = found[:1]
	}
	return found, nil
}

// canonical is the page's URL in its one canonical form: which link led to the page
// must not change its items.
func (d *decoder) canonical() string {
	address, err := d.program.site.Canonical(d.page.URL, nil)
	if err != nil {
		return d.page.URL
	}
	return address
}

// constant puts the page's own values into a const.
func (d *decoder) constant(text string) string {
	return strings.NewReplacer("{url}", d.canonical(), "{title}", d.extract.Title,
		"{now}", d.page.Now.UTC().Format(time.RFC3339)).Replace(text)
}

// link takes the links of one rule.
func (d *decoder) link(index int) error {
	plan := &d.program.links[index]
	if plan.origin != fromDOM {
		found, err := d.locate(&plan.locator, scope{}, true)
		if err != nil {
			return err
		}
		d.jsonLinks(plan, spread(found, true))
		return nil
	}
	if plan.slot >= len(d.links) || d.links[plan.slot].kind != jsonArray {
		return errors.New("it lacks a link rule of the template")
	}
	for i := range d.links[plan.slot].items {
		if v := &d.links[plan.slot].items[i]; v.kind == jsonString {
			d.addLink(plan, v.text)
		}
	}
	return nil
}

// jsonLinks makes the links of JSON absolute and leaves out those that are none.
func (d *decoder) jsonLinks(plan *linkPlan, found []*jsonValue) {
	seen := map[string]bool{}
	for _, v := range found {
		if v.kind != jsonString || len(v.text) > MaxURLBytes {
			continue
		}
		parts, err := splitURL(v.text).resolve(d.base)
		if err != nil {
			continue
		}
		parts.hasFragment = false
		address := parts.String()
		if u, err := url.Parse(address); err != nil || u.Host == "" || seen[address] {
			continue
		}
		if plan.rule.Limit > 0 && len(seen) >= plan.rule.Limit {
			return
		}
		seen[address] = true
		d.addLink(plan, address)
	}
}

func (d *decoder) addLink(plan *linkPlan, address string) {
	d.extract.Links = append(d.extract.Links,
		Link{URL: address, Template: plan.rule.Template, Pagination: plan.rule.Pagination})
}
