package sites

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCleanup(t *testing.T) {
	c, err := ParseCleanup([]string{"storage", "gc=every 10 pages", "blank=off", "cookies= every  1 run "})
	require.NoError(t, err)
	require.Equal(t, Cleanup{Storage: AfterRun, GC: "every 10 pages", Blank: Never, Cookies: AfterRun}, c)
	require.Equal(t, []CleanupRule{
		{"cookies", AfterRun}, {"storage", AfterRun}, {"blank", Never}, {"gc", "every 10 pages"},
	}, c.Rules())

	_, err = ParseCleanup([]string{"storge", "gc=now", "nothing-like-it"})
	require.ErrorContains(t, err, `there is no cleanup "storge"; did you mean storage?`)
	require.ErrorContains(t, err, `"now" is not a time for a cleanup`)
	require.ErrorContains(t, err, `there is no cleanup "nothing-like-it"; known are cookies, `)
}

func TestWhenAfter(t *testing.T) {
	for when, want := range map[When]struct {
		after When
		every int
	}{
		"": {Never, 0}, "off": {Never, 0}, "page": {AfterPage, 1}, "run": {AfterRun, 1}, "cycle": {AfterCycle, 1},
		"every 10 pages": {AfterPage, 10}, "every 2 runs": {AfterRun, 2}, "every 3 cycle": {AfterCycle, 3},
	} {
		after, every := when.After()
		require.Equal(t, want.after, after, string(when))
		require.Equal(t, want.every, every, string(when))
	}
}

// TestCleanups: the site's own go before the configuration's, and those before the defaults.
func TestCleanups(t *testing.T) {
	site := &Site{Isolation: IsolationTab, Keep: KeepNone}
	require.Equal(t, Cleanup{Blank: AfterRun}, site.Cleanups(Cleanup{}))
	require.Equal(t, Cleanup{Blank: Never, GC: AfterPage}, site.Cleanups(Cleanup{Blank: Never, GC: AfterPage}))
	site.Cleanup = Cleanup{Blank: AfterPage, GC: Never}
	require.Equal(t, Cleanup{Blank: AfterPage, GC: Never, Cookies: AfterRun}, site.Cleanups(Cleanup{Blank: Never, GC: AfterPage, Cookies: AfterRun}))
	require.Equal(t, Cleanup{}, (&Site{Isolation: IsolationTab, Keep: KeepPage}).Cleanups(Cleanup{}))
	require.Equal(t, Cleanup{}, (&Site{Isolation: IsolationContext}).Cleanups(Cleanup{}))
}
