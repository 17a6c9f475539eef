package report

import (
	"bytes"
	_ "embed"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

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
	var compact, out bytes.Buffer
	if err := writeJSON(&compact, reflect.ValueOf(complete(d))); err != nil {
		return fmt.Errorf("encode the diagnosis: %w", err)
	}
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return fmt.Errorf("indent the diagnosis: %w", err)
	}
	out.WriteByte('\n')
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the diagnosis: %w", err)
	}
	return nil
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

// writeJSON writes what encoding/json would, but null for a number that JSON does not know,
// [] and {} for what is nil, and characters of HTML as they are.
func writeJSON(b *bytes.Buffer, v reflect.Value) error {
	if at, ok := v.Interface().(time.Time); ok {
		return writeScalar(b, at)
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok && v.Kind() != reflect.Pointer {
		return writeScalar(b, text)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		return writeJSON(b, v.Elem())
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			b.WriteString("null")
			return nil
		}
	case reflect.Slice:
		return writeList(b, v)
	case reflect.Map:
		return writeMap(b, v)
	case reflect.Struct:
		return writeStruct(b, v)
	}
	return writeScalar(b, v.Interface())
}

func writeScalar(b *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line break
	return nil
}

func writeList(b *bytes.Buffer, v reflect.Value) error {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeJSON(b, v.Index(i)); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

// writeMap writes the keys, as text, in their order.
func writeMap(b *bytes.Buffer, v reflect.Value) error {
	values := map[string]reflect.Value{}
	for _, key := range v.MapKeys() {
		name := key.String()
		if text, ok := key.Interface().(encoding.TextMarshaler); ok {
			raw, err := text.MarshalText()
			if err != nil {
				return err
			}
			name = string(raw)
		}
		values[name] = v.MapIndex(key)
	}
	names := slices.Sorted(maps.Keys(values))
	return writeObject(b, names, func(name string) reflect.Value { return values[name] })
}

func writeStruct(b *bytes.Buffer, v reflect.Value) error {
	values := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		field := v.Field(i)
		if name == "" {
			name = v.Type().Field(i).Name
		}
		if name == "-" || omitted(field, options) {
			continue
		}
		names = append(names, name)
		values[name] = field
	}
	return writeObject(b, names, func(name string) reflect.Value { return values[name] })
}

// omitted tells whether a field is left out, by the options of its tag.
func omitted(field reflect.Value, options string) bool {
	switch options {
	case "omitempty":
		kind := field.Kind()
		if kind == reflect.Slice || kind == reflect.Map {
			return field.Len() == 0
		}
		return kind != reflect.Struct && field.IsZero()
	case "omitzero":
		if at, ok := field.Interface().(time.Time); ok {
			return at.IsZero()
		}
		return field.IsZero()
	}
	return false
}

func writeObject(b *bytes.Buffer, names []string, value func(string) reflect.Value) error {
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeScalar(b, name); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := writeJSON(b, value(name)); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}
