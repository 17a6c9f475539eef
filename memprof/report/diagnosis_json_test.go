package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func diagnosisJSON(t *testing.T, d memprof.Diagnosis) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, DiagnosisJSON(&out, d))
	return out.Bytes()
}

// file compares an output with a golden file.
func file(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	wanted, lines := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i, line := range lines[:min(len(lines), len(wanted))] { // the whole files would fill a screen
		require.Equal(t, wanted[i], line, "line %d of %s", i+1, name)
	}
	require.Len(t, lines, len(wanted))
}

func TestDiagnosisJSON(t *testing.T) {
	d, _ := leaking(4)
	file(t, "diagnosis-leak.json", diagnosisJSON(t, d))
	file(t, "diagnosis-nothing.json", diagnosisJSON(t, memprof.Diagnosis{}))
	for _, name := range slices.Sorted(maps.Keys(fixtures())) {
		d, _ := fixtures()[name]()
		require.Equal(t, string(diagnosisJSON(t, d)), string(diagnosisJSON(t, d)), name)
	}
}

// A program that reads it back has the same diagnosis, to the last bit.
func TestDiagnosisJSONReadBack(t *testing.T) {
	d, _ := leaking(30)
	text := diagnosisJSON(t, d)
	var back memprof.Diagnosis
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, string(text), string(diagnosisJSON(t, back)))
	require.Equal(t, d.Metrics, back.Metrics)
	require.Equal(t, d.Cycles, back.Cycles)
}

// It writes what encoding/json writes, where that can.
func TestDiagnosisJSONIsJSON(t *testing.T) {
	d, _ := leaking(30)
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(d))
	require.JSONEq(t, want.String(), string(diagnosisJSON(t, d)))
}

// What is not known is null, and lists without entries are lists.
func TestDiagnosisJSONOfWhatIsUnknown(t *testing.T) {
	d := memprof.Diagnosis{Headline: "<b>&\u2028\x1b", Rate: memprof.Rate{MBPerCycle: math.NaN(), Hi: math.Inf(1)}}
	text := string(diagnosisJSON(t, d))
	for _, part := range []string{
		`"mb_per_cycle": null`, `"hi": null`, `"cycles": []`, `"metrics": []`, `"warnings": []`, `"not_measured": []`, `"sites": []`,
		`"costs": {}`, `"verdict": "inconclusive"`, `"schema": "ebb.diagnosis/1"`, `"headline": "<b>&\u2028\u001b"`,
	} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "NaN")
}

// The keys that the format promises.
func TestDiagnosisJSONKeys(t *testing.T) {
	d, _ := leaking(30)
	var value struct {
		Schema, Verdict, Cause, Site, Phase *string
		Rate                                map[string]any
		Smallest                            *float64 `json:"smallest_visible_mb_per_cycle"`
		Cycles, Metrics                     []map[string]any
		Control                             map[string]any
		Warnings                            []string
		NotMeasured                         []string `json:"not_measured"`
	}
	require.NoError(t, json.Unmarshal(diagnosisJSON(t, d), &value))
	for _, s := range []*string{value.Schema, value.Verdict, value.Cause, value.Site, value.Phase} {
		require.NotNil(t, s)
	}
	for _, key := range []string{"mb_per_cycle", "lo", "hi", "mb_per_day"} {
		require.Contains(t, value.Rate, key)
	}
	for _, key := range []string{"name", "unit", "process", "verdict", "shape", "rate", "evidence"} {
		require.Contains(t, value.Metrics[0], key)
	}
	require.NotNil(t, value.Smallest)
	require.Len(t, value.Cycles, 30)
	require.NotEmpty(t, value.Control)
	require.NotNil(t, value.Warnings)
	require.NotNil(t, value.NotMeasured)
}

func TestDiagnosisJSONReturnsTheWritersError(t *testing.T) {
	require.EqualError(t, DiagnosisJSON(broken{}, memprof.Diagnosis{}), "write the diagnosis: pipe closed")
}
