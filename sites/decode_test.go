package sites

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var testPage = PageInfo{URL: "https://x.org/p?b=1&a=2#f", Now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}

// pageResult is what the expression returns for one item rule, its scripts and links.
func pageResult(t testing.TB, records any, scripts ...[]string) []byte {
	t.Helper()
	if scripts == nil {
		scripts = [][]string{}
	}
	raw, err := json.Marshal(map[string]any{
		"w": nil, "t": "Title", "u": "https://x.org/p", "b": "https://x.org/dir/", "n": []int{1000, 200},
		"i": []any{records}, "s": scripts, "l": []any{}, "c": []any{}, "e": []any{},
	})
	require.NoError(t, err)
	return raw
}

// decodeItems decodes records of one item rule.
func decodeItems(t testing.TB, rule ItemRule, records any, scripts ...[]string) Extract {
	t.Helper()
	site := siteOf(Template{Items: []ItemRule{rule}})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	e, err := program.Decode(pageResult(t, records, scripts...), testPage)
	require.NoError(t, err)
	return e
}

// row is one record of the DOM.
type row []any

func TestDecodeOrderDefaultsAndConst(t *testing.T) {
	e := decodeItems(t, ItemRule{Fields: []Field{
		{Name: "z", Source: Source{CSS: "z"}},
		{Name: "a", Source: Source{CSS: "a"}, Default: "none"},
		{Name: "n", Source: Source{CSS: "n"}, Type: TypeNumber, Default: 1.50},
		{Name: "list", Source: Source{CSS: "l"}, Many: true, Default: []any{"x", 2}},
		{Name: "has", Source: Source{CSS: ".sale"}, Type: TypeBoolean},
		{Name: "re", Source: Source{CSS: "r"}, Regex: `SKU (\w+)`},
		{Name: "no", Source: Source{CSS: "r"}, Regex: `EAN (\w+)`, Default: "-"},
		{Name: "page", Const: "{url} {title} {now}"},
		{Name: "seven", Const: "7", Type: TypeInteger},
	}}, []row{{" z\u2003\u0085 z ", nil, nil, []any{}, nil, "SKU ab12 x", "SKU ab12 x"}})
	require.Empty(t, e.Faults)
	require.Equal(t, `{"z":"z z","a":"none","n":1.5,"list":["x",2],"has":false,"re":"ab12","no":"-",`+
		`"page":"https://x.org/p?a=2&b=1 Title 2026-01-31T12:00:00Z","seven":7}`, string(e.Items[0].Data))
	require.Equal(t, "https://x.org/p?a=2&b=1", e.Items[0].Key)
	require.Len(t, e.Items[0].Hash, 64)
	require.Equal(t, int64(1000), e.Bytes)
	require.Equal(t, 200, e.Status)
}

func TestDecodeFaults(t *testing.T) {
	each := &Source{CSS: "li"}
	e := decodeItems(t, ItemRule{Name: "thing", Each: each, Key: []string{"id"}, Fields: []Field{
		{Name: "id", Source: Source{CSS: "i"}},
		{Name: "price", Source: Source{CSS: "p"}, Type: TypeNumber},
		{Name: "stock", Source: Source{CSS: "s"}, Type: TypeInteger, Required: true},
		{Name: "dates", Source: Source{CSS: "d"}, Type: TypeDate, Layout: "iso8601", Many: true},
	}}, []row{
		{"1", "free", "3", []any{"2026-01-01", "soon"}}, // two invalid values, none required
		{"2", "1.0", nil, []any{}},                      // missing
		{"3", "1.0", "2.5", []any{}},                    // invalid and required
		{nil, "1.0", "3", []any{}},                      // no key
		{"4", "1.0", "3", []any{}},
		{"4", "1.00", "3", []any{}}, // the same again
		{"4", "2", "3", []any{}},    // the same key, another content
	})
	require.Len(t, e.Items, 2)
	require.Equal(t, `{"id":"1","price":null,"stock":3,"dates":["2026-01-01"]}`, string(e.Items[0].Data))
	require.Equal(t, "4", e.Items[1].Key)
	var got []string
	for _, f := range e.Faults {
		require.Equal(t, "thing", f.Kind)
		got = append(got, f.Field+" "+f.Class+": "+f.Message)
	}
	require.Equal(t, []string{
		`price invalid: "free" is no valid number: there is no number in it`,
		`dates invalid: "soon" is no valid date: "soon" is no ISO 8601 date`,
		`stock missing: nothing was found for a required field`,
		`stock invalid: "2.5" is no valid integer: 2.5 is no integer`,
		`id missing: the key has no value`,
		`id invalid: two items of the page have the key "4" but other content`,
	}, got)
}

func TestDecodeFaultsAreBounded(t *testing.T) {
	var records []row
	for i := range 1000 {
		records = append(records, row{fmt.Sprint("bad ", i)})
	}
	e := decodeItems(t, ItemRule{Each: &Source{CSS: "li"}, Fields: []Field{{Name: "d", Type: TypeDate, Layout: "unix"}}}, records)
	require.Len(t, e.Faults, maxFaults+1)
}

func TestDecodeKeys(t *testing.T) {
	each := &Source{CSS: "li"}
	fields := []Field{{Name: "a"}, {Name: "b"}, {Name: "n", Type: TypeNumber}}
	e := decodeItems(t, ItemRule{Each: each, Key: []string{"a", "b"}, Fields: fields}, []row{{"x|y", "z", "1"}, {"x", `y\|z`, "1"}})
	require.Equal(t, `x\|y|z`, e.Items[0].Key)
	require.Equal(t, `x|y\\\|z`, e.Items[1].Key)

	e = decodeItems(t, ItemRule{Each: each, Fields: fields}, []row{{"x", "y", "1.0"}, {"x", "y", "1"}, {"x", "y", "2"}})
	require.Len(t, e.Items, 2, "equal content is one item")
	require.Equal(t, e.Items[0].Hash, e.Items[0].Key)

	long := strings.Repeat("ü", 5000)
	e = decodeItems(t, ItemRule{Each: each, Key: []string{"a"}, Fields: fields}, []row{{long, "", nil}, {long + "x", "", nil}})
	require.Len(t, e.Items, 2)
	require.LessOrEqual(t, len(e.Items[0].Key), maxKeyBytes)
	require.True(t, utf8.ValidString(e.Items[0].Key))
	require.NotEqual(t, e.Items[0].Key, e.Items[1].Key)

	// One number, one key, however it is written.
	e = decodeItems(t, ItemRule{Each: each, Key: []string{"n"}, Fields: fields[2:]}, []row{{"1200.0"}, {"1200"}})
	require.Len(t, e.Items, 1)
	require.Equal(t, "1200", e.Items[0].Key)
}

func TestDecodeItemSize(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Each: &Source{CSS: "li"}, Fields: []Field{{Name: "t"}}}}})
	site.Limits.ItemSize = 100
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	fits := strings.Repeat("x", 100-len(`{"t":""}`))
	e, err := program.Decode(pageResult(t, []row{{fits}, {fits + "x"}}), testPage)
	require.NoError(t, err)
	require.Len(t, e.Items, 1)
	require.Equal(t, ItemFault{Kind: "page", Class: FaultTooLarge, Message: "the item has 101 bytes, item_size allows 100"}, e.Faults[0])
}

// What Postgres's jsonb refuses never comes out.
func TestDecodeUnstorable(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Fields: []Field{
		{Name: "t", Source: Source{CSS: "t"}},
		{Name: "r", Source: Source{CSS: "r"}, Type: TypeRaw},
		{Name: "j", Source: Source{CSS: "j"}, Type: TypeJSON},
	}}}})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	raw := strings.Replace(string(pageResult(t, []row{{"T", "R", `{"a\u0000":"\ud800","n":1e99999,"b":[0.10,12345678901234567890]}`}})),
		`"T","R"`, `"\u0000\ud83d\ude00\udc00","`+"\xff"+`\u0001\u007f\ud800x"`, 1)
	e, err := program.Decode([]byte(raw), testPage)
	require.NoError(t, err)
	require.Empty(t, e.Faults)
	require.Equal(t, "{\"t\":\"\uFFFD😀\uFFFD\",\"r\":\"\uFFFD\\u0001\\u007f\uFFFDx\","+
		"\"j\":{\"a\uFFFD\":\"\uFFFD\",\"n\":\"1e99999\",\"b\":[0.10,12345678901234567890]}}", string(e.Items[0].Data))
}

func TestDecodeRefusesOtherResults(t *testing.T) {
	site := siteOf(Template{
		Items: []ItemRule{{Fields: []Field{{Name: "a", Source: Source{CSS: "a"}, Many: true, Fields: []Field{{Name: "b"}}}}}},
		Links: []LinkRule{{Source: Source{CSS: "a"}}},
	})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	good := `{"w":null,"t":"","u":"","b":"https://x.org/","n":[0,0],"i":[[[[["x"]]]]],"s":[],"l":[[]],"c":[],"e":[]}`
	_, err = program.Decode([]byte(good), testPage)
	require.NoError(t, err)
	for _, change := range [][2]string{
		{`"w":null`, `"w":[7,0,""]`},
		{`"w":null`, `"w":true`},
		{`"w":null,`, ``},
		{`"t":""`, `"t":1`},
		{`"u":"",`, ``},
		{`[[[[["x"]]]]]`, `[]`},
		{`[[[[["x"]]]]]`, `[1]`},
		{`[[[[["x"]]]]]`, `[[1]]`},
		{`[[[[["x"]]]]]`, `[[[]]]`},
		{`[[[[["x"]]]]]`, `[[["x"]]]`},
		{`[[[[["x"]]]]]`, `[[[["x"]]]]`},
		{`[[[[["x"]]]]]`, `[[[[[]]]]]`},
		{`"l":[[]]`, `"l":[]`},
		{`"l":[[]]`, `"l":["x"]`},
		{`"c":[]`, `"c":[5]`},
		{`"e":[]`, `"e":[[9,"x"]]`},
		{`"e":[]`, `"e":["x"]`},
	} {
		raw := strings.Replace(good, change[0], change[1], 1)
		require.NotEqual(t, good, raw)
		_, err := program.Decode([]byte(raw), testPage)
		require.Error(t, err, raw)
		require.ErrorContains(t, err, "decode the result of a page", raw)
	}
	for _, raw := range []string{"", "null", "[]", "{", good + "x", strings.Repeat("[", 1e6)} {
		_, err := program.Decode([]byte(raw), testPage)
		require.Error(t, err, excerpt(raw))
	}
}

func TestCompileErrors(t *testing.T) {
	site := siteOf(Template{
		Items: []ItemRule{{Name: "i", Key: []string{"nope"}, Fields: []Field{
			{Name: "regex", Regex: "("},
			{Name: "locale", Type: TypeNumber, Locale: "??"},
			{Name: "layout", Type: TypeDate},
			{Name: "zone", Type: TypeDate, Layout: "iso8601", Timezone: "Mars/Olympus"},
			{Name: "type", Type: "colour"},
			{Name: "path", Source: Source{JSON: "script", Path: "a["}},
			{Name: "two", Source: Source{CSS: "a", XPath: "b"}},
			{Name: "default", Default: func() {}},
			{Name: "o", Source: Source{CSS: "o"}, Fields: []Field{{Name: "inner", Regex: "["}}},
		}}},
		Links: []LinkRule{{}},
	})
	_, err := site.Compile(&site.Templates[0])
	for _, want := range []string{
		`compile template "page"`, `the key "nope" is none of the fields`, "item i, field regex: regex: ", "item i, field locale: locale ",
		"item i, field layout: a date needs a layout", "item i, field zone: timezone: ", `item i, field type: "colour" is no type`,
		`item i, field path: path "a["`, "item i, field two: more than one of", "item i, field default: default: ", "item i, field o.inner: regex: ", "link rule 1: ",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestJSONPath(t *testing.T) {
	v, err := parseJSON(`{"a":{"b":[{"c":1},{"c":2},{"d":null}]},"odd key":[[1,2],[3]],"x.y":5,"é":6,"":7}`)
	require.NoError(t, err)
	for path, want := range map[string]string{
		"": "all", "a.b[0].c": "1", "a.b[-2].c": "2", "a.b[*].c": "1 2", "a.b.c": "1 2", "$.a.b[1]": `{"c":2}`, "a.b[9]": "", "a.b[-9]": "",
		`["odd key"][1][0]`: "3", `['odd key'][*][*]`: "1 2 3", `["x.y"]`: "5", `["\u00e9"]`: "6", "é": "6", `[""]`: "7", "a.*.*.c": "1 2", "a.b[2].d": "", "nope.b": "",
	} {
		p, err := parseJSONPath(path)
		require.NoError(t, err, path)
		var got []string
		for _, v := range p.find(&v) {
			got = append(got, string(v.appendJSON(nil)))
		}
		if want == "all" {
			require.Len(t, got, 1)
			continue
		}
		require.Equal(t, want, strings.Join(got, " "), path)
	}
	for _, path := range []string{"a[", "a]", "a..b", "a[x]", `["x`, `["x"`, "a.", "[0]b", "a[1.5]", "."} {
		_, err := parseJSONPath(path)
		require.Error(t, err, path)
	}
}

func TestScriptJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`:                                       `{"a":1}`,
		` {"a":1} ; `:                                   `{"a":1}`,
		"<!--\n{\"a\":1}\n-->":                          `{"a":1}`,
		"//<![CDATA[\n{\"a\":1}\n//]]>":                 `{"a":1}`,
		"/*<![CDATA[*/{\"a\":1}/*]]>*/":                 `{"a":1}`,
		`window.a={"b":"};"};x()`:                       `{"b":"};"}`,
		`var a = [1,2], b = {"c":3}`:                    `[1,2] {"c":3}`,
		`a = JSON.parse('{"b":"\'c\'"}')`:               `{"b":"'c'"}`,
		"a = JSON.parse(`[1]`)":                         `[1]`,
		`self.q.push([1,"{\"x\":2}"])`:                  `[1,"{\"x\":2}"]`,
		`// a={"no":1}` + "\n" + `b={"c":1}`:            `{"c":1}`,
		`/* a={} */ b={c:1,'d':!0,e:undefined,f:[1,],}`: `{"c":1,"d":true,"e":null,"f":[1]}`,
		`s="a={}"; t='b=[]'; u={"v":1}`:                 `{"v":1}`,
		`if (a == {}) x => [y]; z={"z":1}`:              `{} {"z":1}`,
		`f(); a={b:function(){return 1}}; c={"d":1}`:    `{"d":1}`,
		"\uFEFF[1]":                                     `[1]`,
	} {
		roots, _, err := scriptJSON(text)
		require.NoError(t, err, text)
		var got []string
		for _, v := range roots {
			got = append(got, string(v.appendJSON(nil)))
		}
		require.Equal(t, want, strings.Join(got, " "), text)
	}
	for _, text := range []string{"", "alert(1)", "{broken", `a = JSON.parse(b)`, `a = JSON.parse("{")`, `a="`, strings.Repeat("={", 1e5)} {
		_, _, err := scriptJSON(text)
		require.ErrorIs(t, err, errNoJSON, excerpt(text))
	}
}

func TestParseJSONLimits(t *testing.T) {
	_, err := parseJSON(strings.Repeat("[", maxJSONDepth) + strings.Repeat("]", maxJSONDepth))
	require.NoError(t, err)
	_, err = parseJSON(strings.Repeat("[", maxJSONDepth+1) + strings.Repeat("]", maxJSONDepth+1))
	require.ErrorContains(t, err, "deeper than 200")
	_, err = parseJSON("[" + strings.Repeat("0,", maxJSONValues) + "0]")
	require.ErrorContains(t, err, "more than 1000000 values")
	for _, text := range []string{"01", "1.", ".5", "-", "1e", "+1", "0x1", "'a'", "{a:1}", "[1,]", "{,}", `"\x41"`, "\"\n\"", "nul", "nullx", "[1 2]", "{\"a\" 1}", "NaN"} {
		_, err := parseJSON(text)
		require.Error(t, err, text)
	}
	v, err := parseJSON(`{"a":1,"b":2,"a":3}`)
	require.NoError(t, err)
	require.Equal(t, `{"a":3,"b":2}`, string(v.appendJSON(nil)), "the last one counts")
}

func TestDecodeBoundsScripts(t *testing.T) {
	many := strings.Repeat("0,", maxJSONValues-10)
	full := `{"a":[` + many + `0]}`
	rule := ItemRule{Fields: []Field{{Name: "a", Source: Source{JSON: "script", Path: "b"}}}}
	e := decodeItems(t, rule, []row{{}}, []string{full, full, `{"c":0}`, `{"c":0,"d":1}`, `{"e":[` + strings.Repeat("0,", 20) + `0]}`, `{"b":"late"}`})
	require.Equal(t, `{"a":null}`, string(e.Items[0].Data))
	require.Len(t, e.Faults, 1)
	require.Equal(t, FaultTooLarge, e.Faults[0].Class)

	roots, _, err := scriptJSON(strings.Repeat("x={};", maxScriptRoots+50))
	require.NoError(t, err)
	require.Len(t, roots, maxScriptRoots)

	v, err := parseJSON("[" + strings.Repeat("{\"a\":1},", maxPathValues) + "{\"a\":1}]")
	require.NoError(t, err)
	path, err := parseJSONPath("[*].a")
	require.NoError(t, err)
	require.Len(t, path.find(&v), maxPathValues)
}
