package output

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

// jsonLines writes one object a line, at once.
type jsonLines struct{ out Terminal }

func (j *jsonLines) Write(r Record) error {
	line, err := recordJSON(r)
	if err != nil {
		return err
	}
	_, err = j.out.Write(append(line, '\n'))
	return err
}

func (j *jsonLines) Close() error { return nil }

// recordJSON is a record as one line of JSON.
func recordJSON(r Record) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, field := range r.Head {
		if err := appendMember(&b, field.Name, field.Value); err != nil {
			return nil, fmt.Errorf("write %s: %w", field.Name, err)
		}
		b.WriteByte(',')
	}
	b.WriteString(`"data":`)
	if len(r.Data) == 0 {
		b.WriteString("null")
	} else if err := json.Compact(&b, r.Data); err != nil {
		return nil, fmt.Errorf("write data: %w", err)
	}
	b.WriteByte('}')
	return escapeHostile(b.Bytes()), nil
}

func appendMember(b *bytes.Buffer, name string, value any) error {
	key, err := compactJSON(name)
	if err != nil {
		return err
	}
	text, err := compactJSON(value)
	if err != nil {
		return err
	}
	b.Write(key)
	b.WriteByte(':')
	b.Write(text)
	return nil
}

// compactJSON is json.Marshal without the escapes for HTML.
func compactJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// escapeHostile writes characters that act on a terminal as \uNNNN: the same JSON,
// harmless to look at. In valid JSON they stand in strings only.
func escapeHostile(data []byte) []byte {
	if !bytes.ContainsFunc(data, hostile) {
		return data
	}
	var b bytes.Buffer
	for _, r := range string(data) {
		switch {
		case !hostile(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// columnRecords lays records out in columns: at once where the columns are known, or
// else at Close.
type columnRecords struct {
	out     Terminal
	options RecordOptions
	sink    sink

	head    []string
	columns []string
	known   map[string]bool // columns found so far
	held    []heldRecord
	size    int64
	titled  bool
}

type heldRecord struct {
	head   []HeadField
	fields map[string]json.RawMessage
}

func (c *columnRecords) Write(r Record) error {
	order, fields, err := objectFields(r.Data)
	if err != nil {
		return fmt.Errorf("read an item's fields: %w", err)
	}
	if c.head == nil {
		c.head = []string{}
		for _, field := range r.Head {
			c.head = append(c.head, field.Name)
		}
	}
	held := heldRecord{head: r.Head, fields: fields}
	if len(c.options.Columns) > 0 {
		c.columns = c.options.Columns
		return c.row(held)
	}
	c.discover(order)
	c.size += int64(len(r.Data))
	if c.size > c.options.MaxHeld {
		return fmt.Errorf("lay out more than %s of items in columns: name the columns, or use jsonl", Bytes(c.options.MaxHeld))
	}
	c.held = append(c.held, held)
	return nil
}

func (c *columnRecords) discover(order []string) {
	if c.known == nil {
		c.known = map[string]bool{}
	}
	for _, name := range order {
		if !c.known[name] {
			c.known[name] = true
			c.columns = append(c.columns, name)
		}
	}
}

func (c *columnRecords) Close() error {
	for _, held := range c.held {
		if err := c.row(held); err != nil {
			return err
		}
	}
	c.held = nil
	return c.sink.close()
}

// row writes one record, and before the first one the titles.
func (c *columnRecords) row(held heldRecord) error {
	if !c.titled {
		c.titled = true
		if err := c.sink.titles(c.titles()); err != nil {
			return err
		}
	}
	cells := make([]cell, 0, len(c.head)+len(c.columns))
	for _, field := range held.head {
		cells = append(cells, headCell(field.Value))
	}
	for _, name := range c.columns {
		cells = append(cells, dataCell(held.fields[name]))
	}
	return c.sink.row(cells)
}

// titles are the names of all columns; an item's field that is named like one of the
// head is called data.NAME.
func (c *columnRecords) titles() []string {
	titles := slices.Clone(c.head)
	for _, name := range c.columns {
		if slices.Contains(c.head, name) {
			name = "data." + name
		}
		titles = append(titles, name)
	}
	return titles
}

// objectFields are an object's members, and their names in order.
func objectFields(data json.RawMessage) ([]string, map[string]json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	var order []string
	decoder := json.NewDecoder(bytes.NewReader(data))
	token, err := decoder.Token()
	if err != nil {
		return nil, nil, err
	}
	if token != json.Delim('{') {
		return nil, nil, fmt.Errorf("it is not a JSON object")
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, nil, err
		}
		order = append(order, name.(string))
		fields[name.(string)] = value
	}
	return order, fields, nil
}

// cell is one value in a row.
type cell struct {
	text   string
	number bool // a number, which no spreadsheet takes for a formula
}

func headCell(value any) cell {
	if text, ok := value.(string); ok {
		return cell{text: text}
	}
	data, err := compactJSON(value)
	if err != nil {
		return cell{text: fmt.Sprint(value)}
	}
	return dataCell(data)
}

// dataCell is a JSON value in a cell: texts plain, null empty, the nested as JSON.
func dataCell(data json.RawMessage) cell {
	text := string(bytes.TrimSpace(data))
	switch {
	case text == "" || text == "null":
		return cell{}
	case text[0] == '"':
		var plain string
		if json.Unmarshal(data, &plain) == nil {
			return cell{text: plain}
		}
	case text[0] == '-' || text[0] >= '0' && text[0] <= '9':
		return cell{text: text, number: true}
	case text[0] == '{' || text[0] == '[':
		var b bytes.Buffer
		if json.Compact(&b, data) == nil {
			return cell{text: b.String()}
		}
	}
	return cell{text: text}
}

// sink writes rows of cells.
type sink interface {
	titles([]string) error
	row([]cell) error
	close() error
}

func newSink(out Terminal, format Format) sink {
	if format == FormatTable {
		return &tableSink{out: out}
	}
	return &csvSink{tty: out.TTY, writer: csv.NewWriter(out)}
}

// csvSink writes CSV as RFC 4180 has it, with LF.
type csvSink struct {
	tty    bool
	writer *csv.Writer
}

func (s *csvSink) titles(names []string) error {
	cells := make([]cell, len(names))
	for i, name := range names {
		cells[i] = cell{text: name}
	}
	return s.row(cells)
}

func (s *csvSink) row(cells []cell) error {
	record := make([]string, len(cells))
	for i, c := range cells {
		record[i] = c.text
		if !c.number {
			record[i] = guardFormula(c.text)
		}
		if s.tty {
			record[i] = Clean(record[i])
		}
	}
	if err := s.writer.Write(record); err != nil {
		return err
	}
	s.writer.Flush()
	return s.writer.Error()
}

func (s *csvSink) close() error {
	s.writer.Flush()
	return s.writer.Error()
}

// guardFormula puts an apostrophe before text that a spreadsheet would run.
func guardFormula(text string) string {
	if strings.IndexAny(text, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

// tableSink collects rows and writes them aligned; columns of numbers to the right.
type tableSink struct {
	out   Terminal
	names []string
	rows  [][]cell
}

func (s *tableSink) titles(names []string) error {
	s.names = names
	return nil
}

func (s *tableSink) row(cells []cell) error {
	s.rows = append(s.rows, cells)
	return nil
}

func (s *tableSink) close() error {
	if len(s.names) == 0 {
		return nil
	}
	columns := make([]Column, len(s.names))
	for i, name := range s.names {
		columns[i] = Column{Title: strings.ToUpper(CleanLine(name)), Right: s.numbers(i)}
	}
	table := NewTable(columns...)
	for _, row := range s.rows {
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = c.text
		}
		table.Add(texts...)
	}
	return table.Write(s.out)
}

// numbers reports whether a column holds numbers only, and at least one.
func (s *tableSink) numbers(column int) bool {
	found := false
	for _, row := range s.rows {
		if column >= len(row) || row[column].text == "" {
			continue
		}
		if !row[column].number {
			return false
		}
		found = true
	}
	return found
}
