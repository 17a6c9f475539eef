package store

import (
	"strconv"
	"strings"
)

// conditions builds a WHERE clause and its arguments.
type conditions struct {
	parts []string
	args  []any
}

// arg adds an argument and returns its placeholder.
func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

// add adds a condition that ends with the '$' of its argument.
func (c *conditions) add(condition string, value any) {
	c.addText(strings.TrimSuffix(condition, "$") + c.arg(value))
}

// addText adds a condition as it stands.
func (c *conditions) addText(condition string) { c.parts = append(c.parts, condition) }

// text is the WHERE clause, "" where there is no condition.
func (c *conditions) text() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

// collect reads all rows and closes them.
func collect[T any](rows Rows, scan func(Row) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// placeholders returns n groups of width placeholders, "($1, $2), ($3, $4)", for an
// INSERT of several rows.
func placeholders(n, width int) string {
	var b strings.Builder
	for i := range n * width {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}
