package crawl

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

func TestRetryDelay(t *testing.T) {
	const limit = 5
	tests := map[Class]struct {
		retries        int
		first, longest time.Duration
	}{
		ClassDNS:      {5, 2 * time.Second, time.Minute},
		ClassConnect:  {5, time.Second, time.Minute},
		ClassTLS:      {1, 5 * time.Second, 5 * time.Second},
		ClassTimeout:  {5, 2 * time.Second, 30 * time.Second},
		ClassBusy:     {5, 5 * time.Second, 5 * time.Minute},
		ClassSelector: {1, 2 * time.Second, 2 * time.Second},
		ClassMissing:  {1, 2 * time.Second, 2 * time.Second},
		ClassScript:   {1, time.Second, time.Second},
		ClassCrash:    {5, 0, 10 * time.Second},
		ClassMemory:   {1, 0, 250 * time.Millisecond},
		ClassHung:     {1, 0, 10 * time.Second},
		ClassBrowser:  {3, 500 * time.Millisecond, 10 * time.Second},
		ClassHTTP:     {0, 0, 0}, // without a status that may pass
		ClassBlocked:  {}, ClassInvalid: {}, ClassTooLarge: {}, ClassType: {}, ClassRobots: {},
		ClassLimit: {}, ClassInternal: {}, ClassNone: {},
	}
	for class, want := range tests {
		f := &fault{class: class, err: errors.New("x")}
		retries := 0
		var before time.Duration
		for attempt := 1; attempt < 50; attempt++ {
			delay, ok := retryDelay(f, attempt, limit)
			if !ok {
				break
			}
			retries++
			if attempt == 1 {
				require.GreaterOrEqual(t, delay, want.first, class)
				require.LessOrEqual(t, delay, want.first*6/5, class)
			}
			if before > 0 {
				require.Greater(t, delay, before*4/5, "%s: it grows", class)
			}
			require.LessOrEqual(t, delay, want.longest*6/5, class)
			before = delay
		}
		require.Equal(t, want.retries, retries, class)
		require.Equal(t, want.retries > 0 || class == ClassHTTP, class.Passing(), class)
	}
	for class := range retryRules {
		require.Contains(t, tests, class)
	}
}

func TestRetryDelayObeysTheServer(t *testing.T) {
	f := &fault{class: ClassBusy, retryAfter: time.Hour, err: errors.New("x")}
	delay, ok := retryDelay(f, 1, 2)
	require.True(t, ok)
	require.Equal(t, time.Hour, delay)
	_, ok = retryDelay(f, 1, 0)
	require.False(t, ok, "a site without retries")
}

func TestPatienceGrowsWithEachTry(t *testing.T) {
	for attempts, want := range []time.Duration{time.Second, 4 * time.Second, 16 * time.Second, 64 * time.Second, 64 * time.Second} {
		require.Equal(t, want, patience(time.Second, attempts))
	}
	w := newWorld()
	w.add("http://a/", &place{errs: []error{fmt.Errorf("open: %w", browser.ErrScript)}})
	r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Hang = sites.Duration(3 * time.Second) }, "http://a/"), nil)
	s, err := r.run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, s.Done)
	require.Equal(t, []string{string(ClassHung)}, r.ledger().retries)
	require.Equal(t, []time.Duration{3 * time.Second, 12 * time.Second}, []time.Duration{w.leases[0].MaxScript, w.leases[1].MaxScript})
}
