package sites

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// richSite has every kind of source and type.
func richSite() *Site {
	return siteOf(Template{
		Wait: []Wait{{Selector: "#x"}, {Event: WaitLoad}},
		Items: []ItemRule{
			{Name: "dom", Each: &Source{CSS: "li"}, Key: []string{"id", "n"}, Fields: []Field{
				{Name: "id"},
				{Name: "n", Type: TypeNumber, Locale: "de"},
				{Name: "i", Type: TypeInteger, Many: true},
				{Name: "b", Source: Source{CSS: "b"}, Type: TypeBoolean},
				{Name: "u", Attr: "href", Type: TypeURL},
				{Name: "d", Type: TypeDate, Layout: "Mon 2 January 2006 15:04 MST", Locale: "fr"},
				{Name: "m", Type: TypeDate, Layout: "rfc2822"},
				{Name: "s", Type: TypeDate, Layout: "iso8601"},
				{Name: "x", Type: TypeDate, Layout: "unix"},
				{Name: "j", Type: TypeJSON},
				{Name: "r", Type: TypeRaw, Regex: "(a+)b?"},
				{Name: "o", Source: Source{CSS: "o"}, Many: true, Fields: []Field{{Name: "p"}, {Name: "q", Source: Source{JSON: "script", Path: "q"}}}},
			}},
			{Name: "ld", Each: &Source{JSONLD: "Product"}, Fields: []Field{{Name: "name", Source: Source{Path: "name"}}, {Name: "o", Source: Source{Path: "o"}, Many: true, Fields: []Field{{Name: "p", Source: Source{Path: "p[*]"}, Type: TypeJSON}}}}},
			{Name: "json", Each: &Source{JSON: "script", Path: "items"}, Fields: []Field{{Name: "v", Type: TypeRaw}, {Name: "css", Source: Source{CSS: "h1"}}}},
		},
		Links: []LinkRule{{Source: Source{CSS: "a"}}, {Source: Source{JSON: "script", Path: "next"}, Limit: 2}},
	})
}

// Whatever comes back from a page, Decode does not panic, and what it makes of it can
// be stored: valid JSON and UTF-8 without NUL, keys of bounded length.
func FuzzDecode(f *testing.F) {
	site := richSite()
	program, err := site.Compile(&site.Templates[0])
	require.NoError(f, err)
	f.Add([]byte(`{"w":null,"t":"t","u":"https://x.org/","b":"https://x.org/","n":[5,200],"i":[[["1","1.234,5",["1","x"],"","../a b","mar. 3 mars 2026 10:00 CET","Sat, 31 Jan 2026 12:30:00 EST","2026-01-31","1769862600","{\"a\":[1e5]}","aab",[["p"],[null]]]],[["h"]],[["h"]]],"s":[["{\"q\":1,\"items\":[1,{\"a\":\"\\u0000\"}],\"next\":[\"/a\",\"/b\"]}"],["{\"@graph\":[{\"@type\":[\"Product\"],\"name\":\"n\",\"o\":[{\"p\":[1,[2]]}]}]}"]],"l":[["https://x.org/1"]],"c":[0,-1,-2],"e":[[0,"bad"]]}`))
	f.Add([]byte(`{"w":[0,0,""]}`))
	f.Add([]byte(`{"w":[1,1,"bad"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, _ := program.Decode(raw, testPage)
		for _, item := range e.Items {
			if !json.Valid(item.Data) || bytes.ContainsRune(item.Data, 0) || bytes.Contains(item.Data, []byte(`\u0000`)) {
				t.Fatalf("the item cannot be stored: %q", item.Data)
			}
			if item.Data[0] != '{' || len(item.Hash) != 64 || len(item.Key) > maxKeyBytes || strings.ContainsRune(item.Key, 0) {
				t.Fatalf("the item is not one: %+v", item)
			}
		}
		_ = program.DecodeWait(raw)
	})
}

// Whatever stands in a script, its JSON is read without panic, and read alike again.
func FuzzScriptJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,"\ud83d\ude00"]}`, `window.x = {a:1,'b':!0,};`, `JSON.parse("{\"a\":1}")`, "<!-- [1] -->", `//x` + "\n" + `a=[undefined]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		roots, _, _ := scriptJSON(text)
		for _, v := range roots {
			written := string(v.appendJSON(nil))
			again, err := parseJSON(written)
			if err != nil {
				t.Fatalf("%q gave %q: %v", text, written, err)
			}
			if string(again.appendJSON(nil)) != written || again.hash() != v.hash() {
				t.Fatalf("%q is read otherwise again", written)
			}
		}
		_, _ = parseJSONPath(text)
	})
}

// Whatever stands in a text, its number and its dates are read without panic; what is
// given as a number is one of JSON.
func FuzzValue(f *testing.F) {
	for _, text := range []string{"1.234,50 €", "(5.00)", "٣٫٥", "mar. 3 mars 2026", "3. März 2026", "２０２６年", "1er janv. 2026"} {
		f.Add(text, "de")
	}
	f.Fuzz(func(t *testing.T, text, locale string) {
		format, err := numberFormatOf(locale)
		if err != nil {
			return
		}
		if number, err := format.number(text); err == nil && !json.Valid([]byte(number)) {
			t.Fatalf("%q gave %q", text, number)
		}
		if date, err := newDateFormat("Monday, 2. January 2006", locale, ""); err == nil {
			_, _ = date.date(text)
		}
		_, _ = absoluteURL(text, mustURL(t, "https://x.org/a"))
	})
}

func BenchmarkDecode(b *testing.B) {
	site := siteOf(Template{Items: []ItemRule{{Each: &Source{CSS: "li"}, Key: []string{"id"}, Fields: []Field{
		{Name: "id"},
		{Name: "title", Source: Source{CSS: "h2"}},
		{Name: "price", Source: Source{CSS: "p"}, Type: TypeNumber, Locale: "de"},
		{Name: "url", Source: Source{CSS: "a"}, Attr: "href", Type: TypeURL},
		{Name: "date", Source: Source{CSS: "time"}, Type: TypeDate, Layout: "2. January 2006", Locale: "de"},
		{Name: "tags", Source: Source{CSS: "i"}, Many: true},
	}}}})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(b, err)
	var records []row
	for i := range 50 {
		records = append(records, row{strings.Repeat("x", i), "A title of a usual length, not too long", "1.234,50 €", "../item/1", "3. März 2026", []any{"a", "b", "c"}})
	}
	raw := pageResult(b, records)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		e, err := program.Decode(raw, testPage)
		if err != nil || len(e.Items) != 49 {
			b.Fatal(len(e.Items), err)
		}
	}
}
