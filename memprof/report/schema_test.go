package report

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// requireSchema compares a schema with its file.
func requireSchema(t *testing.T, file string, schema *jsonschema.Schema) {
	t.Helper()
	data, err := json.MarshalIndent(schema, "", "  ")
	require.NoError(t, err)
	data = append(data, '\n')
	if *update {
		require.NoError(t, os.WriteFile(file, data, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(data), "write it again with -update")
}

// sourceText is what the files of package memprof say of its types.
type sourceText struct {
	types  map[string]string            // comments by type
	fields map[string]map[string]string // comments by type and field
	values map[string][]any             // constants by type
	defs   map[string]*jsonschema.Schema
}

func readSource(t *testing.T) *sourceText {
	t.Helper()
	s := &sourceText{types: map[string]string{}, fields: map[string]map[string]string{}, values: map[string][]any{}, defs: map[string]*jsonschema.Schema{}}
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			if group, ok := decl.(*ast.GenDecl); ok {
				s.read(group)
			}
		}
	}
	return s
}

func (s *sourceText) read(group *ast.GenDecl) {
	for _, spec := range group.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.types[spec.Name.Name] = oneLine(group.Doc)
			if body, ok := spec.Type.(*ast.StructType); ok {
				s.fields[spec.Name.Name] = fieldComments(body)
			}
		case *ast.ValueSpec:
			of, ok := spec.Type.(*ast.Ident)
			if !ok || len(spec.Values) == 0 {
				continue
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, _ := strconv.Unquote(literal.Value)
				s.values[of.Name] = append(s.values[of.Name], text)
			}
		}
	}
}

// fieldComments are the comments by field; one without its own has that of the fields above that
// names it.
func fieldComments(body *ast.StructType) map[string]string {
	comments := map[string]string{}
	above := ""
	for _, field := range body.Fields.List {
		own := oneLine(field.Doc)
		if own == "" {
			own = oneLine(field.Comment)
		}
		if own != "" {
			above = own
		}
		for _, name := range field.Names {
			if own != "" || slices.Contains(strings.FieldsFunc(above, func(r rune) bool { return strings.ContainsRune(" ,.;:()", r) }), name.Name) {
				comments[name.Name] = above
			}
		}
	}
	return comments
}

func oneLine(comment *ast.CommentGroup) string {
	if comment == nil {
		return ""
	}
	return strings.Join(strings.Fields(comment.Text()), " ")
}

// object is the schema of a struct.
func (s *sourceText) object(of reflect.Type) *jsonschema.Schema {
	schema := &jsonschema.Schema{Type: "object", Description: s.types[of.Name()], Properties: map[string]*jsonschema.Schema{}}
	s.properties(schema, of)
	return schema
}

// properties adds the fields of a struct to a schema. Those of an embedded struct are its own.
func (s *sourceText) properties(schema *jsonschema.Schema, of reflect.Type) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			s.properties(schema, field.Type)
			continue
		}
		if name == "-" {
			continue
		}
		property := s.schema(field.Type)
		property.Description = s.fields[of.Name()][field.Name]
		if field.Type == reflect.TypeFor[time.Duration]() {
			property.Description = strings.TrimSpace(property.Description + " In nanoseconds.")
		}
		schema.Properties[name] = property
		schema.PropertyOrder = append(schema.PropertyOrder, name)
		if options == "" {
			schema.Required = append(schema.Required, name)
		}
	}
}

// schema is the schema of a field's type.
func (s *sourceText) schema(of reflect.Type) *jsonschema.Schema {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch of {
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[memprof.Series]():
		return &jsonschema.Schema{Type: "string"} // metric/group
	case reflect.TypeFor[memprof.Shape](), reflect.TypeFor[memprof.Verdict](), reflect.TypeFor[memprof.Unit](),
		reflect.TypeFor[memprof.EffectVerdict](): // "": not judged
		return &jsonschema.Schema{Type: "string", Enum: append([]any{""}, s.values[of.Name()]...)}
	}
	switch of.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Float64:
		return &jsonschema.Schema{Types: []string{"number", "null"}}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: s.schema(of.Elem())}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: s.schema(of.Elem())}
	case reflect.Struct:
		if s.defs[of.Name()] == nil {
			s.defs[of.Name()] = &jsonschema.Schema{} // ends a recursion
			s.defs[of.Name()] = s.object(of)
		}
		return &jsonschema.Schema{Ref: "#/$defs/" + of.Name()}
	}
	return &jsonschema.Schema{Type: "string", Enum: s.values[of.Name()]}
}

// root is the schema of a whole file, whose format has a name.
func (s *sourceText) root(of reflect.Type, title string, format any) *jsonschema.Schema {
	root := s.object(of)
	root.Schema, root.Title, root.Defs = "https://json-schema.org/draft/2020-12/schema", title, s.defs
	root.Properties["schema"].Const = &format
	return root
}
