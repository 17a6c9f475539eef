package memprof

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTableRowsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Metrics() {
		require.False(t, seen[row.Name], "%s is there twice", row.Name)
		seen[row.Name] = true
		group, name, ok := strings.Cut(row.Name, ".")
		require.True(t, ok && group != "" && name != "", row.Name)
		require.NotEmpty(t, row.Unit, row.Name)
		require.NotEmpty(t, row.Scope, row.Name)
		require.NotEmpty(t, row.Means, row.Name)
		require.NotEmpty(t, row.Read, row.Name)
		require.Contains(t, []Level{LevelCheap, LevelFull}, row.Level, row.Name)
		if row.Tick {
			require.Equal(t, LevelCheap, row.Level, "%s: ticks are cheap", row.Name)
		}
		if row.Witness != "" {
			witness, ok := MetricOf(row.Witness)
			require.True(t, ok, row.Name)
			require.LessOrEqual(t, witness.Level, row.Level, row.Name)
			require.True(t, witness.Tick || !row.Tick, row.Name)
		}
	}
}

func TestMetricsReturnsACopy(t *testing.T) {
	Metrics()[0].Name = "changed"
	require.NotEqual(t, "changed", Metrics()[0].Name)
}

func TestMetricOfUnknownNames(t *testing.T) {
	row, ok := MetricOf("perf.SomethingNew")
	require.True(t, ok)
	require.Equal(t, PerIsolate, row.Scope)
	require.Equal(t, "perf.*", row.Family())
	for _, name := range []string{"", "perf.", "perf.*", "process.rss", "heap.*"} {
		_, ok := MetricOf(name)
		require.False(t, ok, name)
	}
}

func TestLevelText(t *testing.T) {
	for _, level := range []Level{LevelOff, LevelCheap, LevelFull} {
		text, err := level.MarshalText()
		require.NoError(t, err)
		var back Level
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, level, back)
	}
	_, err := ParseLevel("some")
	require.EqualError(t, err, `memory level "some": must be off, cheap or full`)
	require.Equal(t, "Level(7)", Level(7).String())
}

// A headline and a report call a metric the same, and no two metrics alike.
func TestLabels(t *testing.T) {
	by := map[string]string{}
	for _, row := range Metrics() {
		if row.Label == "" {
			continue
		}
		require.Empty(t, by[row.Label], "%s and another are called %q", row.Name, row.Label)
		by[row.Label] = row.Name
	}
	require.Equal(t, "backing stores", nameOf(Series{Metric: "heap.backing"}))
	require.Equal(t, "sockets (network)", nameOf(Series{"process.sockets", "network"}))
	require.Equal(t, "Chrome's memory", nameOf(anonChrome))
	require.Equal(t, "open service workers", nameOf(Series{"target.count", "service_worker"}))
	require.Equal(t, "dom.unknown", nameOf(Series{Metric: "dom.unknown"}))
}
