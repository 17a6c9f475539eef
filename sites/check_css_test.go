package sites

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

var validSelectors = []string{
	"a", "*", "h1, h2 , h3", "ul > li + li ~ li", "a.b.c#d", "div   p", "a\n>\nb", "#a", ".a", "[href]", "[ href ]",
	"[href=x]", `[href="x y"]`, "[href='x']", "[href ^= 'x' i]", "[href$=x I]", "[a~=b]", "[a|=b]", "[a*=b]", "[*|a]", "[|a=b]",
	"*|a", "|a", "*|*", "a:hover", "li:first-child", "li:nth-child(2n+1)", "li:nth-child( 2N + 1 )", "li:nth-child(odd)", "li:nth-child(-n+3)",
	"li:nth-child(+3)", "li:nth-child(n)", "li:nth-child(2n+1 of .x)", "li:nth-last-child(even of a, b > c)", "li:nth-of-type(2)",
	":is(a, b > c)", ":where(.a)", ":not(a):not(.b, #c)", ":has(> img)", "a:has(+ b, ~ c)", ":is()", ":where( )", "a:not(:has(b))",
	":lang(de)", ":dir(rtl)", ":root > body", ":scope > a", "input:checked", "a::before", "p::first-line", "::part(x)", "x-y::part(a b)",
	"::slotted(a)", ":host", ":host(.a)", ":state(x)", "::highlight(x)", "my-element", "a\\:b", "#\\31 23", ".\\31", ".a\\.b", "#ü", "日本",
	"a/* c */.b", "a /* > */ b", "a /**/ > b", "._a", "--x", ".--x", "-a", "a:nth-child(1):hover::after", "&", "& > a",
	"[data-x=\"a]b)\"]", `[a="\"b"]`, ":IS(A)", "A:Nth-Child(2)", ":popover-open", ":user-valid", "a:focus-visible", ":is(:nth-child(2), b)",
}

var invalidSelectors = []string{
	"", " ", ",", "a,", ",a", "a,,b", "> a", "a >", "a > > b", "a + , b", "a >> b", "a || b", "#", ".", "#1", ".1", "a..b", "a.#b", "a b {}",
	"[]", "[=a]", "[a=]", "[a=1]", "[a b]", "[a==b]", "[a!=b]", "[a='b' x]", "[a=b]]", "a]", "a)", "a}", ":", "a:", "::", ":1",
	":nth-child", ":nth-child()", ":nth-child(x)", ":nth-child(2 of)", ":nth-child(2n + + 1)", ":not", ":not()", ":not(,)", ":has()", ":has(a,)", ":is(a b >)x(",
	":first-child()", "a:contains(x)", "a:eq(1)", "a:first", "a:visible", "a::text", "a::attr(href)", "svg|a", "$a", "//a", "@a", "a@b", "a!b", "a%", "1a", "-1", "\\\n",
	"a;b", "a[b=c]d", "a/* c */b", "[a=b s]", "[a=", "a=b", "<a>", "'a'", "\"a\"", "(a)", "a(b)", ":lang()",
}

// unclosed selectors are taken by browsers, which close them at the end of the text.
var unclosedSelectors = []string{"[a", "[a=b", "[a='b", "[a='b'", "a:not(b", ":is(", ":is(a", ":nth-child(2", ":has(> a", "a:lang(de", "a /*", "[a=\"b]", "a\\"}

func TestCheckCSS(t *testing.T) {
	for _, selector := range validSelectors {
		require.NoError(t, checkCSS(selector), "%q", selector)
	}
	for _, selector := range append(invalidSelectors, unclosedSelectors...) {
		require.Error(t, checkCSS(selector), "%q", selector)
	}
}

// TestCheckCSSAgreesWithChrome asks a real Chrome about every selector above.
func TestCheckCSSAgreesWithChrome(t *testing.T) {
	const script = `((list) => list.map((s) => { try { document.querySelectorAll(s); return true; } catch { return false; } }))`
	askChrome(t, script, append(append([]string{}, validSelectors...), unclosedSelectors...), true)
	askChrome(t, script, invalidSelectors, false)
}

var validXPaths = []string{
	"//a", "/", "/html", ".", "..", "*", "@*", "@href", "./a", "../a", ".//a", "//*", "//a[1]", "//a[last()]", "//a[@href]/@href",
	"//a[contains(., 'x')]", `//a[starts-with(@href, "x")][2]`, "//a | //b", "//a[not(@x) and @y or position() > 2]", "a and b", "and", "and and and",
	"div div div", "* * *", "//a[2 * 3 = 6]", "-1", "- - 1", "1 + 2.5 - .5", "count(//a) mod 2", "string(//a)", "normalize-space(.)", "normalize-space()",
	"child::a", "ancestor-or-self :: div", "following-sibling::*[1]", "self::node()", "text()", "comment()", "processing-instruction('x')", "node()/text()",
	"(//a)[1]", "(//a)[1]/b", "id('x')/a", "//svg:path", "//svg:*", "//html:a", "//a[b/c = 'd']", "concat('a', 'b', \"c\")", "//a[.='x']", "substring(., 2)",
	"//a[@data-x >= 1]", "//a[position()<=3]", "//*[local-name()='a']", "//ü", "//a.b", "//a-b", "string-length(.)>1", "translate(., 'a', 'b')", "//a[ 1 ]", "/*/a", "true()", "a[b][c]",
}

var invalidXPaths = []string{
	"", "//", "///a", "/a/", "a b", "a[", "a[]", "a]", "a[1", "(a", "a)", "()", "//a[@]", "@", "@@a", "a::b", "child::", "::a", "foo::a", "contains(a)", "contains(a, b, c)",
	"true(1)", "matches(., 'x')", "lower-case(.)", "ends-with(a, b)", "'a", "\"a", "a:", ":a", "a:b:c", "nope:a", "a#b", "a!b", "a != ", "!= a", "| a", "a |", "a || b",
	".[1]", "..[1]", "a and", "1 +", "a,b", "a;", "last(", "text(1)", "comment('x')", "{a}", "a[1]]", "count(//a", "div > p[", "a/[1]", "/[1]", "concat('a')",
}

func TestCheckXPath(t *testing.T) {
	for _, expression := range validXPaths {
		require.NoError(t, checkXPath(expression), "%q", expression)
	}
	// Chrome parses a variable, but none has a value.
	for _, expression := range append([]string{"$x", "//a[@b = $c]"}, invalidXPaths...) {
		require.Error(t, checkXPath(expression), "%q", expression)
	}
}

// TestCheckXPathAgreesWithChrome asks a real Chrome about every expression above, with
// the namespaces that the page's program knows.
func TestCheckXPathAgreesWithChrome(t *testing.T) {
	prefixes, err := json.Marshal(xpathPrefixes)
	require.NoError(t, err)
	script := `((list) => list.map((s) => { try {
		document.evaluate(s, document, (p) => ` + string(prefixes) + `.includes(p) ? "urn:" + p : null, 0, null);
		return true;
	} catch { return false; } }))`
	askChrome(t, script, validXPaths, true)
	askChrome(t, script, invalidXPaths, false)
	for _, prefix := range xpathPrefixes {
		require.Regexp(t, `\b`+prefix+`: "http`, extractJS)
	}
}

func askChrome(t *testing.T, script string, texts []string, want bool) {
	t.Helper()
	list, err := json.Marshal(texts)
	require.NoError(t, err)
	var verdicts []bool
	require.NoError(t, json.Unmarshal(newTab(t).evaluate(script+"("+string(list)+")"), &verdicts))
	require.Len(t, verdicts, len(texts))
	var differ []string
	for i, verdict := range verdicts {
		if verdict != want {
			differ = append(differ, texts[i])
		}
	}
	require.Empty(t, differ, "Chrome's verdict on these is %v", !want)
}
