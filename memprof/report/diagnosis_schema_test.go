package report

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
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

const schemaFile = "diagnosis.schema.json"

// TestDiagnosisSchemaIsCurrent: the schema is made of the types and their comments.
func TestDiagnosisSchemaIsCurrent(t *testing.T) {
	source := readSource(t)
	root := source.object(reflect.TypeFor[memprof.Diagnosis]())
	root.Schema, root.Title, root.Defs = "https://json-schema.org/draft/2020-12/schema", "A diagnosis of ebb", source.defs
	var schemaName any = memprof.DiagnosisSchema
	root.Properties["schema"].Const = &schemaName
	root.Properties["verdict"].Enum = source.values["Verdict"]
	data, err := json.MarshalIndent(root, "", "  ")
	require.NoError(t, err)
	data = append(data, '\n')
	if *update {
		require.NoError(t, os.WriteFile(schemaFile, data, 0o644))
	}
	want, err := os.ReadFile(schemaFile)
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
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
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
	return schema
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
	case reflect.TypeFor[memprof.Shape](), reflect.TypeFor[memprof.Verdict](), reflect.TypeFor[memprof.Unit](): // "": not judged
		return &jsonschema.Schema{Type: "string", Enum: append([]any{""}, s.values[of.Name()]...)}
	}
	switch of.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
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

// TestDiagnosisJSONKeepsToTheSchema validates every fixture, and holds the schema to refusing
// what is none.
func TestDiagnosisJSONKeepsToTheSchema(t *testing.T) {
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(DiagnosisJSONSchema(), &schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	for _, name := range slices.Sorted(maps.Keys(fixtures())) {
		d, _ := fixtures()[name]()
		var value map[string]any
		require.NoError(t, json.Unmarshal(diagnosisJSON(t, d), &value))
		require.NoError(t, resolved.Validate(value), name)
		known := slices.Sorted(maps.Keys(schema.Properties))
		require.Subset(t, known, slices.Sorted(maps.Keys(value)))
		value["verdict"] = "fine"
		require.Error(t, resolved.Validate(value))
		delete(value, "verdict")
		require.Error(t, resolved.Validate(value))
	}
}

// TestDiagnosisPageNamesEverything: docs/diagnose.md explains each verdict, shape, cause and line.
func TestDiagnosisPageNamesEverything(t *testing.T) {
	data, err := os.ReadFile("../../docs/diagnose.md")
	require.NoError(t, err)
	text := string(data)
	source := readSource(t)
	for _, of := range []string{"Verdict", "Shape", "Cause"} {
		require.NotEmpty(t, source.values[of])
		for _, value := range source.values[of] {
			require.Contains(t, text, "`"+value.(string)+"`")
		}
	}
	d, _ := leaking(30)
	labels := []string{"rate", "what", "warning", "unmeasured", "next"}
	for _, a := range append(answers(d), evidence(d)...) {
		labels = append(labels, a.label)
	}
	for _, label := range labels {
		require.Regexp(t, `(?m)^\| ([a-z]+, )*`+label+`[ ,]`, text)
	}
	require.Contains(t, text, memprof.DiagnosisSchema)
}
