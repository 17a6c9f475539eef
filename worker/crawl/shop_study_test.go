//go:build studies

package crawl

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
)

func TestShopByIsolation(t *testing.T) {
	for isolation, known := range map[sites.Isolation]int64{
		sites.IsolationTab: 2, sites.IsolationPage: 2, // they share the profile's cookies
		sites.IsolationContext: 0, sites.IsolationBrowser: 0,
	} {
		t.Run(string(isolation), func(t *testing.T) {
			pool := browsertest.Pool(t, 2)
			s := newShop(t, 1)
			var came atomic.Int64
			s.pages["/p/1"] = func(w http.ResponseWriter, r *http.Request) {
				if _, err := r.Cookie("was"); err == nil {
					came.Add(1)
				}
				http.SetCookie(w, &http.Cookie{Name: "was", Value: "here", Path: "/"})
				s.page(w, r)
			}
			site := s.site(t, func(s *sites.Site) { s.Isolation = isolation })
			for i := range 3 {
				summary, _ := s.crawl(t, pool, site, func(o *Options) { o.RunID = fmt.Sprint(isolation, i) })
				require.Equal(t, 2, summary.Done, summary.FirstError)
			}
			require.Equal(t, known, came.Load(), "runs that knew of the one before")
		})
	}
}
