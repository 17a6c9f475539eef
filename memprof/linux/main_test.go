package linux

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ebbworker/ebb/memprof"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	cheap = memprof.Request{Level: memprof.LevelCheap}
	full  = memprof.Request{Level: memprof.LevelFull}
	tick  = memprof.Request{Level: memprof.LevelCheap, Tick: true}
	quick = memprof.Request{Level: memprof.LevelCheap, Tick: true, Quick: true}
)

func captured(name string) fs.FS { return os.DirFS("testdata/" + name) }

// read returns a source's readings and their totals.
func read(t *testing.T, s memprof.Source, q memprof.Request) ([]memprof.Reading, memprof.Totals) {
	t.Helper()
	readings := s.Read(context.Background(), q)
	for _, r := range readings {
		if _, ok := memprof.MetricOf(r.Metric); r.Err == nil {
			require.True(t, ok, "%s is not in the table of metrics", r.Metric)
		}
	}
	return readings, memprof.NewTotals(q, readings)
}

func known(t *testing.T, totals memprof.Totals, metric, group string, want float64) {
	t.Helper()
	value, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.True(t, ok, "%s/%s is unknown", metric, group)
	require.Equal(t, want, value, "%s/%s", metric, group)
}

func unknown(t *testing.T, totals memprof.Totals, metric, group string) {
	t.Helper()
	value, ok := totals.At(memprof.Series{Metric: metric, Group: group})
	require.False(t, ok, "%s/%s is %v", metric, group, value)
}

// faults returns the errors of a reading by metric and kind.
func faults(readings []memprof.Reading) map[string]string {
	found := make(map[string]string)
	for _, r := range readings {
		if r.Err != nil {
			found[r.Metric+"/"+r.Subject.Kind] = r.Err.Error()
		}
	}
	return found
}

func isGoneReading(r memprof.Reading) bool { return errors.Is(r.Err, memprof.ErrGone) }
