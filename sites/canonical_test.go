package sites

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	site := &Site{Follow: Follow{IgnoreQuery: []string{"sid", "track_*"}}}
	base, err := url.Parse("https://example.org/a/b/c?q=1")
	require.NoError(t, err)
	for raw, want := range map[string]string{
		"HTTP://Example.ORG":                                 "http://example.org/",
		"http://example.org:80/":                             "http://example.org/",
		"https://example.org:0443/":                          "https://example.org/",
		"https://example.org:80/":                            "https://example.org:80/",
		"https://example.org:/":                              "https://example.org/",
		"https://example.org./":                              "https://example.org/",
		"https://münchen.example/":                           "https://xn--mnchen-3ya.example/",
		"https://MÜNCHEN.example/":                           "https://xn--mnchen-3ya.example/",
		"https://faß.example/":                               "https://xn--fa-hia.example/",
		"https://例え。jp/":                                     "https://xn--r8jz45g.jp/",
		"https://my_host.example/":                           "https://my_host.example/",
		"https://[2001:DB8:0:0::1]:443/":                     "https://[2001:db8::1]/",
		"https://127.0.0.1:8080/":                            "https://127.0.0.1:8080/",
		"https://x.org/a/./b/../c":                           "https://x.org/a/c",
		"https://x.org/a/%2e%2E/c":                           "https://x.org/c",
		"https://x.org/../../c/..":                           "https://x.org/",
		"https://x.org/a//b/":                                "https://x.org/a//b/",
		"https://x.org//a/..//b":                             "https://x.org///b",
		"https://x.org/%7euser/%c3%bc/%2f":                   "https://x.org/~user/%C3%BC/%2F",
		"https://x.org/ü b":                                  "https://x.org/%C3%BC%20b",
		"https://x.org/100%":                                 "https://x.org/100%25",
		"https://x.org/a%zz":                                 "https://x.org/a%25zz",
		"https://x.org/;jsessionid=1":                        "https://x.org/;jsessionid=1",
		"https://x.org/p#part":                               "https://x.org/p",
		"https://x.org/p#!/route":                            "https://x.org/p",
		"https://x.org/p?":                                   "https://x.org/p",
		"https://x.org/p?#":                                  "https://x.org/p",
		"https://x.org?b=2&a=1":                              "https://x.org/?a=1&b=2",
		"https://x.org/?b=2&a=2&b=1&a=1":                     "https://x.org/?a=2&a=1&b=2&b=1",
		"https://x.org/?&&a&b=":                              "https://x.org/?a&b=",
		"https://x.org/?utm_source=x&UTM_a=b&q":              "https://x.org/?q",
		"https://x.org/?gclid=1&fbclid=2&msclkid=3&mc_eid=4": "https://x.org/",
		"https://x.org/?sid=1&track_x=2&sid2=3":              "https://x.org/?sid2=3",
		"https://x.org/?q=a+b%20c&x='ü'":                     "https://x.org/?q=a+b%20c&x=%27%C3%BC%27",
		"https://x.org/?u=http://y.org/?z":                   "https://x.org/?u=http://y.org/?z",
		" \n https://x.org/a\tb\n":                           "https://x.org/ab",
		`https:\\x.org\a`:                                    "https://x.org/a",
		"d":                                                  "https://example.org/a/b/d",
		"../d?x":                                             "https://example.org/a/d?x",
		"/d":                                                 "https://example.org/d",
		"?z=1":                                               "https://example.org/a/b/c?z=1",
		"":                                                   "https://example.org/a/b/c?q=1",
		"#x":                                                 "https://example.org/a/b/c?q=1",
		"//other.org/x":                                      "https://other.org/x",
		"a:b":                                                "",
	} {
		got, err := site.Canonical(raw, base)
		if want == "" {
			require.Error(t, err, raw)
			continue
		}
		require.NoError(t, err, raw)
		require.Equal(t, want, got, raw)
	}
}

func TestCanonicalRefused(t *testing.T) {
	site := &Site{}
	for _, raw := range []string{
		"", "/relative", "mailto:a@b.org", "javascript:alert(1)", "ftp://x.org/", "file:///etc/passwd", "http://", "https:///x",
		"https://user@x.org/", "https://user:secret@x.org/", "https://@x.org/", "https://x.org:99999/", "https://x.org:1x/", "https://x.org:-1/",
		"https://a b.org/", "https://x%41.org/", "https://[::1/", "https://[fe80::1%25eth0]/", "https://[1.2.3.4]/", "https://./", "https://a..b/",
		"https://x.org/" + strings.Repeat("a", MaxURLBytes), "https://x.org/" + strings.Repeat("ü", MaxURLBytes/3),
		"https://" + strings.Repeat("a.", 200) + "org/", "https://xn--a/", "https://a\u0000b/",
	} {
		got, err := site.Canonical(raw, nil)
		require.Error(t, err, "%s gave %s", excerpt(raw), got)
	}
	_, err := site.Canonical("x", &url.URL{Scheme: "about", Opaque: "blank"})
	require.Error(t, err)
}

// drawURL draws URLs of the parts that have rules, in all notations.
func drawURL(t *rapid.T) string {
	piece := rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9._~-]{0,4}`), rapid.StringMatching(`%[0-9a-fA-F]{0,2}`), rapid.StringN(0, 3, 12),
		rapid.SampledFrom([]string{"..", ".", "%2e", "/", "//", "ü", "&", "=", "+", "utm_x=1", "?", "'", "%25", "%26", "%3d", "\\", "|"}),
	)
	text := func(name string) string {
		return strings.Join(rapid.SliceOfN(piece, 0, 6).Draw(t, name), "")
	}
	host := rapid.SampledFrom([]string{"x.org", "X.org.", "münchen.de", "[::1]", "127.0.0.1", "x.org:80", "x.org:443", "a_b.c:8080"}).Draw(t, "host")
	return rapid.SampledFrom([]string{"http", "HTTPS"}).Draw(t, "scheme") + "://" + host + "/" + text("path") + "?" + text("query") + "#" + text("fragment")
}

// The canonical form is its own canonical form, and net/url reads it as it stands.
func TestCanonicalIsIdempotent(t *testing.T) {
	site := &Site{Follow: Follow{IgnoreQuery: []string{"a"}}}
	rapid.Check(t, func(t *rapid.T) {
		raw := drawURL(t)
		once, err := site.Canonical(raw, nil)
		if err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		twice, err := site.Canonical(once, nil)
		if err != nil || twice != once {
			t.Fatalf("%q gave %q, and that %q (%v)", raw, once, twice, err)
		}
		u, err := url.Parse(once)
		if err != nil || u.String() != once {
			t.Fatalf("%q: net/url reads %q as %q (%v)", raw, once, u, err)
		}
		again, err := site.Canonical("", u)
		if err != nil || again != once {
			t.Fatalf("%q resolves to %q (%v)", once, again, err)
		}
	})
}

// Notations that mean the same page have one form.
func TestCanonicalIgnoresNotation(t *testing.T) {
	site := &Site{}
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringMatching(`(/[a-z0-9-]{1,4}){0,3}`).Draw(t, "path")
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[b-t][a-z]{0,2}`), 0, 4, rapid.ID).Draw(t, "names")
		want, err := site.Canonical("https://x.org"+path+"?"+strings.Join(names, "&"), nil)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(append(names, "utm_a=1")).Draw(t, "shuffled")
		var escaped strings.Builder
		for _, c := range []byte(path) {
			if c != '/' && rapid.Bool().Draw(t, "escape") {
				escaped.WriteString("%" + string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15]))
			} else {
				escaped.WriteByte(c)
			}
		}
		got, err := site.Canonical("HTTPS://X.ORG:443/./y/.."+escaped.String()+"?"+strings.Join(shuffled, "&")+"#f", nil)
		if err != nil || got != want {
			t.Fatalf("got %q, want %q (%v)", got, want, err)
		}
	})
}

func BenchmarkCanonical(b *testing.B) {
	site := &Site{Follow: Follow{IgnoreQuery: []string{"session"}}}
	base := &url.URL{Scheme: "https", Host: "example.org", Path: "/shop/list"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := site.Canonical("../Item/%7Efoo?b=2&utm_source=x&a=%c3%bc#reviews", base); err != nil {
			b.Fatal(err)
		}
	}
}
