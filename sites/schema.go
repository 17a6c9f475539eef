package sites

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// siteSource is where the schema's descriptions come from: the comments of the types
// are the one text about each key.
//
//go:embed site.go
var siteSource string

//go:embed cleanup.go
var cleanupSource string

// Schema gives the JSON Schema (draft 2020-12, indented) of a site file, for editors
// and other tools. It knows the short forms. Parse refuses more: what a schema cannot
// say, such as a schedule that never fires.
func Schema() ([]byte, error) {
	texts, err := commentsOf(siteSource, cleanupSource)
	if err != nil {
		return nil, fmt.Errorf("describe the schema of a site file: %w", err)
	}
	b := &schemaBuilder{texts: texts, defs: map[string]*jsonschema.Schema{}}
	root := b.object(reflect.TypeFor[Site](), nil)
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Ebb site file"
	root.Defs = b.defs
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of a site file: %w", err)
	}
	return append(data, '\n'), nil
}

// schemaBuilder makes a definition for each type that it meets.
type schemaBuilder struct {
	texts map[string]string // comments by Type and by Type.Field
	defs  map[string]*jsonschema.Schema
}

// requiredKeys are the keys that a mapping must have.
var requiredKeys = map[string][]string{
	"Site":     {"name", "start", "templates"},
	"Template": {"name"},
	"ItemRule": {"fields"},
	"Field":    {"name"},
	"Input":    {"into", "text"},
}

// oneOfKeys are the keys of which exactly one is given.
var oneOfKeys = map[string][]string{
	"Wait":     {"selector", "function", "event"},
	"Step":     {"click", "type", "press", "select", "scroll", "wait", "sleep", "evaluate", "back", "goto"},
	"LinkRule": sourceKeys,
}

// sourceKeys are the keys of a source that exclude each other.
var sourceKeys = []string{"css", "xpath", "json_ld", "json"}

// schemaPatterns are the forms of texts that have one.
var schemaPatterns = map[string]string{
	"Site.Name":     siteNamePattern,
	"Site.Start":    `^[hH][tT][tT][pP][sS]?://`,
	"Site.Schedule": `^(@|[^@=]+$)`,
	"Template.Name": namePattern,
	"ItemRule.Name": namePattern,
	"Field.Name":    fieldNamePattern,
	"Step.Scroll":   `^end$`,
}

// object describes a mapping with the keys of a struct but those left out.
func (b *schemaBuilder) object(t reflect.Type, leaveOut []string) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Description: b.texts[t.Name()],
		Properties:           map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, key := range keysOf(t) {
		if slices.Contains(leaveOut, key.name) {
			continue
		}
		field := key.owner.Name() + "." + key.typ.Name
		property := b.value(field, key.typ.Type)
		property.Description = b.texts[field]
		s.Properties[key.name] = property
		s.PropertyOrder = append(s.PropertyOrder, key.name)
	}
	for _, key := range requiredKeys[t.Name()] {
		if !slices.Contains(leaveOut, key) {
			s.Required = append(s.Required, key)
		}
	}
	for _, key := range oneOfKeys[t.Name()] {
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{key}})
	}
	switch t {
	case reflect.TypeFor[Field]():
		fieldRules(s)
	case reflect.TypeFor[Source]():
		s.MinProperties = jsonschema.Ptr(1)
		s.Not = &jsonschema.Schema{AnyOf: pairsOf(sourceKeys)}
	case reflect.TypeFor[Site]():
		s.If, s.Then = ifIs("keep", string(KeepPage)), &jsonschema.Schema{
			Properties: map[string]*jsonschema.Schema{"isolation": {Enum: []any{string(IsolationTab)}}},
		}
	}
	return s
}

// ifIs is met by a mapping in which the key has the value.
func ifIs(key string, value any) *jsonschema.Schema {
	return &jsonschema.Schema{
		Properties: map[string]*jsonschema.Schema{key: {Const: &value}},
		Required:   []string{key},
	}
}

// fieldRules say which keys of a field exclude each other, and that a date has a
// layout.
func fieldRules(s *jsonschema.Schema) {
	pairs := pairsOf(append([]string{"const"}, sourceKeys...))
	for _, pair := range [][]string{{"const", "fields"}, {"const", "regex"}, {"const", "attr"}, {"attr", "html"}} {
		pairs = append(pairs, &jsonschema.Schema{Required: pair})
	}
	s.Not = &jsonschema.Schema{AnyOf: pairs}
	s.If, s.Then = ifIs("type", string(TypeDate)), &jsonschema.Schema{Required: []string{"layout"}}
}

// pairsOf are met by mappings that have two of the keys.
func pairsOf(keys []string) []*jsonschema.Schema {
	var pairs []*jsonschema.Schema
	for i, key := range keys {
		for _, other := range keys[i+1:] {
			pairs = append(pairs, &jsonschema.Schema{Required: []string{key, other}})
		}
	}
	return pairs
}

// value describes one value.
func (b *schemaBuilder) value(field string, t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if words, ok := words[t]; ok {
		return enumOf(words)
	}
	switch t {
	case reflect.TypeFor[Duration]():
		s := &jsonschema.Schema{Type: "string", Pattern: durationPattern}
		if durationBounds[field].least == 0 { // a plain 0 needs no unit
			s.Type, s.Types = "", []string{"string", "integer"}
			s.Minimum, s.Maximum = jsonschema.Ptr(0.0), jsonschema.Ptr(0.0)
		}
		return s
	case reflect.TypeFor[Size]():
		return &jsonschema.Schema{Type: "string", Pattern: sizePattern}
	case reflect.TypeFor[Rate]():
		return &jsonschema.Schema{Type: "string", Pattern: ratePattern}
	case reflect.TypeFor[When]():
		return &jsonschema.Schema{Type: "string", Pattern: whenPattern}
	case reflect.TypeFor[[]Field]():
		return b.fields()
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.reference(t)
	case reflect.Slice:
		return b.oneOrMany(field, t.Elem())
	case reflect.String:
		return b.text(field)
	case reflect.Bool:
		if field == "Step.Back" {
			return &jsonschema.Schema{Const: jsonschema.Ptr[any](true)}
		}
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int:
		s := &jsonschema.Schema{Type: "integer"}
		if bounds, ok := intBounds[field]; ok {
			s.Minimum, s.Maximum = jsonschema.Ptr(float64(bounds.least)), jsonschema.Ptr(float64(bounds.most))
		}
		return s
	}
	return &jsonschema.Schema{} // a default may be anything
}

func enumOf(words []string) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, word := range words {
		s.Enum = append(s.Enum, word)
	}
	return s
}

// text describes a text: not blank, and without ${ where it is not replaced.
func (b *schemaBuilder) text(field string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string", Pattern: schemaPatterns[field]}
	if s.Pattern == "" && !slices.Contains(mayBeEmpty, field) {
		s.Pattern = `\S`
	}
	if !slices.Contains(mayHoldDollar, field) && schemaPatterns[field] == "" {
		s.Not = &jsonschema.Schema{Pattern: `\$\{`}
	}
	return s
}

// reference names the definition of a mapping, or allows its short form too.
func (b *schemaBuilder) reference(t reflect.Type) *jsonschema.Schema {
	ref := b.define(t.Name(), t, nil)
	key, short := shortForms[t]
	if !short {
		return ref
	}
	for _, k := range keysOf(t) {
		if k.name == key {
			text := b.value(k.owner.Name()+"."+k.typ.Name, k.typ.Type)
			return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, ref}}
		}
	}
	return ref
}

func (b *schemaBuilder) define(name string, t reflect.Type, leaveOut []string) *jsonschema.Schema {
	if _, known := b.defs[name]; !known {
		b.defs[name] = nil // a type may hold itself
		b.defs[name] = b.object(t, leaveOut)
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}
}

// oneOrMany describes a list, of which a single entry may stand alone.
func (b *schemaBuilder) oneOrMany(field string, element reflect.Type) *jsonschema.Schema {
	list := &jsonschema.Schema{Type: "array", Items: b.value(field, element)}
	if strings.HasPrefix(field, "Site.") {
		list.MinItems = jsonschema.Ptr(1)
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{b.value(field, element), list}}
}

// fields describes fields as a list, and as a mapping of names to fields or selectors.
func (b *schemaBuilder) fields() *jsonschema.Schema {
	named := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		b.text("Source.CSS"), b.define("NamedField", reflect.TypeFor[Field](), []string{"name"}),
	}}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "array", MinItems: jsonschema.Ptr(1), Items: b.define("Field", reflect.TypeFor[Field](), nil)},
		{
			Type: "object", MinProperties: jsonschema.Ptr(1),
			PropertyNames:        &jsonschema.Schema{Pattern: fieldNamePattern},
			AdditionalProperties: named,
		},
	}}
}
