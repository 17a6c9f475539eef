package crawl

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/browser/egress"
	"github.com/ebbworker/ebb/sites"
)

// BenchmarkEgress visits the same pages with the egress proxy and without it, in turn, each
// arm in a Chrome of its own that stays. A page has twelve images of 8 KB, a script and a
// style sheet of its own, of which nothing is cached; four pages are open at once, so that up to 24 requests are
// under way. Reported are the pages a second of both arms and the median of the ratios of
// neighbours: go test ./worker/crawl -run '^$' -bench Egress -benchtime 10x
func BenchmarkEgress(b *testing.B) {
	const pages = 20
	w := benchWeb(b, pages)
	proxy, err := egress.New(egress.Options{})
	require.NoError(b, err)
	door, err := proxy.Open(egress.Policy{Allow: []string{strings.TrimPrefix(w.URL, "http://")}})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- proxy.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		require.NoError(b, <-ended)
	})
	arms := []*browser.Pool{benchPool(b, nil), benchPool(b, door)}
	for _, arm := range arms { // neither pays for the start of its Chrome
		benchRun(b, w, arm)
	}
	var took [2][]float64
	var ratios []float64
	b.ResetTimer()
	for i := range b.N {
		for n := range arms {
			arm := (n + i) % 2 // A B, B A, ...
			took[arm] = append(took[arm], benchRun(b, w, arms[arm]).Seconds())
		}
		ratios = append(ratios, took[0][i]/took[1][i])
	}
	b.StopTimer()
	b.ReportMetric(pages/median(took[0]), "pages/s-without")
	b.ReportMetric(pages/median(took[1]), "pages/s-with")
	b.ReportMetric(median(ratios), "ratio")
}

func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func benchPool(b *testing.B, proxy *egress.Door) *browser.Pool {
	launch := browsertest.LaunchOptions(b)
	if proxy != nil {
		launch.Proxy = proxy
	}
	pool := browser.NewPool(browser.PoolOptions{Launch: launch, Tabs: 4})
	b.Cleanup(func() { require.NoError(b, pool.Close(browsertest.Within(b))) })
	return pool
}

// benchWeb is a star of pages with things to load.
func benchWeb(b *testing.B, pages int) *web {
	w := newWeb(b)
	image := []byte("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><!--" + strings.Repeat("x", 8000) + "--></svg>")
	serve := func(kind string, body []byte) http.HandlerFunc {
		return func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", kind)
			out.Header().Set("Cache-Control", "no-store")
			_, _ = out.Write(body)
		}
	}
	w.handle("/i.svg", serve("image/svg+xml", image))
	w.handle("/s.js", serve("text/javascript", []byte("document.title += '!'")))
	w.handle("/s.css", serve("text/css", []byte("h1 { color: red }")))
	var links []string
	for i := range pages - 1 {
		path := fmt.Sprintf("/%d", i)
		links = append(links, path)
		body := fmt.Sprintf("<link rel=stylesheet href='/s.css?%d'><script src='/s.js?%d'></script>", i, i)
		for n := range 12 {
			body += fmt.Sprintf("<img src='/i.svg?%d-%d'>", i, n)
		}
		w.html(path, body)
	}
	w.page("/", links...)
	return w
}

func benchRun(b *testing.B, w *web, pool *browser.Pool) time.Duration {
	site := fakeSite(b, func(s *sites.Site) {
		s.Robots, s.Limits.Tabs, s.Limits.PerHost = sites.RobotsIgnore, 4, 4
		s.Templates[0].Wait = []sites.Wait{{Event: sites.WaitLoad}}
	}, w.URL+"/")
	began := time.Now()
	s, err := Run(b.Context(), Options{Site: site, RunID: fmt.Sprint(began.UnixNano()), Tabs: pool, Journal: newLedger(), Final: true})
	require.NoError(b, err)
	require.Zero(b, s.Failed)
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	return time.Since(began)
}
