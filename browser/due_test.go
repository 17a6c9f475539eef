package browser

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWhatKeepsAChrome: precautions spare a Chrome whose end would lose something; what speaks against it
// does not.
func TestWhatKeepsAChrome(t *testing.T) {
	p := NewPool(PoolOptions{Recycle: Recycle{Pages: 1, Age: time.Hour, Idle: time.Second, Failures: 2}})
	m := &member{browser: &Browser{started: time.Now()}, since: time.Now().Add(-time.Minute)}
	due := func() RecycleReason { reason, _ := p.due(m); return reason }
	require.Empty(t, due())
	require.GreaterOrEqual(t, p.idleFor(m), time.Minute)
	m.uses = 1
	require.Negative(t, p.idleFor(m), "a run is at work")
	m.uses, m.home = 0, true
	require.Negative(t, p.idleFor(m), "a site has its cookies there")
	m.browser.started = time.Now().Add(-time.Hour)
	require.Equal(t, RecycleAge, due())
	m.browser.pages.Add(1)
	require.Equal(t, RecyclePages, due())
	m.home = false
	p.kept["shop"] = &keptTab{tab: &Tab{}, at: spot{ground: ground{member: m}}}
	require.Empty(t, due(), "a page is kept")
	require.Negative(t, p.idleFor(m))
	m.failures = 2
	require.Equal(t, RecycleFailures, due())
}
