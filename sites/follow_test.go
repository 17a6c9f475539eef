package sites

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func mustURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern Pattern
		url     string
		want    bool
	}{
		{"/p/*", "https://x.org/p/1", true},
		{"/p/*", "https://x.org/p/1/2", false},
		{"/p/*", "https://x.org/p/", true},
		{"/p/*", "https://x.org/q/p/1", false},
		{"/p/*", "https://x.org/p/1?a=b", true},
		{"/p/**", "https://x.org/p/1/2?a=/b", true},
		{"/p", "https://x.org/p?a", false},
		{"/p/*", "https://x.org/p/1#/x", true},
		{"/", "https://x.org", true},
		{"/", "https://x.org/a", false},
		{"/**", "https://x.org/a/b", true},
		{"/p/??", "https://x.org/p/12", true},
		{"/p/??", "https://x.org/p/1/", false},
		{"/p?page=*", "https://x.org/p?page=2", true},
		{"/p/?", "https://x.org/p/ü", false},
		{"/**/c", "https://x.org/a/b/c", true},
		{"/**/c", "https://x.org/a/b/d", false},
		{"/*/b/**/d*", "https://x.org/a/b/c/c/dd", true},
		{"/*/b", "https://x.org/a/a/b", false},
		{"/a*b*c", "https://x.org/aXbXbXc", true},
		{"/a**z/*", "https://x.org/a/z/z/1", true},
		{"/ü*", "https://x.org/%C3%BC1", true},
		{"/%c3%bc*", "https://x.org/%C3%BC1", true},
		{"/it's", "https://x.org/it's", true},
		{"https://x.org/p/*", "https://x.org/p/1", true},
		{"https://x.org/p/*", "http://x.org/p/1", false},
		{"https://X.org", "https://x.org/", true},
		{"*://*.x.org/**", "https://a.x.org/p/1", true},
		{"*://*.x.org/**", "https://a.x.org.evil.com/", false},
		{"https://*.x.org/**", "https://evil.com/.x.org/", false},
		{"https://münchen.de/**", "https://xn--mnchen-3ya.de/a", true},
		{"https://x.org**", "https://x.org:8080/a", true},
		{"~^/p/[0-9]+$", "https://x.org/p/12", true},
		{"~^/p/[0-9]+$", "https://x.org/p/1x", false},
		{"~/p/[0-9]+/", "https://x.org/p/1", true},
		{"~^https://x\\.org/", "https://x.org/a", true},
		{"~^https://x\\.org/", "https://xyorg/a", false},
		{"~page=[0-9]", "https://x.org/?page=1", true},
	} {
		got, err := c.pattern.Match(mustURL(t, c.url))
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%s on %s", c.pattern, c.url)
	}
	for _, p := range []Pattern{"", "p/*", "*", "~", "~[", "https://", "://x"} {
		require.Error(t, p.Check(), p)
	}
}

// A glob of many stars costs no more than the product of the lengths.
func TestPatternIsNotExponential(t *testing.T) {
	u := mustURL(t, "https://x.org/"+strings.Repeat("a", 4000))
	for _, p := range []Pattern{Pattern("/" + strings.Repeat("*a", 50) + "b"), Pattern("/" + strings.Repeat("**a", 50) + "b")} {
		got, err := p.Match(u)
		require.NoError(t, err)
		require.False(t, got)
	}
}

func TestMayFollow(t *testing.T) {
	site := &Site{
		Start: []string{"https://X.org:443/start", "http://münchen.de"},
		Follow: Follow{
			Origins: []string{"https://cdn.x.org/"},
			Allow:   []Pattern{"/p/**", "/start"}, Deny: []Pattern{"/p/private/**"},
		},
	}
	require.Equal(t, []string{"https://x.org", "http://xn--mnchen-3ya.de", "https://cdn.x.org"}, site.Origins())
	for raw, want := range map[string]string{
		"https://x.org/p/1":           "",
		"https://cdn.x.org/p/1":       "",
		"http://x.org/p/1":            "origin http://x.org is not among those of the start URLs and of follow.origins",
		"https://x.org:8443/p/1":      "origin https://x.org:8443 is not among those of the start URLs and of follow.origins",
		"https://x.org.evil.com/p/":   "origin https://x.org.evil.com is not among those of the start URLs and of follow.origins",
		"https://cdn.x.org.evil.com/": "origin https://cdn.x.org.evil.com is not among those of the start URLs and of follow.origins",
		"https://cdn.x.org:8443/p/1":  "origin https://cdn.x.org:8443 is not among those of the start URLs and of follow.origins",
		"https://x.org/p/private/1":   "deny /p/private/**",
		"https://x.org/q":             "no allow pattern matches",
	} {
		ok, reason := site.MayFollow(mustURL(t, raw))
		require.Equal(t, want, reason, raw)
		require.Equal(t, want == "", ok, raw)
	}
	site.Follow = Follow{Origins: []string{"*"}}
	ok, _ := site.MayFollow(mustURL(t, "http://anything.example/"))
	require.True(t, ok)
}

func TestTemplateFor(t *testing.T) {
	site := &Site{
		Start: []string{"https://x.org/?utm_source=a"},
		Templates: []Template{
			{Name: "list"}, {Name: "product", Match: []Pattern{"/p/*"}}, {Name: "any", Match: []Pattern{"/p/**", "/q"}},
		},
	}
	name := func(raw, named string) string {
		if template := site.TemplateFor(mustURL(t, raw), named); template != nil {
			return template.Name
		}
		return ""
	}
	require.Equal(t, "product", name("https://x.org/p/1", ""))
	require.Equal(t, "any", name("https://x.org/p/1/2", ""))
	require.Equal(t, "list", name("https://x.org/p/1", "list"))
	require.Equal(t, "list", name("https://x.org/", ""))
	require.Empty(t, name("https://x.org/other", ""))
	require.Nil(t, (&Site{}).TemplateFor(mustURL(t, "https://x.org/"), ""))
}

func FuzzPattern(f *testing.F) {
	f.Add("/p/*", "/p/1")
	f.Add("**a*?", "https://x.org/a")
	f.Fuzz(func(_ *testing.T, pattern, path string) {
		_, _ = Pattern(pattern).Match(&url.URL{Scheme: "https", Host: "x.org", Path: path})
	})
}

func BenchmarkMayFollow(b *testing.B) {
	site := &Site{Start: []string{"https://x.org/"}, Follow: Follow{
		Allow: []Pattern{"/p/**", "/list/*"}, Deny: []Pattern{"/p/*/print", "~[?&]sort="},
	}}
	u := mustURL(b, "https://x.org/p/12/detail?page=3")
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := site.MayFollow(u); !ok {
			b.Fatal("not allowed")
		}
	}
}
