package report

import (
	"bytes"
	_ "embed"
	"io"

	"github.com/ebbworker/ebb/memprof"
)

//go:embed comparison.schema.json
var comparisonSchema []byte

// ComparisonJSONSchema returns the JSON Schema (2020-12) of what ComparisonJSON writes.
func ComparisonJSONSchema() []byte { return bytes.Clone(comparisonSchema) }

// ComparisonJSON writes a comparison as one indented JSON object, after the schema
// memprof.ComparisonSchema. The same comparison gives the same bytes. A number that is not known is
// null, and a list without entries is [], never null.
func ComparisonJSON(w io.Writer, c memprof.Comparison) error {
	c.Schema = memprof.ComparisonSchema
	return indented(w, "comparison", c)
}
