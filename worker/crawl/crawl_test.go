package crawl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

const home = "http://shop.test/"

// chain adds pages 1..n, each of which links to the next, and home, which links to 1.
func (w *world) chain(n int) {
	for i := range n + 1 {
		p := &place{}
		if i < n {
			p.links = []string{fmt.Sprintf("%s%d", home, i+1)}
		}
		w.add(chainURL(i), p)
	}
}

func chainURL(i int) string {
	if i == 0 {
		return home
	}
	return fmt.Sprintf("%s%d", home, i)
}

// star adds home with links to pages 1..n.
func (w *world) star(n int) {
	p := w.add(home, &place{})
	for i := range n {
		p.links = append(p.links, chainURL(i+1))
		w.add(chainURL(i+1), &place{})
	}
}

func TestRunVisitsEveryPageOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(home, &place{links: []string{home + "a", home + "b", home, home + "a"}, more: []string{home + "?page=2"}})
		w.add(home+"?page=2", &place{links: []string{home + "c", home + "a"}})
		w.add(home+"a", &place{links: []string{home + "d", home + "b"}})
		w.add(home+"b", &place{})
		w.add(home+"c", &place{})
		w.add(home+"d", &place{links: []string{home}})
		r := w.start(t, fakeSite(t, nil, home, home), nil)

		s, err := r.run(t.Context())

		require.NoError(t, err)
		require.Equal(t, []string{home, home + "?page=2", home + "a", home + "b", home + "c", home + "d"}, w.urls(),
			"pagination keeps its depth, then depth before discovery")
		require.Equal(t, Outcome{State: RunDone}, s.Outcome)
		require.Equal(t, []int{6, 0, 0, 0, 6, 6}, []int{s.Done, s.Failed, s.Skipped, s.Queued, s.Found, s.Items})
		require.Equal(t, 6, s.Duplicates, "home twice at the start, its links to itself and twice to a, then a, b and home again")
		require.Equal(t, 1, s.PeakOpen)
		require.Equal(t, []string{"run"}, w.ended)
		require.Len(t, r.ledger().pages, 6)
	})
}

func TestLimitTabs(t *testing.T) {
	for _, tabs := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.star(20)
			for _, p := range w.pages {
				p.takes = time.Second
			}
			r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = tabs }, home), nil)
			s, err := r.run(t.Context())
			require.NoError(t, err)
			require.Equal(t, 21, s.Done)
			require.Equal(t, tabs, w.mostTabs)
			require.Equal(t, tabs, s.PeakOpen)
		})
	}
}

func TestLimitPerHostHoldsOverAllSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(20)
		for _, p := range w.pages {
			p.takes = time.Second
		}
		hosts := NewHosts(0)
		done := make(chan Summary)
		for _, perHost := range []int{3, 2} {
			site := fakeSite(t, func(s *sites.Site) { s.Limits.Tabs, s.Limits.PerHost = 10, perHost }, home)
			r := w.start(t, site, func(o *Options) { o.Hosts = hosts })
			go func() {
				s, err := r.run(t.Context())
				require.NoError(t, err)
				done <- s
			}()
		}
		first, second := <-done, <-done
		require.Equal(t, 42, first.Done+second.Done)
		require.LessOrEqual(t, w.most["shop.test"], 3)
		require.Equal(t, 2, first.PeakOpen, "the stricter limit holds while both runs are there")
	})
}

func TestLimitRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(10)
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Rate, s.Limits.Burst, s.Limits.Tabs = 2, 3, 4 }, home), nil)
		_, err := r.run(t.Context())
		require.NoError(t, err)
		times := w.times("shop.test")
		require.Len(t, times, 11)
		for i := range times {
			for j := i; j < len(times); j++ {
				most := 3 + 2*times[j].Sub(times[i]).Seconds() + 1e-6
				require.LessOrEqual(t, float64(j-i+1), most, "pages %d to %d", i, j)
			}
		}
		require.InDelta(t, 4, times[10].Sub(times[0]).Seconds(), 0.001, "11 pages less 3 at once, at 2 a second")
	})
}

func TestWaitingForATabKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(4)
		site := fakeSite(t, func(s *sites.Site) { s.Limits.Rate, s.Limits.Tabs = 1, 4 }, home)
		r := w.start(t, site, nil)
		r.lender = slowLender{w}
		_, err := r.run(t.Context())
		require.NoError(t, err)
		times := w.times("shop.test")
		for i := 1; i < len(times); i++ {
			require.GreaterOrEqual(t, times[i].Sub(times[i-1]), time.Second-time.Millisecond)
		}
	})
}

// slowLender lends a tab only at whole tens of seconds, several at once.
type slowLender struct{ *world }

func (l slowLender) lend(ctx context.Context, o browser.LeaseOptions) (tab, error) {
	now := time.Now()
	if err := sleep(ctx, now.Truncate(10*time.Second).Add(10*time.Second).Sub(now)); err != nil {
		return nil, err
	}
	return l.world.lend(ctx, o)
}

func TestCrawlDelayLowersTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.robots["shop.test"] = "User-agent: *\nCrawl-delay: 90\n"
		w.star(3)
		var notes []string
		site := fakeSite(t, func(s *sites.Site) { s.Limits.Rate, s.Limits.Burst, s.Limits.Tabs = 10, 5, 4 }, home)
		r := w.start(t, site, func(o *Options) {
			o.On = func(e Event) {
				if e.Kind == EventNote {
					notes = append(notes, e.Text)
				}
			}
		})
		_, err := r.run(t.Context())
		require.NoError(t, err)
		times := w.times("shop.test")
		require.Len(t, times, 4)
		require.InDelta(t, 270, times[3].Sub(times[0]).Seconds(), 0.001)
		require.Equal(t, []string{"robots.txt of shop.test asks for 1m30s between two pages"}, notes)
		require.Equal(t, 1, w.robotsN["shop.test"])
	})
}

func TestRobotsForbid(t *testing.T) {
	for _, rule := range []sites.RobotsRule{sites.RobotsObey, sites.RobotsIgnore} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.robots["shop.test"] = "User-agent: ebb\nDisallow: /2\n\nUser-agent: *\nDisallow: /3\n"
			w.star(3)
			r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Robots = rule }, home), nil)
			s, err := r.run(t.Context())
			require.NoError(t, err)
			if rule == sites.RobotsIgnore {
				require.Equal(t, 4, s.Done)
				require.Zero(t, w.robotsN["shop.test"])
				return
			}
			require.Equal(t, []string{home, home + "1", home + "3"}, w.urls())
			page := r.ledger().pages[home+"2"]
			require.Equal(t, PageSkipped, page.State)
			require.Equal(t, ClassRobots, page.Class)
			require.Equal(t, Outcome{State: RunDone}, s.Outcome)
		})
	}
}

func TestUnreachableRobotsForbidEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.robots["shop.test"] = "503"
		w.star(3)
		r := w.start(t, fakeSite(t, nil, home), nil)
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, ErrAgain)
		require.Empty(t, w.urls())
		require.Equal(t, RunFailed, s.Outcome.State)
		require.Equal(t, ClassBusy, s.Outcome.Class)
		require.Equal(t, 1, s.Queued)
	})
}

func TestLimitDepth(t *testing.T) {
	for depth, want := range map[int]int{0: 1, 2: 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.chain(5)
			r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Depth = &depth }, home), nil)
			s, err := r.run(t.Context())
			require.NoError(t, err)
			require.Len(t, w.urls(), want)
			require.Equal(t, 1, s.Refused)
		})
	}
}

func TestLimitPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.robots["shop.test"] = "User-agent: *\nDisallow: /2\n"
		w.star(30)
		w.pages[home+"1"].redirect = home
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Pages, s.Limits.Tabs = 10, 3 }, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 10, s.Done, "pages that were skipped leave no gap")
		require.Equal(t, 20, s.Found, "a run remembers twice as many pages as it visits")
		require.Equal(t, 11, s.LeftOut)
		require.Equal(t, 10, s.Skipped)
		require.Equal(t, ClassLimit, r.ledger().pages[home+"19"].Class)
		require.Empty(t, r.ledger().queued)
	})
}

func TestLimitPageSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(1)
		w.pages[home+"1"].bytes = 1001
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.PageSize = 1000 }, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, ClassTooLarge, r.ledger().pages[home+"1"].Class)
		require.Equal(t, PageFailed, r.ledger().pages[home+"1"].State)
		require.Zero(t, s.Retries, "it would be too large again")
		require.Equal(t, int64(1000), w.leases[0].MaxDocument)
	})
}

func TestLimitItemSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(1)
		w.pages[home+"1"].title = "a name that is longer than the limit of an item's size"
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.ItemSize = 50 }, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, ClassTooLarge, r.ledger().pages[home+"1"].Class)
		require.Equal(t, 1, s.Items)
	})
}

func TestLimitPageTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(1)
		w.pages[home+"1"].takes = time.Hour
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.PageTimeout = sites.Duration(20 * time.Second) }, home), nil)
		began := time.Now()
		s, err := r.run(t.Context())
		require.NoError(t, err)
		page := r.ledger().pages[home+"1"]
		require.Equal(t, ClassTimeout, page.Class)
		require.Equal(t, 20*time.Second, page.Duration)
		require.Equal(t, 2, s.Retries)
		require.Less(t, time.Since(began), 80*time.Second)
		for _, cause := range w.released[1:] {
			require.ErrorIs(t, cause, errPageTimeout, "the pool must not lend such a tab again")
		}
	})
}

func TestLimitTimeoutOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.chain(100)
		for _, p := range w.pages {
			p.takes = 7 * time.Second
		}
		r := w.start(t, fakeSite(t, func(s *sites.Site) {
			s.Timeout = sites.Duration(time.Minute)
			s.Limits.Depth = new(200)
		}, home), nil)
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, ErrTimeout)
		require.Equal(t, Outcome{State: RunPartial, Class: ClassTimeout}, s.Outcome)
		require.Equal(t, 8, s.Done)
		require.Equal(t, 1, s.Queued, "the page that was open is queued, not failed")
		require.Equal(t, time.Minute, s.Duration)
		require.Equal(t, []string{"run"}, w.ended)
	})
}

func TestRetriesByClass(t *testing.T) {
	refused := &browser.NetError{Code: "net::ERR_CONNECTION_REFUSED"}
	tests := map[string]struct {
		errs    []error
		state   PageState
		class   Class
		retries int
	}{
		"passes":             {[]error{refused, refused}, PageDone, ClassNone, 2},
		"stays":              {[]error{refused, refused, refused}, PageFailed, ClassConnect, 2},
		"crash":              {[]error{browser.ErrCrashed}, PageDone, ClassNone, 1},
		"chrome died thrice": {[]error{browser.ErrGone, browser.ErrGone, browser.ErrGone}, PageDone, ClassNone, 3},
		"certificate":        {[]error{&browser.NetError{Code: "net::ERR_CERT_DATE_INVALID"}, &browser.NetError{Code: "net::ERR_CERT_DATE_INVALID"}}, PageFailed, ClassTLS, 1},
		"no page":            {[]error{browser.ErrNotPage}, PageFailed, ClassType, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.star(2)
				w.pages[home+"1"].errs = test.errs
				r := w.start(t, fakeSite(t, nil, home), nil)
				s, err := r.run(t.Context())
				require.NoError(t, err)
				page := r.ledger().pages[home+"1"]
				require.Equal(t, test.state, page.State, page.Error)
				require.Equal(t, test.class, page.Class)
				require.Equal(t, test.retries, s.Retries)
				require.Equal(t, PageDone, r.ledger().pages[home+"2"].State)
				if test.state == PageFailed {
					require.Equal(t, Outcome{State: RunPartial, Class: test.class}, s.Outcome)
					require.Equal(t, map[Class]int{test.class: 1}, s.Faults)
					require.Contains(t, s.FirstError, home+"1: ")
				}
			})
		})
	}
}

func TestStatusIsAFault(t *testing.T) {
	for status, want := range map[int]struct {
		class   Class
		retries int
	}{
		401: {ClassBlocked, 0}, 403: {ClassBlocked, 0}, 404: {ClassHTTP, 0}, 410: {ClassHTTP, 0},
		408: {ClassHTTP, 2}, 500: {ClassHTTP, 2}, 501: {ClassHTTP, 0}, 502: {ClassHTTP, 2},
		429: {ClassBusy, 2}, 503: {ClassBusy, 2},
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.star(1)
				w.pages[home+"1"].status = status
				r := w.start(t, fakeSite(t, nil, home), nil)
				s, err := r.run(t.Context())
				require.NoError(t, err)
				page := r.ledger().pages[home+"1"]
				require.Equal(t, want.class, page.Class)
				require.Equal(t, status, page.Status)
				require.Equal(t, want.retries, s.Retries)
				require.Nil(t, w.released[1], "the tab is as good as before")
			})
		})
	}
}

func TestBusySlowsTheWholeHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "http://other.test/"
		w := newWorld()
		w.star(3)
		w.add(other, &place{links: []string{other + "1"}})
		w.add(other+"1", &place{})
		busy := w.pages[home+"1"]
		busy.status, busy.header = http.StatusTooManyRequests, http.Header{"Retry-After": {"100"}}
		var pauses []time.Duration
		r := w.start(t, fakeSite(t, nil, home, other), func(o *Options) {
			o.On = func(e Event) {
				if e.Kind == EventPause {
					pauses = append(pauses, e.Delay)
					busy.status, busy.header = http.StatusOK, nil // from now on it answers
				}
			}
		})
		began := time.Now()
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 6, s.Done)
		require.Equal(t, []time.Duration{100 * time.Second}, pauses)
		for i, at := range w.times("shop.test") {
			require.Equal(t, i > 1, at.Sub(began) >= 100*time.Second, "page %d of the host waits, too", i)
		}
		for _, at := range w.times("other.test") {
			require.Less(t, at.Sub(began), time.Second, "another host does not")
		}
	})
}

func TestLongRetryAfterEndsTheRunForNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(3)
		w.pages[home+"1"].status, w.pages[home+"1"].header = 503, http.Header{"Retry-After": {"7200"}}
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Timeout = sites.Duration(5 * time.Hour) }, home), nil)
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, ErrAgain)
		require.Equal(t, Outcome{State: RunPartial, Class: ClassBusy, RetryAfter: 2 * time.Hour}, s.Outcome)
		require.Equal(t, 3, s.Queued)
		require.Len(t, r.ledger().state().Queued, 3)
	})
}

func TestNothingWorksIsLeftForLater(t *testing.T) {
	for _, final := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			unknown := &browser.NetError{Code: "net::ERR_NAME_NOT_RESOLVED"}
			w.add(home, &place{errs: []error{unknown, unknown, unknown}})
			r := w.start(t, fakeSite(t, nil, home), func(o *Options) { o.Final = final })
			s, err := r.run(t.Context())
			require.Equal(t, RunFailed, s.Outcome.State)
			require.Equal(t, ClassDNS, s.Outcome.Class)
			if final {
				require.NoError(t, err)
				require.Equal(t, PageFailed, r.ledger().pages[home].State)
				return
			}
			require.ErrorIs(t, err, ErrAgain)
			require.Equal(t, 1, s.Queued)
			state := r.ledger().state()
			require.Len(t, state.Queued, 1)
			require.Equal(t, 3, state.Queued[0].Attempts)

			again := w.start(t, r.site, func(o *Options) { o.State, o.Journal = state, r.ledger() })
			s, err = again.run(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, s.Done)
		})
	}
}

func TestFailuresBesideSuccessAreFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		down := "http://down.test/"
		refused := &browser.NetError{Code: "net::ERR_CONNECTION_REFUSED"}
		w.add(down, &place{errs: []error{refused, refused, refused}})
		w.add(home, &place{takes: time.Minute / 3})
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 2 }, down, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{1, 1, 0}, []int{s.Done, s.Failed, s.Queued})
		require.Equal(t, PageFailed, r.ledger().pages[down].State)
	})
}

func TestNoChromeEndsTheRun(t *testing.T) {
	for name, lendErr := range map[string]error{"start": browser.ErrStart, "closed": browser.ErrPoolClosed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.star(3)
				w.lendErr = func(n int) error {
					if n > 1 {
						return fmt.Errorf("lend a tab: %w", lendErr)
					}
					return nil
				}
				r := w.start(t, fakeSite(t, nil, home), nil)
				s, err := r.run(t.Context())
				require.ErrorIs(t, err, ErrBrowser)
				require.ErrorIs(t, err, lendErr)
				require.Equal(t, Outcome{State: RunPartial, Class: ClassBrowser}, s.Outcome)
				require.Equal(t, 3, s.Queued)
				for _, page := range r.ledger().queued {
					require.Zero(t, page.Attempts, "nothing is wrong with the pages")
				}
			})
		})
	}
}

func TestATabThatCannotBeHadAtOnceIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(3)
		w.lendErr = func(n int) error {
			if n%2 == 0 {
				return browser.ErrStart
			}
			return nil
		}
		r := w.start(t, fakeSite(t, nil, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 4, s.Done)
	})
}

func TestDrainFinishesOpenPagesAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(10)
		for _, p := range w.pages {
			p.takes = 10 * time.Second
		}
		drain := make(chan struct{})
		site := fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 3 }, home)
		r := w.start(t, site, func(o *Options) { o.Drain = drain })
		time.AfterFunc(15*time.Second, func() { close(drain) })
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, ErrDrained)
		require.Equal(t, 20*time.Second, s.Duration)
		require.Equal(t, []int{4, 0, 7}, []int{s.Done, s.Failed, s.Queued})
		require.Equal(t, Outcome{State: RunPartial}, s.Outcome)

		again := w.start(t, site, func(o *Options) { o.Journal, o.State = r.ledger(), r.ledger().state() })
		s, err = again.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7, s.Done)
		require.Len(t, w.urls(), 11, "each page once")
		require.Len(t, again.ledger().titles(), 11)
	})
}

func TestContextEndsOpenPagesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(10)
		for _, p := range w.pages {
			p.takes = 10 * time.Second
		}
		stopped := errors.New("a second signal")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(15*time.Second, func() { cancel(stopped) })
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 3 }, home), nil)
		s, err := r.run(ctx)
		require.ErrorIs(t, err, stopped)
		require.Equal(t, 15*time.Second, s.Duration)
		require.Equal(t, []int{1, 0, 10}, []int{s.Done, s.Failed, s.Queued})
		require.Empty(t, r.ledger().retries, "nothing is held against the pages")
		require.Equal(t, []string{"run"}, w.ended)
		require.Zero(t, w.tabs)
	})
}

func TestAJournalThatFailsEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(10)
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 3 }, home), nil)
		r.ledger().saveErr = errors.New("the disk is full")
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, r.ledger().saveErr)
		require.Equal(t, Outcome{State: RunFailed, Class: ClassInternal}, s.Outcome)
		require.Len(t, w.urls(), 1)
		require.Equal(t, 1, s.Queued)
	})
}

func TestRedirectsTakeNoItemTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(home, &place{links: []string{home + "old", home + "new", home + "alias1", home + "alias2", home + "out"}})
		w.add(home+"new", &place{})
		w.add(home+"old", &place{redirect: home + "new"})
		target := w.add(home+"target", &place{errs: nil})
		w.add(home+"alias1", &place{redirect: home + "target", errs: []error{browser.ErrCrashed}})
		w.add(home+"alias2", &place{redirect: home + "target"})
		w.add(home+"out", &place{redirect: "http://elsewhere.test/"})
		w.add("http://elsewhere.test/", &place{})
		r := w.start(t, fakeSite(t, nil, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.NotNil(t, target)
		require.Equal(t, []string{home, home + "new", home + "target"}, r.ledger().titles())
		require.Equal(t, []int{3, 0, 3}, []int{s.Done, s.Failed, s.Skipped})
		require.Contains(t, r.ledger().pages[home+"old"].Error, "same page as "+home+"new")
		require.Contains(t, r.ledger().pages[home+"alias2"].Error, "same page as "+home+"target")
		require.Contains(t, r.ledger().pages[home+"out"].Error, "origin http://elsewhere.test")
		require.Equal(t, PageDone, r.ledger().pages[home+"alias1"].State, "a second try may land where the first did")
	})
}

func TestAStartPageThatLeavesTheSiteHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(home, &place{redirect: "https://www.shop.test/"})
		w.add("https://www.shop.test/", &place{})
		r := w.start(t, fakeSite(t, nil, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, Outcome{State: RunFailed, Class: ClassHTTP}, s.Outcome)
		require.Contains(t, s.FirstError, "start there, or allow it under follow.origins")
	})
}

func TestMissingFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(home, &place{missing: true, links: []string{home + "1"}})
		w.add(home+"1", &place{})
		r := w.start(t, fakeSite(t, nil, home), func(o *Options) { o.Final = true })
		s, err := r.run(t.Context())
		require.NoError(t, err)
		page := r.ledger().pages[home]
		require.Equal(t, PageFailed, page.State)
		require.Equal(t, ClassMissing, page.Class)
		require.Equal(t, 1, s.Retries, "once")
		require.Len(t, page.Found, 1, "what it leads to is visited all the same")
		require.Equal(t, 1, s.Done)
	})
}
