package output

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Record is one item with what is known about it.
type Record struct {
	// Head stands before the item's own fields: site, kind, key, url, times, in the
	// caller's order, which must be the same for all records.
	Head []HeadField
	// Data is the item, a JSON object.
	Data json.RawMessage
}

// HeadField is one thing known about an item.
type HeadField struct {
	Name string
	// Value is a string, number, bool or nil.
	Value any
}

// Format is a form in which records are written.
type Format string

// The formats of records.
const (
	FormatJSONL Format = "jsonl" // one JSON object a line, the item under "data"
	FormatCSV   Format = "csv"   // one row an item, after a row of titles
	FormatTable Format = "table" // for people
)

// Formats are all formats.
var Formats = []Format{FormatJSONL, FormatCSV, FormatTable}

// ParseFormat is the format of a name; the error lists those there are.
func ParseFormat(name string) (Format, error) {
	if format := Format(name); slices.Contains(Formats, format) {
		return format, nil
	}
	return "", fmt.Errorf("there is no format %q; one of jsonl, csv, table", name)
}

// Records writes records; Close writes what is left and must be called. It does not
// close the writer below, and is not safe for concurrent use.
type Records interface {
	Write(Record) error
	Close() error
}

// RecordOptions says how records are written.
type RecordOptions struct {
	// Format is the form. Default: jsonl.
	Format Format
	// Columns are the items' fields, in order, that CSV and table show. With them CSV
	// is written as records come. Default: none, all fields that come up, in the order
	// in which they do; then CSV and table are held in memory until Close.
	Columns []string
	// MaxHeld bounds what is held in memory, in bytes of JSON. Default: 256 MiB.
	MaxHeld int64
}

// defaultMaxHeld is RecordOptions.MaxHeld's default.
const defaultMaxHeld = 256 << 20

// NewRecords writes records to out. The error names a format that does not exist.
func NewRecords(out Terminal, options RecordOptions) (Records, error) {
	if options.MaxHeld <= 0 {
		options.MaxHeld = defaultMaxHeld
	}
	switch options.Format {
	case FormatJSONL, "":
		return &jsonLines{out: out}, nil
	case FormatCSV, FormatTable:
		return &columnRecords{out: out, options: options, sink: newSink(out, options.Format)}, nil
	}
	_, err := ParseFormat(string(options.Format))
	return nil, err
}
