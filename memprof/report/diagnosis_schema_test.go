package report

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// TestDiagnosisSchemaIsCurrent: the schema is made of the types and their comments.
func TestDiagnosisSchemaIsCurrent(t *testing.T) {
	source := readSource(t)
	root := source.root(reflect.TypeFor[memprof.Diagnosis](), "A diagnosis of ebb", memprof.DiagnosisSchema)
	root.Properties["verdict"].Enum = source.values["Verdict"]
	requireSchema(t, "diagnosis.schema.json", root)
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
