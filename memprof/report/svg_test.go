package report

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func TestThinKeepsPeaksAndGaps(t *testing.T) {
	var spots []spot
	for i := range 20_000 {
		p := spot{float64(i) / 20, 100 + math.Sin(float64(i)/50)}
		switch {
		case i == 7777:
			p.y = 500
		case i == 3333:
			p.y = -500
		case i >= 12_000 && i < 12_400:
			p.y = math.NaN()
		}
		spots = append(spots, p)
	}
	thinned := thin(spots)
	require.LessOrEqual(t, len(thinned), maxSpots)
	require.Contains(t, thinned, spots[7777])
	require.Contains(t, thinned, spots[3333])
	gaps := 0
	for i, p := range thinned {
		if math.IsNaN(p.y) {
			gaps++
		}
		require.True(t, i == 0 || p.x >= thinned[i-1].x, "in their order")
	}
	require.InDelta(t, 20, gaps, 2)
	require.Equal(t, spots[:2000], thin(spots[:2000]))
}

func TestPolyline(t *testing.T) {
	s := newSVG("x", "a<b")
	gap := spot{0, math.NaN()}
	s.polyline("l", []spot{{0, 1}, {2.25, 3}, gap, {5, 6}, gap}, "")
	require.Equal(t, `<svg class="x" viewBox="0 0 1000 300" preserveAspectRatio="none" role="img" aria-label="a&lt;b"><path class="l" d="M0,1 2.2,3M5,6h0"/></svg>`, string(s.end()))
}

func labels(a axis) []string {
	var out []string
	for _, m := range a.marks {
		out = append(out, a.label(m))
	}
	return out
}

func TestAxes(t *testing.T) {
	require.Equal(t, []string{"0", "50", "100", "150", "200"}, labels(valueAxis(memprof.Bytes, 0, 184e6)))
	require.Equal(t, []string{"79.8", "80.0", "80.2", "80.4", "80.6"}, labels(valueAxis(memprof.Bytes, 79.83e6, 80.55e6)))
	require.Equal(t, []string{"-2", "0", "2", "4", "6"}, labels(valueAxis(memprof.Count, -1, 5.5)))
	require.NotEmpty(t, labels(valueAxis(memprof.Count, 4, 4)))
	require.NotEmpty(t, labels(valueAxis(memprof.Bytes, 0, 0)))
	require.NotEmpty(t, labels(valueAxis(memprof.Bytes, math.Inf(1), math.Inf(-1))))
	require.Equal(t, []string{"0 s", "2 s", "4 s", "6 s", "8 s", "10 s"}, labels(timeAxis(132, 143, 132)))
	require.Equal(t, []string{"0 min", "5 min", "10 min", "15 min", "20 min", "25 min", "30 min"}, labels(timeAxis(0, 1800, 0)))
	require.Equal(t, []string{"0 h", "2 h", "4 h", "6 h", "8 h"}, labels(timeAxis(0, 9*3600, 0)))
	require.Equal(t, []string{"1", "5", "10", "15", "20"}, labels(cycleAxis(cycleNumbers(memprof.Diagnosis{}, 20))))
}

// Quick ticks ask for little: a series that they leave out has no gap there.
func TestQuickTicksBreakNoLine(t *testing.T) {
	trace := memprof.Trace{Series: []memprof.Series{anonChrome, heapUsed}}
	for i := range 100 {
		values := []float64{1e8, math.NaN()}
		if i%10 == 0 && i != 50 && i != 60 && i != 70 {
			values[1] = 1e7
		}
		trace.Points = append(trace.Points, memprof.TracePoint{At: time.Duration(i) * 100 * time.Millisecond, Values: values})
	}
	w := wholeTrace(trace)
	p := newPlot(timeAxis(0, 10, 0), valueAxis(memprof.Bytes, 0, 2e8), "")
	breaks := func(i int) (n int) {
		for _, s := range p.spots(trace, w, i) {
			if math.IsNaN(s.y) {
				n++
			}
		}
		return n
	}
	require.Equal(t, 0, breaks(0))
	require.Equal(t, 1, breaks(1), "where three readings in a row are missing")
}

func TestSlopeGoesThroughTheMiddle(t *testing.T) {
	d, _ := steady()
	m := d.Metrics[0]
	m.Rate = memprof.Estimate{Value: 1000, Lo: 500, Hi: 1500, Known: true}
	text := string(trendPlot(d, m, "small"))
	require.Contains(t, text, `class="interval"`)
	require.Contains(t, text, `class="point p-warm-up"`)
	m.Rate = memprof.Estimate{}
	require.NotContains(t, string(trendPlot(d, m, "small")), `class="slope"`, "no slope is known")
	m.Values = nil
	require.Empty(t, trendPlot(d, m, "small"))
}

func TestFiguresOfADiagnosis(t *testing.T) {
	for want, got := range map[string]string{
		"1.14 MB":                    amount(memprof.Bytes, 1_142_000),
		"512 bytes":                  amount(memprof.Bytes, 512),
		"0.0123 MB":                  amount(memprof.Bytes, 12_345),
		"-0.05 MB":                   amount(memprof.Bytes, -50_000),
		"-":                          amount(memprof.Bytes, math.NaN()),
		"12,345":                     amount(memprof.Count, 12_345),
		"+1.142 MB (1.101 to 1.183)": interval(memprof.Bytes, about(1_142_000, 41_000)),
		"+1.14 MB (1.10 to 1.18)":    brief(memprof.Bytes, about(1_142_000, 41_000)),
		"+12 (exactly)":              interval(memprof.Count, exactly(12)),
		"0 (exactly)":                interval(memprof.Count, exactly(0)),
		"+262,144 bytes":             "+" + number(262_144, 0) + " bytes",
		"0.80 -> 3.70 MB":            fromTo(memprof.Bytes, .8e6, 3.7e6),
		"17 -> 46":                   fromTo(memprof.Count, 17, 46),
		"- -> 46":                    fromTo(memprof.Count, math.NaN(), 46),
		"3.1 -> 29.6 MB":             fromTo(memprof.Bytes, 3.1e6, 29.6e6),
		"0.000 MB (-0.020 to 0.020)": interval(memprof.Bytes, about(0, 20_000)),
		"5.0 %":                      percent(.05),
		"99 %":                       percent(.987),
		"30.0 min":                   hours(.5),
		"5 days":                     hours(120),
		"▁▃▆█":                       sparkline(values(4, 0, 100, 0), 10),
		"▄▄":                         sparkline(values(4, 5, 0, 0), 2),
		"a, b and c":                 joined([]string{"a", "b", "c"}),
		"a?b c?":                     plain("a\x1bb\nc\u202e"),
		"< 1e-8":                     probability(1.2e-9),
	} {
		require.Equal(t, want, got)
	}
	one := 1.0
	require.Equal(t, "▄·▄", sparkline([]*float64{&one, nil, &one}, 5))
	require.Empty(t, sparkline(nil, 5))
}
