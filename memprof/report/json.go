package report

import (
	"bytes"
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
)

// indented writes a value as one indented JSON object. what names it in errors.
func indented(w io.Writer, what string, value any) error {
	var compact, out bytes.Buffer
	if err := writeJSON(&compact, reflect.ValueOf(value)); err != nil {
		return fmt.Errorf("encode the %s: %w", what, err)
	}
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return fmt.Errorf("indent the %s: %w", what, err)
	}
	out.WriteByte('\n')
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the %s: %w", what, err)
	}
	return nil
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
	eachField(v, func(name string, field reflect.Value) {
		names = append(names, name)
		values[name] = field
	})
	return writeObject(b, names, func(name string) reflect.Value { return values[name] })
}

// eachField calls f with the fields of a struct that are written. Those of an embedded struct are
// its own.
func eachField(v reflect.Value, f func(name string, field reflect.Value)) {
	for i := range v.NumField() {
		of := v.Type().Field(i)
		name, options, _ := strings.Cut(of.Tag.Get("json"), ",")
		switch {
		case of.Anonymous && name == "":
			eachField(v.Field(i), f)
			continue
		case name == "":
			name = of.Name
		}
		if name != "-" && !omitted(v.Field(i), options) {
			f(name, v.Field(i))
		}
	}
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
