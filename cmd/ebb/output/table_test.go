package output

import (
	"bytes"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/stretchr/testify/require"
)

// runsTable is a table as `runs` shows it, with cells that a page made.
func runsTable() *Table {
	table := NewTable(Column{Title: "SITE", Keep: true}, Column{Title: "PAGES", Right: true},
		Column{Title: "MEMORY", Right: true}, Column{Title: "TITLE"}, Column{Title: "URL"})
	table.Add("shop", Count(12345), Bytes(309<<20), "Good things for the house \x1b[31m", "http://127.0.0.1:8080/shop/p/lmp-136/alma-light-reading-light-set?a=1&b=2")
	table.Add("news", Count(7), Bytes(512), "日本のニュースとその他のとても長い見出し", "http://127.0.0.1/")
	table.Add("x", "0")
	return table
}

func write(t *testing.T, table *Table, terminal Terminal) string {
	t.Helper()
	var out bytes.Buffer
	terminal.Writer = &out
	require.NoError(t, table.Write(terminal))
	return out.String()
}

func TestTable(t *testing.T) {
	wide := write(t, runsTable(), Terminal{Width: 200})
	golden(t, "table-200.txt", wide)
	golden(t, "table-100.txt", write(t, runsTable(), Terminal{}))
	golden(t, "table-60.txt", write(t, runsTable(), Terminal{Width: 60}))
	golden(t, "table-color.txt", write(t, runsTable(), Terminal{Width: 100, Color: true}))
	require.NotContains(t, wide, "\x1b")
	require.Equal(t, 3, runsTable().Len())
}

func TestTableFitsIntoItsWidth(t *testing.T) {
	for width := 44; width <= 160; width++ {
		text := write(t, runsTable(), Terminal{Width: width})
		for line := range strings.Lines(text) {
			require.LessOrEqual(t, lipgloss.Width(strings.TrimSuffix(line, "\n")), width)
			require.Equal(t, strings.TrimRight(line, " \n")+"\n", line, "no white space at the end")
		}
		require.Contains(t, text, "12,345", "numbers are not cut while there is other room")
	}
}

func TestColumnMax(t *testing.T) {
	table := NewTable(Column{Title: "NAME", Max: 8}, Column{Title: "N"})
	table.Add("a very long name", "1")
	table.Add("one", "2", "dropped")
	require.Equal(t, "NAME      N\na very …  1\none       2\n", write(t, table, Terminal{}))
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"x", 0, ""},
		{"xy", 1, "…"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		require.Equal(t, c.want, Shorten(c.text, c.columns))
	}
	long := Shorten(strings.Repeat("日本", 1_000_000), 20)
	require.LessOrEqual(t, lipgloss.Width(long), 20)
	require.True(t, strings.HasSuffix(long, "…"))
}

// TestColumnsWithoutRoom: a table never wraps; what has no room is named below it.
func TestColumnsWithoutRoom(t *testing.T) {
	table := NewTable(Column{Title: "FIRST"}, Column{Title: "SECOND COLUMN"}, Column{Title: "N", Right: true}, Column{Title: "THE REST"})
	table.Add("one", "a cell of some length", "7", "more text than fits")
	require.Equal(t, "FIRST  SECOND …  N\none    a cell …  7\nno room for THE\n  REST\n", write(t, table, Terminal{Width: 18}))
	require.Equal(t, "FIRST  SECOND …  N  THE REST\none    a cell …  7  more te…\n", write(t, table, Terminal{Width: 28}))
	require.True(t, strings.HasPrefix(write(t, table, Terminal{Width: 3}), "FIRST\none\n"), "the first column is always shown")
}
