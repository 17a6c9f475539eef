package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func experimentJSON(t *testing.T, e memprof.Experiment) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ExperimentJSON(&out, e))
	return out.Bytes()
}

func TestExperimentJSON(t *testing.T) {
	file(t, "experiment-three.json", experimentJSON(t, threeTried()))
	file(t, "experiment-nothing-ran.json", experimentJSON(t, nothingRan()))
	for name, make := range experiments() {
		require.Equal(t, string(experimentJSON(t, make())), string(experimentJSON(t, make())), name)
	}
}

// finite has a number where an outcome knows none.
func finite(e memprof.Experiment) memprof.Experiment {
	for i := range e.Answers {
		e.Answers[i].SavedPerMs = 1
	}
	e.Blocks[6].Cycles[4].Memory = 1
	return e
}

// A program that reads it back has the same outcome.
func TestExperimentJSONReadBack(t *testing.T) {
	e := finite(eightTried())
	text := experimentJSON(t, e)
	var back memprof.Experiment
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, string(text), string(experimentJSON(t, back)))
	require.Equal(t, e.Blocks, back.Blocks)
	require.Equal(t, e.Metrics, back.Metrics)
}

// It writes what encoding/json writes, where that can: the estimate of an effect is flat.
func TestExperimentJSONIsJSON(t *testing.T) {
	e := finite(threeTried())
	e.Schema = memprof.ExperimentSchema
	want, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(experimentJSON(t, e)))
}

// What is not known is null, and lists without entries are lists.
func TestExperimentJSONOfWhatIsUnknown(t *testing.T) {
	text := string(experimentJSON(t, nothingRan()))
	for _, part := range []string{
		`"schema": "ebb.experiment/1"`, `"mb_saved_per_ms": null`, `"p": null`, `"arms": []`, `"blocks": []`, `"metrics": []`,
		`"cleanups": []`, `"rules": []`, `"seed": 20260131`,
	} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "NaN")
	require.NotContains(t, string(experimentJSON(t, memprof.Experiment{})), ": null")
}

func TestExperimentJSONReturnsTheWritersError(t *testing.T) {
	require.EqualError(t, ExperimentJSON(broken{}, memprof.Experiment{}), "write the experiment: pipe closed")
}

// TestExperimentSchemaIsCurrent: the schema is made of the types and their comments.
func TestExperimentSchemaIsCurrent(t *testing.T) {
	source := readSource(t)
	requireSchema(t, "experiment.schema.json", source.root(reflect.TypeFor[memprof.Experiment](), "The outcome of an experiment of ebb", memprof.ExperimentSchema))
}

// TestExperimentJSONKeepsToTheSchema validates every fixture, and holds the schema to refusing
// what is none.
func TestExperimentJSONKeepsToTheSchema(t *testing.T) {
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(ExperimentJSONSchema(), &schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	require.Contains(t, schema.Defs["Effect"].Required, "known", "an effect's estimate is flat")
	for name, make := range experiments() {
		var value map[string]any
		require.NoError(t, json.Unmarshal(experimentJSON(t, make()), &value))
		require.NoError(t, resolved.Validate(value), name)
		require.Subset(t, slices.Sorted(maps.Keys(schema.Properties)), slices.Sorted(maps.Keys(value)))
		delete(value, "answers")
		require.Error(t, resolved.Validate(value))
	}
}
