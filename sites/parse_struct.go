package sites

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// keyField is one key of a mapping and the field of the struct that it fills.
type keyField struct {
	name  string
	index []int // for reflect.Value.FieldByIndex; a Source stands inline in its struct
	typ   reflect.StructField
	owner reflect.Type
}

// keysOf lists the keys of a struct in the order of its fields.
func keysOf(t reflect.Type) []keyField {
	var keys []keyField
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case options == "inline":
			for _, k := range keysOf(f.Type) {
				k.index = append([]int{i}, k.index...)
				keys = append(keys, k)
			}
		default:
			keys = append(keys, keyField{name: name, index: []int{i}, typ: f, owner: t})
		}
	}
	return keys
}

func keyNames(keys []keyField) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// readStruct reads a mapping, or the short form of it where the type has one.
func (r *reader) readStruct(n *yaml.Node, t target) {
	if n.Kind != yaml.MappingNode {
		r.readShort(n, t)
		return
	}
	keys := keysOf(t.value.Type())
	if t.value.Type() == reflect.TypeFor[Field]() && len(n.Content) == 2 && !slices.Contains(keyNames(keys), n.Content[0].Value) {
		r.fault(n.Content[0], t.path+".name", "unknown key "+shown(n.Content[0].Value),
			"a field in a list is {name: title, css: h1}; without the dashes, title: h1 is enough")
		return
	}
	r.readKeys(n, t, keys)
}

func (r *reader) readKeys(n *yaml.Node, t target, keys []keyField) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode, valueNode := n.Content[i], n.Content[i+1]
		name, ok := r.key(keyNode, t.path)
		if !ok {
			continue
		}
		at := slices.IndexFunc(keys, func(k keyField) bool { return k.name == name })
		if at < 0 {
			r.unknownKey(keyNode, name, t, keys)
			continue
		}
		if line, twice := seen[name]; twice {
			path := t.field(t.value, name).path
			r.fault(keyNode, path, "the key stands here twice", fmt.Sprintf("the first is on line %d; remove one", line))
			continue
		}
		seen[name] = keyNode.Line
		r.read(valueNode, t.field(t.value.FieldByIndex(keys[at].index), name))
	}
}

// unknownKey suggests the nearest key, which then counts as given: one slip, one fault.
func (r *reader) unknownKey(n *yaml.Node, name string, t target, keys []keyField) {
	hint := "known are " + strings.Join(keyNames(keys), ", ")
	if near := nearest(name, keyNames(keys)); near != "" {
		hint = "did you mean " + near + "?"
		r.bad[t.field(t.value, near).path] = true
	}
	if len(name) > 64 {
		r.keyFault(n, t.path, "unknown key "+shown(name), hint)
		return
	}
	r.fault(n, t.field(t.value, name).path, "unknown key "+shown(name), hint)
}

// shortForms says which key a plain text fills, where a mapping may be written short; a
// list too where the key takes one.
var shortForms = map[reflect.Type]string{
	reflect.TypeFor[Challenge](): "mode",
	reflect.TypeFor[Source]():    "css",
	reflect.TypeFor[LinkRule]():  "css",
	reflect.TypeFor[Wait]():      "event",
	reflect.TypeFor[Egress]():    "allow",
}

// readShort reads a plain text, or a list, that stands for a mapping with one key.
func (r *reader) readShort(n *yaml.Node, t target) {
	name, ok := shortForms[t.value.Type()]
	if !ok || n.Kind != yaml.ScalarNode && (n.Kind != yaml.SequenceNode || t.value.Type() != reflect.TypeFor[Egress]()) {
		want := "a mapping with " + strings.Join(keyNames(keysOf(t.value.Type())), ", ")
		r.fault(n, t.path, "is "+kindOf(n)+", not "+want, "")
		return
	}
	for _, k := range keysOf(t.value.Type()) {
		if k.name == name {
			r.read(n, t.field(t.value.FieldByIndex(k.index), name))
		}
	}
}

// readList reads a sequence; an entry that stands alone is a list of one. Fields may
// also be a mapping of names to fields.
func (r *reader) readList(n *yaml.Node, t target) {
	if t.value.Type() == reflect.TypeFor[[]Field]() && n.Kind == yaml.MappingNode {
		r.readNamedFields(n, t)
		return
	}
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	if r.nodes+len(entries) > maxNodes {
		r.fault(n, t.path, "the list is too long", "")
		return
	}
	list := reflect.MakeSlice(t.value.Type(), len(entries), len(entries))
	t.value.Set(list)
	for i, entry := range entries {
		r.read(entry, t.index(list.Index(i), i))
	}
}

// readNamedFields reads fields that are written as a mapping of names to fields or to
// CSS selectors.
func (r *reader) readNamedFields(n *yaml.Node, t target) {
	if looksLikeOneField(n) {
		r.fault(n, t.path, "is one field, not a list of fields", "put - before name, or write the field's name as the key: price: {css: .price}")
		return
	}
	keys := slices.DeleteFunc(keysOf(reflect.TypeFor[Field]()), func(k keyField) bool { return k.name == "name" })
	list := make([]Field, len(n.Content)/2)
	t.value.Set(reflect.ValueOf(list))
	for i := range list {
		keyNode, valueNode := n.Content[2*i], n.Content[2*i+1]
		field := t.index(reflect.ValueOf(&list[i]).Elem(), i)
		name, ok := r.key(keyNode, field.path)
		if !ok {
			continue
		}
		list[i].Name = name
		r.at[field.path+".name"] = position{max(keyNode.Line, 1), max(keyNode.Column, 1)}
		r.readNamedField(valueNode, field, keys)
	}
}

// looksLikeOneField tells {name: price, css: .price} from a mapping of names.
func looksLikeOneField(n *yaml.Node) bool {
	named, sourced := false, false
	for i := 0; i+1 < len(n.Content); i += 2 {
		scalar := n.Content[i+1].Kind == yaml.ScalarNode
		switch n.Content[i].Value {
		case "name":
			named = scalar
		case "css", "xpath", "json_ld", "const":
			sourced = sourced || scalar
		}
	}
	return named && sourced
}

func (r *reader) readNamedField(n *yaml.Node, t target, keys []keyField) {
	if n.Kind == yaml.AliasNode && n.Alias != nil && !r.open[n.Alias] {
		n = n.Alias
	}
	if n.Anchor != "" {
		r.open[n] = true
		defer delete(r.open, n)
	}
	if r.nodes++; n.Kind == yaml.MappingNode && r.nodes <= maxNodes && t.depth <= maxDepth {
		r.at[t.path] = position{max(n.Line, 1), max(n.Column, 1)}
		r.readKeys(n, t, keys)
		return
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		r.fault(n, t.path, "has no value", "give a CSS selector or a mapping")
		return
	}
	r.at[t.path] = position{max(n.Line, 1), max(n.Column, 1)}
	css := t.value.FieldByName("CSS")
	r.read(n, t.field(css, "css"))
}
