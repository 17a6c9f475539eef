package crawl

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

func newTestFrontier(t *testing.T, change func(*sites.Site)) *frontier {
	site := fakeSite(t, change, home)
	return newFrontier(site, limitsOf(site))
}

func links(urls ...string) []sites.Link {
	var list []sites.Link
	for _, u := range urls {
		list = append(list, sites.Link{URL: u})
	}
	return list
}

func TestFrontierKnowsAPageByItsCanonicalURL(t *testing.T) {
	f := newTestFrontier(t, nil)
	starts, err := f.start()
	require.NoError(t, err)
	require.Len(t, starts, 1)
	base, err := url.Parse(home + "list/")
	require.NoError(t, err)
	found, duplicates := f.admit(starts[0], base, links("a#top", "/list/a?utm_source=x", "HTTP://SHOP.TEST:80/list/a", "..", "mailto:x@y"))
	require.Equal(t, 3, duplicates)
	require.Equal(t, 1, f.refused)
	require.Len(t, found, 1)
	require.Equal(t, PageRef{Key: home + "list/a", URL: home + "list/a#top", Template: "page", Depth: 1, Parent: home}, found[0])
}

func TestFrontierFollowsTheSitesRules(t *testing.T) {
	f := newTestFrontier(t, func(s *sites.Site) {
		s.Follow.Deny = []sites.Pattern{"/private/**"}
		s.Templates[0].Match = []sites.Pattern{"/", "/p/*"}
	})
	base, _ := url.Parse(home)
	found, _ := f.admit(PageRef{Key: home}, base, links("/p/1", "/private/1", "http://other.test/p/1", "/unknown"))
	require.Len(t, found, 1)
	require.Equal(t, home+"p/1", found[0].Key)
	require.Equal(t, 3, f.refused, "denied, of another origin, and without a template")
}

func TestFrontierGoesOnWhereItWas(t *testing.T) {
	f := newTestFrontier(t, func(s *sites.Site) { s.Limits.Pages = 4 })
	deep := PageRef{Key: home + "deep", URL: home + "deep", Template: "page", Depth: 3}
	flat := PageRef{Key: home + "flat", URL: home + "flat", Template: "page", Depth: 1, Attempts: 2}
	more := PageRef{Key: home + "more", URL: home + "more", Template: "page", Depth: 3}
	require.NoError(t, f.restore(State{Queued: []PageRef{deep, flat, more, deep}, Known: []string{home, home + "x"}, Visited: 2}))
	starts, err := f.start()
	require.NoError(t, err)
	require.Empty(t, starts)
	require.Equal(t, 5, f.found)

	var order []string
	for !f.full(f.heads()[0].pages[0]) {
		order = append(order, f.take(f.heads()[0]).Key)
	}
	require.Equal(t, []string{home + "flat", home + "deep"}, order, "two of four pages were visited before")
	require.Equal(t, 1, f.queued)
}

func TestFrontierHoldsFailedPagesBackUntilTheyAreDue(t *testing.T) {
	f := newTestFrontier(t, func(s *sites.Site) { s.Limits.Pages = 1 })
	require.NoError(t, f.push(PageRef{Key: home, URL: home}))
	page := f.take(f.heads()[0])
	now := time.Now()
	page.due = now.Add(time.Minute)
	f.enter(page)
	require.Empty(t, f.heads())
	require.Equal(t, now.Add(time.Minute), f.ripen(now))
	require.Empty(t, f.heads())
	require.Zero(t, f.ripen(now.Add(time.Minute)))
	require.False(t, f.full(f.heads()[0].pages[0]), "it has its place")
	f.free(f.take(f.heads()[0]))
	require.Zero(t, f.slots)
	require.Zero(t, f.queued)
}

func TestFrontierIsBounded(t *testing.T) {
	f := newTestFrontier(t, func(s *sites.Site) { s.Limits.Pages = 50 })
	base, _ := url.Parse(home)
	for i := range 20 {
		var urls []string
		for j := range 100 {
			urls = append(urls, fmt.Sprintf("/%d/%d", i, j))
		}
		f.admit(PageRef{}, base, links(urls...))
	}
	require.Len(t, f.known, 100)
	require.Equal(t, 1900, f.leftOut)
}
