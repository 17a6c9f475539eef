package report

import (
	"bytes"
	_ "embed"
	"io"
	"math"
	"slices"

	"github.com/ebbworker/ebb/memprof"
)

//go:embed diagnosis.schema.json
var diagnosisSchema []byte

// DiagnosisJSONSchema returns the JSON Schema (2020-12) of what DiagnosisJSON writes.
func DiagnosisJSONSchema() []byte { return bytes.Clone(diagnosisSchema) }

// DiagnosisJSON writes a diagnosis as one indented JSON object, after the schema
// memprof.DiagnosisSchema. The same diagnosis gives the same bytes. A number that is not known
// is null, and a list without entries is [], never null.
func DiagnosisJSON(w io.Writer, d memprof.Diagnosis) error {
	return indented(w, "diagnosis", complete(d))
}

// complete names what a diagnosis that was cut short leaves empty, and makes figures that it does
// not know NaN.
func complete(d memprof.Diagnosis) memprof.Diagnosis {
	d.Schema = memprof.DiagnosisSchema
	if d.Verdict == "" {
		d.Verdict = memprof.Inconclusive
		d.Reasons = append(slices.Clone(d.Reasons), "nothing was judged")
	}
	if d.Cause == "" {
		d.Cause = memprof.CauseUnknown
	}
	unknown := math.NaN()
	if !rateKnown(d) {
		r := &d.Rate
		r.Value, r.MBPerCycle, r.Lo, r.Hi = unknown, unknown, unknown, unknown
		r.MBPerDay, r.LoPerDay, r.HiPerDay = unknown, unknown, unknown
	}
	if r := &d.Rate; r.CyclesPerDay == 0 {
		r.CyclesPerDay, r.MBPerDay, r.LoPerDay, r.HiPerDay = unknown, unknown, unknown, unknown
	}
	if d.SmallestVisible == 0 {
		d.SmallestVisible = unknown
	}
	if d.NoGrowthAbove == 0 {
		d.NoGrowthAbove = unknown
	}
	return d
}

// rateKnown tells whether there is a rate of growth.
func rateKnown(d memprof.Diagnosis) bool {
	m, judged := metricIn(d, d.Rate.Metric)
	return d.Rate.Metric.Metric != "" && (!judged || m.Rate.Known)
}
