package report

import (
	"bytes"
	_ "embed"
	"io"

	"github.com/ebbworker/ebb/memprof"
)

//go:embed experiment.schema.json
var experimentSchema []byte

// ExperimentJSONSchema returns the JSON Schema (2020-12) of what ExperimentJSON writes.
func ExperimentJSONSchema() []byte { return bytes.Clone(experimentSchema) }

// ExperimentJSON writes the outcome of an experiment as one indented JSON object, after the schema
// memprof.ExperimentSchema. The same outcome gives the same bytes. A number that is not known is
// null, and a list without entries is [], never null.
func ExperimentJSON(w io.Writer, e memprof.Experiment) error {
	e.Schema = memprof.ExperimentSchema
	return indented(w, "experiment", e)
}
