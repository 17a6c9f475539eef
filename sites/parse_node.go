package sites

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	maxNodes = 100_000 // values read, each alias counted as often as it is used
	maxDepth = 50      // values within values
)

// position is a place in a site file, both from 1.
type position struct{ line, column int }

// positions says where each value stands, by path.
type positions map[string]position

// of gives the place of the value, or of the nearest one around it.
func (p positions) of(path string) position {
	for {
		if at, ok := p[path]; ok || path == "" {
			return at
		}
		path = parentPath(path)
	}
}

// given says whether the file holds the value.
func (p positions) given(path string) bool {
	_, ok := p[path]
	return ok
}

// parentPath drops the last key or index.
func parentPath(path string) string {
	cut := strings.LastIndexAny(path, ".[")
	return path[:max(cut, 0)]
}

// reader turns YAML nodes into the values of a Site. It reports what is wrong with the
// form of the text: unknown and duplicate keys and wrong types. It writes down where
// each value stands, for the checks that follow.
type reader struct {
	file   string
	at     positions
	bad    map[string]bool // paths that have a fault already
	faults Faults
	nodes  int
	open   map[*yaml.Node]bool // the values with an anchor that are being read
}

func newReader(file string) *reader {
	return &reader{file: file, at: positions{}, bad: map[string]bool{}, open: map[*yaml.Node]bool{}}
}

// target is a value to be filled in, with its path and how deep it lies.
type target struct {
	value reflect.Value
	path  string
	depth int
}

func (t target) field(value reflect.Value, key string) target {
	path := key
	if t.path != "" {
		path = t.path + "." + key
	}
	return target{value: value, path: path, depth: t.depth + 1}
}

func (t target) index(value reflect.Value, i int) target {
	return target{value: value, path: t.path + "[" + strconv.Itoa(i) + "]", depth: t.depth + 1}
}

func settable(pointer any) reflect.Value { return reflect.ValueOf(pointer).Elem() }

func (r *reader) fault(n *yaml.Node, path, message, hint string) {
	r.bad[path] = true
	r.faults = append(r.faults, Fault{
		File: r.file, Line: max(n.Line, 1), Column: max(n.Column, 1),
		Path: path, Message: message, Hint: hint,
	})
}

// read fills the target from the node.
func (r *reader) read(n *yaml.Node, t target) {
	r.nodes++
	if r.nodes > maxNodes || t.depth > maxDepth {
		if !r.bad[""] { // said once
			r.fault(n, t.path, "values are nested too deeply or repeated too often by aliases", "write them out")
			r.bad[""] = true
		}
		return
	}
	if n.Kind == yaml.AliasNode {
		if r.open[n.Alias] || n.Alias == nil {
			r.fault(n, t.path, fmt.Sprintf("alias *%s stands within what it names", n.Value), "write the value out")
			return
		}
		r.read(n.Alias, t)
		return
	}
	if n.Anchor != "" {
		r.open[n] = true
		defer delete(r.open, n)
	}
	r.at[t.path] = position{max(n.Line, 1), max(n.Column, 1)}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		r.readNull(n, t)
		return
	}
	if !strings.HasPrefix(n.ShortTag(), "!!") {
		r.fault(n, t.path, "tag "+shown(n.Tag)+" means nothing here", "remove it, or put a text that starts with ! in quotes")
		return
	}
	r.readValue(n, t)
}

func (r *reader) readNull(n *yaml.Node, t target) {
	if t.value.Kind() == reflect.Interface {
		return // default: null
	}
	r.fault(n, t.path, "has no value", "give one, or remove the key")
}

func (r *reader) readValue(n *yaml.Node, t target) {
	v := t.value
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		t.value = v.Elem()
		r.readValue(n, t)
		return
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		r.readText(n, t, text)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.readStruct(n, t)
	case reflect.Slice:
		r.readList(n, t)
	case reflect.String:
		if text, ok := r.scalar(n, t.path, "!!str", "a text"); ok {
			v.SetString(text)
		}
	case reflect.Bool:
		r.readBool(n, t)
	case reflect.Int:
		r.readInt(n, t)
	case reflect.Interface:
		r.readAny(n, t)
	default:
		panic("sites: no reader for " + v.Type().String())
	}
}

// scalar gives the text of a scalar that has the tag, or reports what stands instead.
func (r *reader) scalar(n *yaml.Node, path, tag, want string) (string, bool) {
	got := n.ShortTag()
	if n.Kind == yaml.ScalarNode && got == tag {
		return n.Value, true
	}
	hint := ""
	if n.Kind == yaml.ScalarNode && tag == "!!str" {
		hint = "put it in quotes: " + strconv.Quote(n.Value)
	}
	r.fault(n, path, "is "+kindOf(n)+", not "+want, hint)
	return "", false
}

// kindOf names what a node is, for messages.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "the text " + shown(n.Value)
	case "!!int", "!!float":
		return "the number " + oneLine(n.Value)
	case "!!bool":
		return oneLine(n.Value)
	case "!!timestamp":
		return "the date " + oneLine(n.Value)
	}
	return "a value of type " + strings.TrimPrefix(n.ShortTag(), "!!")
}

func (r *reader) readText(n *yaml.Node, t target, text encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode {
		r.fault(n, t.path, "is "+kindOf(n)+", not "+wantText(t.value.Type()), "")
		return
	}
	if err := text.UnmarshalText([]byte(n.Value)); err != nil {
		message, hint, _ := strings.Cut(err.Error(), "; ")
		r.fault(n, t.path, message, hint)
	}
}

func wantText(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "a duration such as 90s"
	case reflect.TypeFor[Size]():
		return "a size such as 20MB"
	case reflect.TypeFor[When]():
		return "page, run, cycle, every N pages (runs, cycles) or off"
	}
	return "a rate such as 2/s"
}

func (r *reader) readBool(n *yaml.Node, t target) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
		t.value.SetBool(strings.EqualFold(n.Value, "true"))
		return
	}
	r.fault(n, t.path, "is "+kindOf(n)+", not true or false", "")
}

func (r *reader) readInt(n *yaml.Node, t target) {
	number, err := strconv.ParseInt(n.Value, 10, 32)
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" && err == nil && plainNumber(n.Value) {
		t.value.SetInt(number)
		return
	}
	r.fault(n, t.path, "is "+kindOf(n)+", not a whole number", "write it in plain digits, at most 2147483647")
}

// plainNumber refuses the forms that different YAML versions read differently, such
// as 010 and 1_000.
func plainNumber(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return isDigits(digits) && (digits == "0" || digits[0] != '0')
}

// readAny reads a value that may be anything JSON can hold: the default of a field.
func (r *reader) readAny(n *yaml.Node, t target) {
	switch n.Kind {
	case yaml.MappingNode:
		r.readAnyMap(n, t)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, entry := range n.Content {
			r.read(entry, t.index(reflect.ValueOf(&list[i]).Elem(), i))
		}
		t.value.Set(reflect.ValueOf(list))
	default:
		if value, ok := r.anyScalar(n, t.path); ok {
			t.value.Set(reflect.ValueOf(value))
		}
	}
}

func (r *reader) readAnyMap(n *yaml.Node, t target) {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		name, ok := r.key(key, t.path)
		if !ok {
			continue
		}
		if _, twice := object[name]; twice {
			r.fault(key, t.path+"."+name, "the key stands here twice", "remove one")
			continue
		}
		var value any
		r.read(n.Content[i+1], t.field(reflect.ValueOf(&value).Elem(), name))
		object[name] = value
	}
	t.value.Set(reflect.ValueOf(object))
}

func (r *reader) anyScalar(n *yaml.Node, path string) (any, bool) {
	switch n.ShortTag() {
	case "!!str":
		return n.Value, true
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), true
	case "!!int":
		if number, err := strconv.ParseInt(n.Value, 10, 64); err == nil && plainNumber(n.Value) {
			return number, true
		}
	case "!!float":
		if number, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(number, 0) && !math.IsNaN(number) {
			return number, true
		}
	}
	r.fault(n, path, "is "+kindOf(n)+", which JSON cannot hold as it stands", "put a text in quotes, write a number in plain digits")
	return nil, false
}

// key gives the text of a mapping's key.
func (r *reader) key(n *yaml.Node, path string) (string, bool) {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	switch {
	case n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null":
		r.keyFault(n, path, "a key is not a text", "write key: value")
	case n.ShortTag() == "!!merge":
		r.keyFault(n, path, "merge keys (<<) are not supported", "write the keys out, or use an alias for a whole value")
	default:
		return n.Value, true
	}
	return "", false
}

// keyFault reports a key; the mapping's other keys are still checked, but what it
// lacks is not reported as missing.
func (r *reader) keyFault(n *yaml.Node, path, message, hint string) {
	was := r.bad[path]
	r.fault(n, path, message, hint)
	r.bad[path] = was
	r.bad[path+badKey] = true
}

// badKey marks a mapping of which a key could not be read.
const badKey = ".<<"
