package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPageSite: the site that `ebb scrape URL` makes up must itself pass the checks of
// a site file, and hold the run to that one page.
func TestPageSite(t *testing.T) {
	site, err := pageSite("https://shop.example/p/1?x=2#top")
	require.NoError(t, err)
	require.Equal(t, []string{"https://shop.example/p/1?x=2#top"}, site.Start)
	require.Equal(t, 1, site.Limits.Pages)
	require.Equal(t, 0, *site.Limits.Depth)
	require.Len(t, site.Templates, 1)
}

func TestPageSiteRefusesWhatIsNoPage(t *testing.T) {
	for address, message := range map[string]string{
		"http://":      `"http://" names no host`,
		"http://a b/":  `invalid character " " in host name`,
		"https://u@h/": "user",
	} {
		_, err := pageSite(address)
		require.ErrorContains(t, err, message, address)
		var coded *exitError
		require.ErrorAs(t, err, &coded, address)
		require.Equal(t, exitUsage, coded.code, address)
	}
}
