package browser

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPaceIsOfTheSiteThatSlowedDownLeast: a server that answers ever later is no aged Chrome.
func TestPaceIsOfTheSiteThatSlowedDownLeast(t *testing.T) {
	var b Browser
	visit := func(site string, visits int, took time.Duration) {
		for range visits {
			b.paces.note(site, took)
		}
	}
	visit("shop", 39, time.Second)
	require.Zero(t, b.Pace(), "too few to tell")
	require.Zero(t, b.Pace().Slowdown())
	visit("shop", 21, 10*time.Second)
	require.Equal(t, Pace{Site: "shop", First: time.Second, Last: 10 * time.Second, Visits: 60}, b.Pace())
	require.Equal(t, 10.0, b.Pace().Slowdown())
	visit("news", 20, 2*time.Second)
	visit("news", 11, 4*time.Second)
	visit("news", 9, 2*time.Second)
	require.Equal(t, Pace{Site: "news", First: 2 * time.Second, Last: 4 * time.Second, Visits: 40}, b.Pace())
	for i := range 2 * maxPaced {
		visit(strconv.Itoa(i), 1, 1)
	}
	require.Len(t, b.paces.sites, maxPaced)
}
