package output

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// someRecords are records with fields of all types, and hostile ones.
func someRecords() []Record {
	record := func(site, key, data string) Record {
		return Record{Head: []HeadField{{"site", site}, {"key", key}, {"pages", 3}}, Data: json.RawMessage(data)}
	}
	return []Record{
		record("shop", "LMP-101", `{"name":"Desk \"Lamp\", <slim>","price":19.90,"stock":0,"tags":["a", "b"],"site":"own"}`),
		record("shop", "=1+1", `{"name":"=HYPERLINK(\"http://x\")","price":-5,"note":"-5 %","stock":null,"ok":true}`),
		record("news", "n1", `{"name":"two\nlines \u001b[31m \u202e","nested":{"a": {"b": 1}}}`),
	}
}

func writeRecords(t *testing.T, terminal Terminal, options RecordOptions) string {
	t.Helper()
	var out bytes.Buffer
	terminal.Writer = &out
	records, err := NewRecords(terminal, options)
	require.NoError(t, err)
	for _, record := range someRecords() {
		require.NoError(t, records.Write(record))
	}
	require.NoError(t, records.Close())
	return out.String()
}

func TestRecords(t *testing.T) {
	golden(t, "records.jsonl", writeRecords(t, Terminal{}, RecordOptions{}))
	golden(t, "records.csv", writeRecords(t, Terminal{}, RecordOptions{Format: FormatCSV}))
	golden(t, "records-columns.csv", writeRecords(t, Terminal{}, RecordOptions{Format: FormatCSV, Columns: []string{"price", "name", "none"}}))
	golden(t, "records-table.txt", writeRecords(t, Terminal{}, RecordOptions{Format: FormatTable}))
}

func TestJSONLinesKeepTheValues(t *testing.T) {
	data := `{"s":"\u001b[0m ` + "\u009b \u202e \u2028 \x7f \U000e0041 😀" + ` \udb40\udc41 <&>","n":1.50}`
	var out bytes.Buffer
	records, err := NewRecords(Terminal{Writer: &out}, RecordOptions{Format: FormatJSONL})
	require.NoError(t, err)
	require.NoError(t, records.Write(Record{Data: json.RawMessage(data)}))
	require.NoError(t, records.Write(Record{}))
	require.NoError(t, records.Close())
	first, second, _ := strings.Cut(out.String(), "\n")
	require.False(t, strings.ContainsFunc(first, hostile))
	require.JSONEq(t, `{"data":`+data+`}`, first)
	require.Contains(t, first, "😀")
	require.Contains(t, first, "<&>")
	require.Contains(t, first, "1.50", "numbers stay as they are written")
	require.Equal(t, `{"data":null}`+"\n", second)
}

func TestCSVIsReadBackAndRunsNoFormula(t *testing.T) {
	text := writeRecords(t, Terminal{}, RecordOptions{Format: FormatCSV})
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"site", "key", "pages", "name", "price", "stock", "tags", "data.site", "note", "ok", "nested"}, rows[0])
	require.Equal(t, []string{"shop", "LMP-101", "3", `Desk "Lamp", <slim>`, "19.90", "0", `["a","b"]`, "own", "", "", ""}, rows[1])
	require.Equal(t, []string{"shop", "'=1+1", "3", `'=HYPERLINK("http://x")`, "-5", "", "", "", "'-5 %", "true", ""}, rows[2])
	require.Contains(t, rows[3][3], "\x1b", "a file gets what the page said")
	require.NotContains(t, writeRecords(t, Terminal{TTY: true}, RecordOptions{Format: FormatCSV}), "\x1b", "a terminal does not")
}

func TestGuardFormula(t *testing.T) {
	for _, text := range []string{"=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x"} {
		require.Equal(t, "'"+text, guardFormula(text))
	}
	for _, text := range []string{"", "a=1", "1-1", "'=1", " =1"} {
		require.Equal(t, text, guardFormula(text))
	}
}

func TestHeldRecordsAreBounded(t *testing.T) {
	var out bytes.Buffer
	record := Record{Data: json.RawMessage(`{"a":1}`)}
	records, err := NewRecords(Terminal{Writer: &out}, RecordOptions{Format: FormatCSV, MaxHeld: 15})
	require.NoError(t, err)
	require.NoError(t, records.Write(record))
	require.NoError(t, records.Write(record))
	require.ErrorContains(t, records.Write(record), "more than 15 B of items in columns: name the columns, or use jsonl")

	records, err = NewRecords(Terminal{Writer: &out}, RecordOptions{Format: FormatCSV, MaxHeld: 15, Columns: []string{"a"}})
	require.NoError(t, err)
	for range 10 {
		require.NoError(t, records.Write(record), "with columns nothing is held")
	}
	require.Equal(t, "a\n"+strings.Repeat("1\n", 10), out.String(), "each is written at once")
}

// fullDisk fails each write.
type fullDisk struct{}

var errFull = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestRecordErrors(t *testing.T) {
	_, err := NewRecords(Terminal{}, RecordOptions{Format: "xml"})
	require.EqualError(t, err, `there is no format "xml"; one of jsonl, csv, table`)
	_, err = ParseFormat("yaml")
	require.Error(t, err)
	format, err := ParseFormat("csv")
	require.NoError(t, err)
	require.Equal(t, FormatCSV, format)

	for _, format := range Formats {
		records, err := NewRecords(Terminal{Writer: fullDisk{}}, RecordOptions{Format: format})
		require.NoError(t, err)
		err = records.Write(Record{Data: json.RawMessage(`{"a":1}`)})
		require.ErrorIs(t, errors.Join(err, records.Close()), errFull, format)

		records, err = NewRecords(Terminal{Writer: &bytes.Buffer{}}, RecordOptions{Format: format})
		require.NoError(t, err)
		require.Error(t, records.Write(Record{Data: json.RawMessage(`{"a":`)}), format)
	}
}

func TestNoRecordsNoOutput(t *testing.T) {
	for _, format := range Formats {
		var out bytes.Buffer
		records, err := NewRecords(Terminal{Writer: &out}, RecordOptions{Format: format})
		require.NoError(t, err)
		require.NoError(t, records.Close())
		require.Empty(t, out.String())
	}
}

// JSON that is nested without end is refused; nothing overflows.
func TestRecordsOfEndlessNestingAreErrors(t *testing.T) {
	data := json.RawMessage(`{"a":` + strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + `}`)
	for _, format := range Formats {
		records, err := NewRecords(Terminal{Writer: &bytes.Buffer{}}, RecordOptions{Format: format})
		require.NoError(t, err)
		require.Error(t, errors.Join(records.Write(Record{Data: data}), records.Close()), format)
	}
}

func TestCleanJSONStaysTheSameJSON(t *testing.T) {
	text := "{\n\t\"a\\n\u009b\": \"\u202e\U000e0041 é 😀\"\n}\n"
	clean := string(CleanJSON([]byte(text)))
	require.JSONEq(t, text, clean)
	require.Contains(t, clean, "\n\t\"a\\n\\u009b\"")
	require.NotContains(t, clean, "\u202e")
	require.Equal(t, "[1]\n", string(CleanJSON([]byte("[1]\n"))))
}
