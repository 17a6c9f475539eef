package output

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
)

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
