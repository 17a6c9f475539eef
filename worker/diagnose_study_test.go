//go:build studies

package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// Of two sites one leaks. A run that is too short for a verdict is lengthened until there is one,
// and ends early once it is certain; the readings at the sites' boundaries tell whose growth it is.
func TestADiagnosisIsAsLongAsItMustBeAndTellsTheSite(t *testing.T) {
	d := newDiagnosed(t, 25, caseFile, "global-array-clean", "global-array")
	o := d.o
	o.Cycles, o.Extend, o.UntilCertain, o.NoHeap, o.Idle = 5, true, true, true, 50*time.Millisecond
	require.NoError(t, d.w.Diagnose(memoryCtx(t), o))
	found := d.read(t)
	require.Equal(t, memprof.Leak, found.Verdict, found.Headline)
	require.Positive(t, found.Extensions)
	require.GreaterOrEqual(t, found.Judged, 15)
	require.Less(t, found.Judged, 25)
	require.Equal(t, memprof.CauseJSHeap, found.Cause)
	require.Equal(t, "global-array", found.Site)
	require.Equal(t, "scrape", found.Phase)
	require.Len(t, found.BySite, 2)
	leaking, clean := found.BySite[0], found.BySite[1]
	require.Equal(t, "global-array", leaking.Name)
	require.True(t, leaking.Grows)
	require.False(t, clean.Grows)
	require.InDelta(t, 100<<10, leaking.Rate.Value, 50<<10, "of %s: process memory drifts beside what leaks", found.Of)
	require.Less(t, clean.Rate.Value, leaking.Rate.Value/2)
}
