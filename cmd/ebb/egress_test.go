package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/egress"
	"github.com/ebbworker/ebb/sites"
)

func egressSite(t *testing.T, yaml string) *sites.Site {
	t.Helper()
	site, err := sites.Parse("site.yaml", []byte(yaml+"\ntemplates: [{name: page}]\n"))
	require.NoError(t, err)
	return site
}

func openExits(t *testing.T, settings EgressConfig, list ...*sites.Site) *exits {
	t.Helper()
	e, err := newExits(settings, list)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.proxy.Close()) })
	return e
}

// TestSitesWithTheSameRulesShareADoor: a site has one of its own only where its rules
// differ, and Chrome's own is that of the configuration, unless all sites agree.
func TestSitesWithTheSameRulesShareADoor(t *testing.T) {
	plain := egressSite(t, "name: plain\nstart: https://shop.example/")
	other := egressSite(t, "name: other\nstart: https://news.example/")
	local := egressSite(t, "name: local\nstart: http://127.0.0.1:8080/")
	too := egressSite(t, "name: too\nstart: http://127.0.0.1:8080/x")
	intra := egressSite(t, "name: intra\nstart: https://intra.example/\negress: [intra.example]")
	on := EgressConfig{Enabled: true}

	e := openExits(t, on, plain, other)
	require.Same(t, e.shared, e.of("plain"))
	require.Same(t, e.shared, e.of("other"))
	e = openExits(t, on, local, too)
	require.Same(t, e.shared, e.of("local"), "all sites agree")
	e = openExits(t, on, plain, local, too, intra)
	require.Same(t, e.shared, e.of("plain"))
	require.Same(t, e.of("local"), e.of("too"))
	require.NotSame(t, e.shared, e.of("local"))
	require.NotSame(t, e.of("local"), e.of("intra"))

	off, err := newExits(EgressConfig{}, []*sites.Site{plain})
	require.NoError(t, err)
	require.Nil(t, off)
}

func TestSitePolicy(t *testing.T) {
	site := egressSite(t, `name: s
start: ["http://127.0.0.1:8080/a", "https://shop.example/", "http://[::1]/", "http://localhost/"]
follow: {origins: ["http://10.1.2.3:81"]}
egress: {allow: intra.example, deny: [tracker.example]}`)
	require.Equal(t, egress.Policy{
		Allow: []string{"*.corp.example", "intra.example", "127.0.0.1:8080", "[::1]:80", "localhost:80", "10.1.2.3:81"},
		Deny:  []string{"bad.example", "tracker.example"},
	}, sitePolicy(EgressConfig{Allow: []string{"*.corp.example"}, Deny: []string{"bad.example"}}, site))
}

// TestEgressEntriesAreReadAlike: the site file and the configuration take the same entries.
func TestEgressEntriesAreReadAlike(t *testing.T) {
	for entry, fine := range map[string]bool{
		"a.example": true, "*.a.example": true, "a.example:80": true, "*.a.example:8080": true, "10.0.0.1": true, "10.0.0.0/8": true,
		"::1": true, "[::1]": true, "[::1]:80": true, "fd00::/8": true, "*": true, "localhost": true, "A.Example": true, "a.example.": true,
		"a*.example": false, "http://a.example": false, "10.0.0.0/33": false, "a.example:0": false, "a.example:x": false,
		"a.example:70000": false, "a b": false, "ä.example": false, "a..example": false, "*.": false, ":80": false, "a/b": false,
	} {
		yaml := "name: s\nstart: https://a.example/\negress: ['" + entry + "']\ntemplates: [{name: page}]\n"
		_, err := sites.Parse("site.yaml", []byte(yaml))
		require.Equal(t, fine, err == nil, "site file: %s: %v", entry, err)
		require.Equal(t, fine, egress.Check(entry) == nil, "configuration: %s", entry)
	}
}

func TestEgressConfiguration(t *testing.T) {
	getenv := func(string) string { return "" }
	load := func(yaml string) error {
		_, err := LoadConfig(ConfigSources{Path: "-", Stdin: strings.NewReader(yaml), Getenv: getenv})
		return err
	}
	require.NoError(t, load("egress: {allow: [intra.example], deny: ['*'], proxy: 'http://u:p@proxy.example:3128', direct: [10.0.0.0/8]}"))
	require.ErrorContains(t, load("egress: {allow: ['http://x/']}"), "egress.allow: \"http://x/\" is a URL")
	require.ErrorContains(t, load("egress: {proxy: 'socks5://u:hidden@proxy.example'}"), "only http:// and https://")
	err := load("egress: {proxy: 'http://u:hidden%@proxy.example'}")
	require.ErrorContains(t, err, "it is not a URL")
	require.NotContains(t, err.Error(), "hidden")
	flag := "browser: {flags: [--proxy-bypass-list=*]}"
	require.ErrorContains(t, load(flag), "--proxy-bypass-list=* is not for here; it would lead Chrome around the egress proxy")
	require.NoError(t, load(flag+"\negress: {enabled: false}"))
}
