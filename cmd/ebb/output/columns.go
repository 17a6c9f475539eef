package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

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
