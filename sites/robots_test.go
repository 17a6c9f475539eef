package sites

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// robotsCases are the examples of RFC 9309, and the cases that Google publishes with
// its parser, as far as they do not hold rules of Google's own.
var robotsCases = []struct {
	name, robots, agent, url string
	allowed                  bool
}{
	{"empty file", "", "ebb", "/x", true},
	{"no agent", "Disallow: /", "ebb", "/x", true},
	{"google: rule before the agent", "foo: /\nDisallow: /\nUser-agent: FooBot\nAllow: /x/\n", "FooBot", "/y", true},
	{"google: empty agent", "user-agent: FooBot\ndisallow: /\n", "", "/x", true},
	{"google: keys in any case", "USER-AGENT: FooBot\nALLOW: /x/\nDISALLOW: /\n", "FooBot", "/x/y", true},
	{"google: keys in any case, not allowed", "uSeR-aGeNt: FooBot\naLlOw: /x/\ndIsAlLoW: /\n", "FooBot", "/a/b", false},
	{"google: missing colon", "user-agent FooBot\ndisallow /\n", "FooBot", "/x/y", false},
	{"google: unknown key", "foo: FooBot\nbar: /\n", "FooBot", "/x/y", true},

	{"google: groups, first", googleGroups, "FooBot", "/x/b", true},
	{"google: groups, first, forbidden", googleGroups, "FooBot", "/z/d", true},
	{"google: groups, other's", googleGroups, "FooBot", "/y/c", false},
	{"google: groups, second", googleGroups, "BarBot", "/y/c", true},
	{"google: groups, second, all", googleGroups, "BarBot", "/w/a", true},
	{"google: groups, second, forbidden", googleGroups, "BarBot", "/z/d", false},
	{"google: several agents, first", googleGroups, "BazBot", "/z/d", true},
	{"google: close groups", "User-agent: FooBot\nDisallow: /\nUser-agent: *\nUser-agent: BarBot\nDisallow: /x\n", "BarBot", "/x/y", false},

	{"google: agents in any case", "User-Agent: fOObOT\nAllow: /x/\nDisallow: /\n", "FooBot", "/x/y", true},
	{"google: agents in any case, ours", "User-Agent: FOO BAR\nAllow: /x/\nDisallow: /\n", "foo", "/a/b", false},
	{"version in the file", "User-agent: FooBot/2.1\nDisallow: /\n", "foobot", "/", false},
	{"version in ours", "User-agent: foobot\nDisallow: /\n", "FooBot/1.0 (+https://example.org)", "/", false},
	{"longer token", "User-agent: foobot-images\nDisallow: /\n", "foobot", "/", true},
	{"shorter token", "User-agent: foo\nDisallow: /\n", "foobot", "/", true},

	{"google: star, no group", "", "FooBot", "/x/y", true},
	{"google: star after ours", "user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /\n", "FooBot", "/x/y", false},
	{"google: star for others", "user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /\n", "BarBot", "/x/y", true},
	{"google: star forbids others", "user-agent: *\ndisallow: /\nuser-agent: FooBot\nallow: /\n", "BarBot", "/x/y", false},
	{"google: star with something behind", "user-agent: * baz\ndisallow: /\n", "FooBot", "/x/y", false},
	{"own empty group beats star", "User-agent: *\nDisallow: /\nUser-agent: ebb\nDisallow:\n", "ebb", "/x", true},

	{"google: paths are case sensitive", "user-agent: FooBot\ndisallow: /x/\n", "FooBot", "/X/y", true},
	{"google: paths are case sensitive, same", "user-agent: FooBot\ndisallow: /X/\n", "FooBot", "/X/y", false},
	{"google: longest match", "user-agent: FooBot\ndisallow: /x/page.html\nallow: /x/\n", "FooBot", "/x/page.html", false},
	{"google: longest match, allow", "user-agent: FooBot\nallow: /x/page.html\ndisallow: /x/\n", "FooBot", "/x/page.html", true},
	{"google: longest match, order", "user-agent: FooBot\nallow: /x/page.html\ndisallow: /x/\n", "FooBot", "/x/", false},
	{"google: both empty", "user-agent: FooBot\ndisallow: \nallow: \n", "FooBot", "/x/page.html", true},
	{"google: a tie allows", "user-agent: FooBot\ndisallow: /\nallow: /\n", "FooBot", "/x/page.html", true},
	{"google: longest, no slash", "user-agent: FooBot\ndisallow: /x\nallow: /x/\n", "FooBot", "/x", false},
	{"google: longest, slash", "user-agent: FooBot\ndisallow: /x\nallow: /x/\n", "FooBot", "/x/", true},
	{"google: star against .htm", "user-agent: FooBot\nallow: /page\ndisallow: /*.html\n", "FooBot", "/page.html", false},
	{"google: star against .htm, allowed", "user-agent: FooBot\nallow: /page\ndisallow: /*.html\n", "FooBot", "/page", true},
	{"google: longer star", "user-agent: FooBot\nallow: /x/page.\ndisallow: /*.html\n", "FooBot", "/x/page.html", true},
	{"google: longer star, other", "user-agent: FooBot\nallow: /x/page.\ndisallow: /*.html\n", "FooBot", "/x/y.html", false},
	{"google: groups merge", "User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/\n", "FooBot", "/x/page", true},
	{"google: groups merge, ours", "User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/\n", "FooBot", "/y/page", false},

	{"google: query with a URL", "User-agent: FooBot\nDisallow: /\nAllow: /foo/bar?qux=taz&baz=http://foo.bar?tar&par\n", "FooBot", "/foo/bar?qux=taz&baz=http://foo.bar?tar&par", true},
	{"google: utf-8 in the rule", "User-agent: FooBot\nDisallow: /\nAllow: /foo/bar/ツ\n", "FooBot", "/foo/bar/%E3%83%84", true},
	{"google: escapes in the rule", "User-agent: FooBot\nDisallow: /\nAllow: /foo/bar/%E3%83%84\n", "FooBot", "/foo/bar/ツ", true},
	{"rfc: unreserved escapes in the rule", "User-agent: FooBot\nDisallow: /\nAllow: /foo/bar/%62%61%7A\n", "FooBot", "/foo/bar/baz", true},
	{"rfc: unreserved escapes in the URL", "User-agent: FooBot\nDisallow: /foo/bar/baz\n", "FooBot", "/foo/bar/%62%61%7A", false},
	{"rfc: reserved in the query", "User-agent: FooBot\nDisallow: /foo/bar?baz=http://foo.bar\n", "FooBot", "/foo/bar?baz=http%3A%2F%2Ffoo.bar", false},
	{"reserved in the path differs", "User-agent: FooBot\nDisallow: /a%2Fb\n", "FooBot", "/a/b", true},
	{"umlaut", "User-agent: *\nDisallow: /ü\n", "ebb", "/%C3%BC", false},
	{"lower-case escapes", "User-agent: *\nDisallow: /%c3%bc\n", "ebb", "/%C3%BCber", false},
	{"rfc: %2A is a star", "User-agent: *\nDisallow: /path/file-with-a-%2A.html\n", "ebb", "/path/file-with-a-*.html", false},
	{"rfc: %2A is no wildcard", "User-agent: *\nDisallow: /path/file-with-a-%2A.html\n", "ebb", "/path/file-with-a-x.html", true},
	{"rfc: %24 is a dollar", "User-agent: *\nDisallow: /path/foo-%24\n", "ebb", "/path/foo-$", false},

	{"google: wildcard", "user-agent: FooBot\ndisallow: /foo/bar/*/qux\n", "FooBot", "/foo/bar/foo/qux", false},
	{"google: wildcard, empty", "user-agent: FooBot\ndisallow: /foo/bar*qux\n", "FooBot", "/foo/barqux", false},
	{"google: wildcard, none", "user-agent: FooBot\ndisallow: /foo/bar/*/qux\n", "FooBot", "/foo/bar/qux", true},
	{"google: end", "user-agent: FooBot\ndisallow: /foo/bar$\n", "FooBot", "/foo/bar", false},
	{"google: end, more", "user-agent: FooBot\ndisallow: /foo/bar$\n", "FooBot", "/foo/bar/qux", true},
	{"google: end, slash", "user-agent: FooBot\ndisallow: /foo/bar$\n", "FooBot", "/foo/bar/", true},
	{"rfc: end of php", "User-agent: *\nAllow: /this/path/exactly$\nDisallow: /\n", "ebb", "/this/path/exactly", true},
	{"rfc: end of gif", "User-agent: *\nDisallow: *.gif$\n", "ebb", "/a/b.gif", false},
	{"rfc: end of gif, query", "User-agent: *\nDisallow: *.gif$\n", "ebb", "/a/b.gif?x", true},
	{"dollar in the middle", "User-agent: *\nDisallow: /a$b\n", "ebb", "/a$bc", false},
	{"many stars", "User-agent: *\nDisallow: /*a*a*a*a*a*a*a*a*b\n", "ebb", "/" + strings.Repeat("a", 2000), true},
	{"star at the end", "User-agent: *\nDisallow: /fish*\n", "ebb", "/fishheads/yummy.html", false},
	{"prefix is no substring", "User-agent: *\nDisallow: /fish\n", "ebb", "/catfish", true},
	{"question mark", "User-agent: *\nDisallow: /*?\n", "ebb", "/a?b=c", false},
	{"empty query", "User-agent: *\nDisallow: /*?\n", "ebb", "/a?", false},
	{"path without a slash is no rule", "User-agent: *\nDisallow: private\n", "ebb", "/private", true},

	{"robots.txt itself", "User-agent: *\nDisallow: /\n", "ebb", "/robots.txt", true},
	{"empty path is /", "User-agent: *\nDisallow: /\n", "ebb", "", false},
	{"comments", "User-agent: * # all\nDisallow: /x # not this\n#Disallow: /y\n", "ebb", "/x", false},
	{"comments hide", "User-agent: *\n#Disallow: /y\n", "ebb", "/y", true},
	{"crlf", "User-agent: *\r\nDisallow: /x\r\n", "ebb", "/x", false},
	{"cr", "User-agent: *\rDisallow: /x\r", "ebb", "/x", false},
	{"no end of line", "User-agent: *\nDisallow: /x", "ebb", "/x", false},
	{"byte order mark", "\xEF\xBB\xBFUser-agent: *\nDisallow: /\n", "ebb", "/x", false},
	{"google: half a byte order mark", "\xEF\xBBUser-agent: *\nDisallow: /\n", "ebb", "/x", false},
	{"google: broken byte order mark", "\xEF\x11\xBFUser-agent: *\nDisallow: /\n", "ebb", "/x", true},
	{"sitemap does not end a group", "User-agent: a\nSitemap: https://x/s\nUser-agent: ebb\nDisallow: /\n", "a", "/x", false},
	{"crawl-delay does not end a group", "User-agent: a\nCrawl-delay: 1\nUser-agent: ebb\nDisallow: /\n", "a", "/x", false},
	{"misspelt", "user agent: ebb\nDisalow: /\n", "ebb", "/x", false},
	{"html instead", "<!DOCTYPE html><html><body>Disallow: /</body></html>", "ebb", "/x", true},
	{"a page's text after html", "<html>\n<p>User-agent: *</p>\n", "ebb", "/x", true},

	{"rfc: foobot's page", rfcExample, "foobot", "/example/page.html", true},
	{"rfc: foobot's disallowed", rfcExample, "foobot", "/example/disallowed.gif", false},
	{"rfc: foobot elsewhere", rfcExample, "foobot", "/other", false},
	{"rfc: bazbot", rfcExample, "BazBot", "/example/page.html", false},
	{"rfc: barbot's", rfcExample, "barbot", "/example/page.html", false},
	{"rfc: quxbot may all", rfcExample, "quxbot", "/publications/x.gif", true},
	{"rfc: others", rfcExample, "other", "/foo/bar.gif", false},
	{"rfc: others' publications", rfcExample, "other", "/publications/a.html", true},
	{"rfc: longest", "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n", "foobot", "/example/page/disallowed.gif", false},
}

const googleGroups = `allow: /foo/bar/

user-agent: FooBot
disallow: /
allow: /x/
user-agent: BarBot
disallow: /
allow: /y/


allow: /w/
user-agent: BazBot

user-agent: FooBot
allow: /z/
disallow: /
`

const rfcExample = `User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot

# nothing more`

func TestRobotsAllowed(t *testing.T) {
	for _, c := range robotsCases {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse("https://example.org" + c.url)
			require.NoError(t, err)
			require.Equal(t, c.allowed, ParseRobots([]byte(c.robots)).Allowed(c.agent, u))
		})
	}
}

func TestRobotsCrawlDelay(t *testing.T) {
	robots := ParseRobots([]byte(`Crawl-delay: 99
User-agent: a
Crawl-delay: 2.5
User-agent: b
Crawl-delay: 7
Disallow: /x

User-agent: *
Crawl-delay: 1e300
User-agent: bad
Crawl-delay: soon
Crawl-delay: -1
Crawl-delay: NaN
Disallow:`))
	require.Equal(t, 2500*time.Millisecond, robots.CrawlDelay("A/1.0"))
	require.Equal(t, 7*time.Second, robots.CrawlDelay("b"))
	require.Equal(t, 24*time.Hour, robots.CrawlDelay("ebb"))
	require.Zero(t, robots.CrawlDelay("bad"))
	require.Zero(t, ParseRobots(nil).CrawlDelay("ebb"))
}

func TestRobotsSitemaps(t *testing.T) {
	robots := ParseRobots([]byte("Sitemap: https://x.org/a.xml\nUser-agent: *\nsite-map:https://x.org/b.xml\nSitemap:\n"))
	require.Equal(t, []string{"https://x.org/a.xml", "https://x.org/b.xml"}, robots.Sitemaps())
}

// The line that the limit cuts must not count: "Allow: /" of "Allow: /public".
func TestRobotsLimit(t *testing.T) {
	head := "User-agent: *\nDisallow: /\n"
	line := "Allow: /public\n"
	padding := strings.Repeat("#", MaxRobotsBytes-len(head)-len("Allow: /")-1) + "\n"
	cut := ParseRobots([]byte(head + padding + line))
	u := &url.URL{Scheme: "https", Host: "x.org", Path: "/secret"}
	require.False(t, cut.Allowed("ebb", u))
	u.Path = "/public"
	require.False(t, cut.Allowed("ebb", u), "beyond the limit")
	whole := ParseRobots([]byte(head + padding[len(line):] + line))
	require.True(t, whole.Allowed("ebb", u), "within the limit")
}

func FuzzRobots(f *testing.F) {
	for _, c := range robotsCases {
		f.Add([]byte(c.robots), c.agent, c.url)
	}
	f.Fuzz(func(t *testing.T, body []byte, agent, path string) {
		robots := ParseRobots(body)
		u := &url.URL{Scheme: "https", Host: "example.org", Path: path}
		robots.Allowed(agent, u)
		if d := robots.CrawlDelay(agent); d < 0 || d > 24*time.Hour {
			t.Fatalf("crawl delay %v", d)
		}
		u.Path = "/robots.txt"
		if !robots.Allowed(agent, u) {
			t.Fatal("robots.txt itself is forbidden")
		}
	})
}

func BenchmarkRobotsAllowed(b *testing.B) {
	var text strings.Builder
	text.WriteString("User-agent: *\n")
	for i := range 200 {
		fmt.Fprintf(&text, "Disallow: /section-%d/*/private\n", i)
	}
	robots := ParseRobots([]byte(text.String()))
	u, err := url.Parse("https://example.org/section-150/items/42?page=3")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if !robots.Allowed("ebb", u) {
			b.Fatal("not allowed")
		}
	}
}
