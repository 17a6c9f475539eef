package sites

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// one is the only item of an extract, as JSON.
func one(t *testing.T, e Extract, err error) string {
	t.Helper()
	require.NoError(t, err)
	require.Empty(t, e.Faults)
	require.Len(t, e.Items, 1)
	return string(e.Items[0].Data)
}

func TestExtractText(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Fields: []Field{
		{Name: "h", Source: Source{CSS: "h1"}},
		{Name: "lines", Source: Source{CSS: "#lines"}},
		{Name: "list", Source: Source{CSS: "ul"}},
		{Name: "cells", Source: Source{CSS: "table"}},
		{Name: "inline", Source: Source{CSS: "#inline"}},
		{Name: "script", Source: Source{CSS: "#mixed"}},
		{Name: "own", Source: Source{CSS: "#own"}, Type: TypeRaw},
		{Name: "raw", Source: Source{CSS: "h1"}, Type: TypeRaw},
		{Name: "html", Source: Source{CSS: "#inline"}, HTML: true},
		{Name: "template", Source: Source{CSS: "template"}},
		{Name: "none", Source: Source{CSS: "#nothing"}},
		{Name: "many", Source: Source{CSS: "li"}, Many: true},
		{Name: "attr", Source: Source{CSS: "#own"}, Attr: "id"},
		{Name: "cdata", Source: Source{CSS: "svg"}},
	}}}})
	e, err := extract(t, site, "<!doctype html><title> A \n title </title><h1>\n a&nbsp;&#x2003;b\n</h1><p id=lines>one<br>two</p>"+
		"<ul><li>a</li><li>b</li></ul><table><tr><td>1</td><td>2</td></tr></table><p id=inline>in<b>li</b>ne</p>"+
		"<div id=mixed>x<script>var y</script><style>z{}</style><noscript>n</noscript><span>w</span></div>"+
		"<script id=own type=text/plain>  own </script><template><i>t</i>u</template><svg><text>s</text></svg>")
	require.JSONEq(t, `{"h":"a b","lines":"one two","list":"a b","cells":"1 2","inline":"inline","script":"xw","own":"  own ",
		"raw":"\n a\u00a0\u2003b\n","html":"in<b>li</b>ne","template":"tu","none":null,"many":["a","b"],"attr":"own","cdata":"s"}`, one(t, e, err))
	require.Equal(t, "A title", e.Title)
	require.Equal(t, 200, e.Status)
	require.Positive(t, e.Bytes)
}

func TestExtractNestedAndXPath(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{
		Name: "book", Each: &Source{XPath: "//div[@class='book']"}, Key: []string{"id"},
		Fields: []Field{
			{Name: "id", Attr: "data-id"},
			{Name: "title", Source: Source{XPath: ".//h2/text()"}},
			{Name: "link", Source: Source{XPath: "./a/@href"}, Type: TypeURL},
			{Name: "count", Source: Source{XPath: "count(.//li)"}, Type: TypeInteger},
			{Name: "authors", Source: Source{CSS: "li"}, Many: true, Fields: []Field{
				{Name: "name", Source: Source{CSS: "b"}},
				{Name: "roles", Source: Source{CSS: "i"}, Many: true},
			}},
			{Name: "price", Source: Source{CSS: ".price"}, Fields: []Field{
				{Name: "amount", Type: TypeNumber, Locale: "de"},
				{Name: "currency", Attr: "data-currency"},
			}},
		},
	}}})
	e, err := extract(t, site, `<div class=book data-id=1><h2>First</h2><a href="a b?x=ü">l</a><ul><li><b>A</b><i>x</i><i>y</i></li><li><b>B</b></li></ul><p class=price data-currency=EUR>1.234,50 €</p></div>
		<div class=book data-id=2><h2>Second</h2></div>`)
	require.NoError(t, err)
	require.Empty(t, e.Faults)
	require.Len(t, e.Items, 2)
	require.Equal(t, "1", e.Items[0].Key)
	require.Equal(t, "book", e.Items[0].Kind)
	require.Regexp(t, `^\{"id":"1","title":"First","link":"http://127\.0\.0\.1:\d+/a%20b\?x=%C3%BC","count":2,`+
		`"authors":\[\{"name":"A","roles":\["x","y"\]\},\{"name":"B","roles":\[\]\}\],`+
		`"price":\{"amount":1234\.50,"currency":"EUR"\}\}$`, string(e.Items[0].Data))
	require.Equal(t, `{"id":"2","title":"Second","link":null,"count":0,"authors":[],"price":null}`, string(e.Items[1].Data))
}

func TestExtractJSON(t *testing.T) {
	site := siteOf(Template{
		Items: []ItemRule{
			{Name: "product", Each: &Source{JSONLD: "Product"}, Key: []string{"sku"}, Fields: []Field{
				{Name: "sku", Source: Source{Path: "sku"}},
				{Name: "price", Source: Source{Path: "offers.price"}, Type: TypeNumber},
				{Name: "offers", Source: Source{Path: "offers"}, Many: true, Fields: []Field{{Name: "p", Source: Source{Path: "price"}, Type: TypeNumber}}},
				{Name: "heading", Source: Source{CSS: "h1"}},
			}},
			{Name: "state", Fields: []Field{
				{Name: "id", Source: Source{JSON: "#state", Path: "user.id"}, Type: TypeNumber},
				{Name: "odd", Source: Source{JSON: "#state", Path: `["odd key"][-1]`}},
				{Name: "tags", Source: Source{JSON: "#state", Path: "tags[*].n"}, Many: true},
				{Name: "all", Source: Source{JSON: "#state", Path: "tags"}, Type: TypeJSON},
				{Name: "parsed", Source: Source{JSON: "#parse", Path: "a"}},
				{Name: "brand", Source: Source{JSONLD: "Brand", Path: "name"}},
				{Name: "data", Source: Source{CSS: "#data", Path: "x.y"}, Attr: "data-json"},
			}},
			{Name: "tag", Each: &Source{JSON: "#state", Path: "tags"}, Key: []string{"n"}, Fields: []Field{{Name: "n", Source: Source{Path: "n"}, Type: TypeInteger}}},
		},
		Links: []LinkRule{{Source: Source{JSON: "#state", Path: "next"}, Template: "page", Pagination: true}},
	})
	e, err := extract(t, site, `<h1>H</h1>
		<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":["Thing","Product"],"sku":"a","offers":{"price":"1,234.50"},"brand":{"@type":"Brand","name":"B"}},{"@type":"BreadcrumbList"}]}</script>
		<script type="application/ld+json; charset=utf-8">{broken</script>
		<script type="application/ld+json"><!-- [{"@type":"http://schema.org/Product","sku":"b","offers":[{"price":1.10},{"price":2}]}]; --></script>
		<script id=state>/* x = {"no":1} */ window.__STATE__ = {"user":{"id":12345678901234567890},'odd key':["a","}"],tags:[{"n":1},{"n":2},],undef:undefined,next:"/p?2#x"}; go({});</script>
		<script id=parse>var x = JSON.parse("{\"a\":\"\\u00e9\"}");</script>
		<p id=data data-json='{"x":{"y":"z"}}'>`)
	require.NoError(t, err)
	require.Len(t, e.Faults, 1)
	require.Contains(t, e.Faults[0].Message, "{broken")
	var got []string
	for _, item := range e.Items {
		got = append(got, string(item.Data))
	}
	require.Equal(t, []string{
		`{"sku":"a","price":1234.50,"offers":[{"p":1234.50}],"heading":"H"}`,
		`{"sku":"b","price":1.10,"offers":[{"p":1.10},{"p":2}],"heading":"H"}`,
		`{"id":12345678901234567890,"odd":"}","tags":["1","2"],"all":[{"n":1},{"n":2}],"parsed":"é","brand":"B","data":"z"}`,
		`{"n":1}`, `{"n":2}`,
	}, got)
	require.Len(t, e.Links, 1)
	require.Regexp(t, `^http://127\.0\.0\.1:\d+/p\?2$`, e.Links[0].URL)
	require.True(t, e.Links[0].Pagination)
}

// A page's elements shadow properties of document and of forms; its scripts change
// prototypes of its own world. Neither may be seen.
func TestExtractHostilePage(t *testing.T) {
	site := siteOf(Template{
		Items: []ItemRule{{Each: &Source{CSS: "form"}, Fields: []Field{
			{Name: "text"},
			{Name: "html", HTML: true},
			{Name: "id", Attr: "id"},
			{Name: "in", Source: Source{CSS: "b"}},
			{Name: "title", Const: "{title}"},
		}}},
		Links: []LinkRule{{Source: Source{CSS: "a"}}},
	})
	e, err := extract(t, site, `<title>Real</title><script>
		Element.prototype.querySelectorAll = Document.prototype.querySelectorAll = () => { throw 1 };
		Array.prototype.toJSON = () => "stolen"; Object.prototype.w = "polluted"; String.prototype.toWellFormed = () => "x";
		window.URL = null; Promise.prototype.then = () => {};
		</script>
		<img name=title><img name=baseURI><img name=querySelectorAll><img name=body><form name=readyState></form>
		<form id=f><input name=querySelectorAll><input name=textContent><input name=innerHTML><input name=firstChild>
		<input name=getAttribute><input name=nodeType><input name=parentNode><input name=localName><input name=id>
		<b>bo&#0;ld</b></form><script>document.querySelector("#f b").append("\u0000\ud800 a&b</script>\u2028")</script>
		<svg><a href="/svg"><text>s</text></a></svg><a href="javascript:alert(1)">j</a><a href="mailto:x@y">m</a><a href="/x#1">1</a><a href="/x#2">2</a><a href="http://[bad">b</a><a>none</a>`)
	require.NoError(t, err)
	require.Len(t, e.Items, 2)
	data := string(e.Items[1].Data)
	require.Contains(t, data, `"id":"f"`)
	require.Contains(t, data, `"title":"Real"`)
	require.NotContains(t, data, `\u0000`)
	require.Contains(t, data, "\uFFFD")
	require.Len(t, e.Links, 2)
	require.True(t, strings.HasSuffix(e.Links[0].URL, "/svg"))
	require.True(t, strings.HasSuffix(e.Links[1].URL, "/x"))
}

// What a site file says is data, whatever it holds.
func TestExtractCannotBeInjected(t *testing.T) {
	evil := "\"]);throw 'in'//\u2028\u2029</script>`${x}`\\"
	site := siteOf(Template{
		Wait: []Wait{{Selector: "body"}},
		Items: []ItemRule{{Fields: []Field{
			{Name: evil, Source: Source{CSS: `[title="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(evil) + `"]`}, Attr: evil},
			{Name: "const", Const: evil},
		}}},
	})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	spec := program.Expression[strings.LastIndex(program.Expression, "})({")+2:]
	for _, raw := range []string{"\u2028", "\u2029", "</"} {
		require.NotContains(t, spec, raw)
	}
	e, err := extract(t, site, "<p>x")
	require.NoError(t, err)
	require.Len(t, e.Items, 1)
	require.Contains(t, string(e.Items[0].Data), `"const":`)
}

func TestExtractBrokenSelectors(t *testing.T) {
	site := siteOf(Template{
		Items: []ItemRule{{Fields: []Field{
			{Name: "good", Source: Source{CSS: "p"}},
			{Name: "price", Source: Source{CSS: "p:nope("}},
			{Name: "path", Source: Source{XPath: "//p["}},
		}}},
		Links: []LinkRule{{Source: Source{CSS: "a[["}}},
	})
	e, err := extract(t, site, "<p>x")
	var broken *SelectorError
	require.ErrorAs(t, err, &broken)
	require.Equal(t, "item page, field price", broken.Where)
	require.Equal(t, "p:nope(", broken.Selector)
	require.ErrorContains(t, err, "field path")
	require.ErrorContains(t, err, "link rule 1")
	require.Equal(t, `{"good":"x","price":null,"path":null}`, string(e.Items[0].Data))
}

func TestExtractLinks(t *testing.T) {
	site := siteOf(Template{Links: []LinkRule{
		{Source: Source{CSS: "a"}, Template: "detail", Limit: 3},
		{Source: Source{XPath: "//link/@href"}, Pagination: true},
		{Source: Source{CSS: "p"}, Attr: "data-url"},
	}})
	e, err := extract(t, site, `<base href="https://base.example/dir/"><link rel=next href="?p=2"><a href=1>1<a href=1>1<a href="./2">2<a href=../3>3<a href=4>4<p data-url=" //other.example/x ">`)
	require.NoError(t, err)
	require.Equal(t, []Link{
		{URL: "https://base.example/dir/1", Template: "detail"},
		{URL: "https://base.example/dir/2", Template: "detail"},
		{URL: "https://base.example/3", Template: "detail"},
		{URL: "https://base.example/dir/?p=2", Pagination: true},
		{URL: "https://other.example/x"},
	}, e.Links)
}

// A page of a great many nodes returns no more than the bound.
func TestExtractIsBounded(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{
		{Each: &Source{CSS: "div"}, Fields: []Field{{Name: "text"}}},
		{Name: "after", Fields: []Field{{Name: "h", Source: Source{CSS: "h1"}}}},
	}})
	site.Limits.ItemSize = 100_000
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	url := serve(t, "text/html", `<h1>h</h1><script>
		for (let i = 0; i < 20000; i++) { const d = document.createElement("div"); d.textContent = (i + "").padEnd(1000, "x"); document.body.append(d); }
		</script>`)
	b := newTab(t)
	b.navigate(url)
	raw := b.evaluate(program.Expression)
	require.Less(t, len(raw), minPageText+1<<20)
	e, err := program.Decode(raw, PageInfo{URL: url})
	require.NoError(t, err)
	require.NotEmpty(t, e.Items)
	require.Less(t, len(e.Items), 20000)
	require.Equal(t, FaultTooLarge, e.Faults[0].Class)
	require.Contains(t, e.Faults[0].Message, fmt.Sprintf("the first %d records", len(e.Items)))
}

func TestExtractLinksAreBounded(t *testing.T) {
	site := siteOf(Template{
		Items: []ItemRule{{Fields: []Field{{Name: "h", Source: Source{CSS: "h1"}}}}},
		Links: []LinkRule{{Source: Source{CSS: "a"}}},
	})
	e, err := extract(t, site, `<h1>h</h1><script>for (let i = 0; i < 6000; i++) { const a = document.createElement("a"); a.href = "/" + (i + "").padEnd(1000, "x"); document.body.append(a); }</script>`)
	require.NoError(t, err)
	require.Len(t, e.Items, 1, "links take nothing from items")
	require.Greater(t, len(e.Links), 1000)
	require.Less(t, len(e.Links), 6000)
	require.Equal(t, []ItemFault{{Class: FaultTooLarge, Message: "the page holds more text than is taken from one page; some of its links are not"}}, e.Faults)
}

// Elements without text cost nothing but time: the nodes walked through are bounded.
func TestExtractStepsAreBounded(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Each: &Source{CSS: "p"}, Fields: []Field{{Name: "t"}}}}})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	few := strings.Replace(program.Expression, fmt.Sprintf(`"steps":%d`, maxSteps), `"steps":10`, 1)
	require.NotEqual(t, program.Expression, few)
	url := serve(t, "text/html", "<p>a<b></b></p><p>b"+strings.Repeat("<i></i>", 20))
	b := newTab(t)
	b.navigate(url)
	e, err := program.Decode(b.evaluate(few), PageInfo{URL: url})
	require.NoError(t, err)
	require.Len(t, e.Items, 1)
	require.Len(t, e.Faults, 1)
	require.Contains(t, e.Faults[0].Message, "only the first 1 records")
}

// Scripts that do not fit are left out whole, and told.
func TestExtractScriptsAreBounded(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Fields: []Field{{Name: "a", Source: Source{JSON: "script[type=x]", Path: "a"}}}}}})
	e, err := extract(t, site, `<body><script type=x>{"a":1}</script><script>const s = document.createElement("script"); s.type = "x"; s.textContent = '{"a":"' + "x".repeat(17e6) + '"}'; document.body.append(s)</script>`)
	require.NoError(t, err)
	require.Equal(t, `{"a":"1"}`, string(e.Items[0].Data))
	require.Len(t, e.Faults, 1)
	require.Contains(t, e.Faults[0].Message, "some of its scripts are not")
}

// Elements inside one another to a depth that would overflow a recursion.
func TestExtractDeepPage(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Fields: []Field{{Name: "text", Source: Source{CSS: "#top"}}}}}})
	e, err := extract(t, site, `<div id=top hidden></div><script>
		let at = document.getElementById("top");
		for (let i = 0; i < 20000; i++) { const d = document.createElement("b"); at.append(d); at = d; }
		at.textContent = "deep";</script>`)
	require.Equal(t, `{"text":"deep"}`, one(t, e, err))
}

func TestExtractXML(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Each: &Source{CSS: "entry"}, Fields: []Field{
		{Name: "t", Source: Source{XPath: "./atom:title"}}, {Name: "c", Source: Source{CSS: "content"}},
	}}}})
	url := serve(t, "application/xml", `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>T</title><content><![CDATA[a<b]]></content></entry></feed>`)
	e, err := extractFrom(t, site, url)
	require.Equal(t, `{"t":"T","c":"a<b"}`, one(t, e, err))
}

// A JSON document is shown by Chrome as text, which a path goes down into.
func TestExtractJSONDocument(t *testing.T) {
	site := siteOf(Template{Items: []ItemRule{{Each: &Source{CSS: "body", Path: "items"}, Key: []string{"id"}, Fields: []Field{
		{Name: "id", Source: Source{Path: "id"}, Type: TypeInteger},
	}}}})
	url := serve(t, "application/json", `{"items":[{"id":1},{"id":2}]}`)
	e, err := extractFrom(t, site, url)
	require.NoError(t, err)
	require.Empty(t, e.Faults)
	require.Len(t, e.Items, 2)
	require.Equal(t, "2", e.Items[1].Key)
}

func TestExtractStatusAndFinalURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			http.Redirect(w, r, "/to?b=2&a=1&utm_source=x#f", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "<p>tea")
	}))
	t.Cleanup(server.Close)
	site := siteOf(Template{Items: []ItemRule{{Fields: []Field{{Name: "p", Source: Source{CSS: "p"}}}}}})
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	b := newTab(t)
	b.navigate(server.URL + "/from")
	e, err := program.Decode(b.evaluate(program.Expression), PageInfo{})
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, e.Status)
	require.Equal(t, int64(len("<p>tea")), e.Bytes)
	require.Equal(t, server.URL+"/to?a=1&b=2", e.Items[0].Key)
}
