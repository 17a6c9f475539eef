package crawl

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

var (
	errTabKilled    = fmt.Errorf("%w: %w", browser.ErrCrashed, browser.ErrOutOfMemory)
	errChromeKilled = fmt.Errorf("%w: %w", browser.ErrGone, browser.ErrOutOfMemory)
)

// killing is a site of 20 pages, each of which takes a second, with four tabs.
func killing(t *testing.T) (*world, *sites.Site) {
	w := newWorld()
	w.star(20)
	for _, p := range w.pages {
		p.takes = time.Second
	}
	return w, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 4 }, home)
}

// Pages that are killed for want of memory are tried again, alone, and so is what follows; several at
// once are killed for one reason.
func TestAKilledPageIsTriedAgainAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, site := killing(t)
		w.pages[home+"2"].errs, w.pages[home+"3"].errs = []error{errTabKilled}, []error{errTabKilled}
		r := w.start(t, site, nil)
		began := time.Now()
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, Outcome{State: RunDone}, s.Outcome)
		require.Equal(t, []int{21, 0, 2, 2, 4}, []int{s.Done, s.Failed, s.Retries, s.Killed, w.mostTabs})
		require.Equal(t, []string{"oom", "oom"}, r.ledger().retries)
		require.GreaterOrEqual(t, time.Since(began), 18*time.Second, "home, four at once, perhaps some beside them, then one after the other")
	})
}

// What is killed although it is alone ends the run; nothing of it is lost.
func TestAPageThatIsKilledAloneEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, site := killing(t)
		w.pages[home+"2"].errs = []error{errTabKilled, errTabKilled}
		r := w.start(t, site, nil)
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, ErrMemory)
		require.ErrorContains(t, err, home+"2")
		require.Equal(t, Outcome{State: RunPartial, Class: ClassMemory}, s.Outcome)
		require.Equal(t, 2, s.Killed)
		require.Equal(t, 21, s.Done+s.Queued)
		require.Len(t, r.ledger().queued, s.Queued)
		require.Equal(t, 2, r.ledger().queued[home+"2"].Attempts)
	})
}

// A run that goes on after a kill, or whose site had one not long ago, begins with one tab.
func TestARunAfterAKillHasOneTab(t *testing.T) {
	for name, set := range map[string]func(*Options){
		"the run": func(o *Options) { o.State.Killed = true }, "the site": func(o *Options) { o.OneTab = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, site := killing(t)
				s, err := w.start(t, site, set).run(t.Context())
				require.NoError(t, err)
				require.Equal(t, []int{21, 1}, []int{s.Done, w.mostTabs})

				w, site = killing(t)
				w.pages[home].errs = []error{errTabKilled}
				s, err = w.start(t, site, set).run(t.Context())
				require.ErrorIs(t, err, ErrMemory, "it is not the first")
				require.Equal(t, Outcome{State: RunFailed, Class: ClassMemory}, s.Outcome)
			})
		})
	}
}

// The pages that were open in a Chrome whose main process was killed may all be innocent: one that is
// alone ends the run only when that happens again.
func TestAKilledChromeIsNoProofAgainstAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, site := killing(t)
		w.pages[home+"2"].errs = []error{errChromeKilled, errChromeKilled}
		s, err := w.start(t, site, nil).run(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{21, 2}, []int{s.Done, s.Killed})

		w, site = killing(t)
		w.pages[home+"2"].errs = []error{errChromeKilled, errChromeKilled, errChromeKilled}
		s, err = w.start(t, site, nil).run(t.Context())
		require.ErrorIs(t, err, ErrMemory)
		require.Equal(t, 3, s.Killed)
	})
}

// Nobody goes on with a final run: its page has failed.
func TestAFinalRunRecordsTheKilledPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, site := killing(t)
		w.pages[home+"2"].errs = []error{errTabKilled, errTabKilled}
		r := w.start(t, site, func(o *Options) { o.Final = true })
		s, err := r.run(t.Context())
		require.ErrorIs(t, err, ErrMemory)
		require.Equal(t, 1, s.Failed)
		require.Equal(t, ClassMemory, r.ledger().pages[home+"2"].Class)
	})
}
