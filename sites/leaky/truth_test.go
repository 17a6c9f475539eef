package leaky

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
)

// A case is measured between the third and the sixth cycle.
const before, measured = 3, 3

// cyclesOf is how many cycles of a case are measured: of what leaks in the GPU process many, since that asks for memory
// in large blocks, and gives back what its start took.
func cyclesOf(c Case) int {
	if strings.HasSuffix(c.Metric, "/gpu-process") {
		return 4 * measured
	}
	return measured
}

// slack is by how much the growth of a case in a few cycles may be off: code that is
// compiled takes a little of the JavaScript heap, an overwritten record a little of a
// file, and a process what its allocator likes.
func slack(c Case) float64 {
	name, group, _ := strings.Cut(c.Metric, "/")
	if group == "gpu-process" {
		return 16 * mib // two of its blocks, of two textures each
	}
	switch name {
	case "heap.used", "isolate.heap_used":
		return 32 * kib
	case "storage.bytes", "profile.bytes":
		return 16 * kib
	case "process.anon":
		return mib
	}
	return 0
}

// TestCasesGrowAsTheySay runs cases as the worker does, and reads the metric of each
// where an exact reading is to be had at once. The steps and the shapes that are not
// the same at each visit have tests of their own.
func TestCasesGrowAsTheySay(t *testing.T) {
	all := drivers{}
	for _, c := range tested() {
		d := all.of(t, c)
		t.Run(c.Name, func(t *testing.T) {
			site := d.site(t, c)
			item := d.cycles(t, site, before)
			require.JSONEq(t, fmt.Sprintf(`{"case": %q, "visit": %d}`, c.Name, visits(c, before)), item)
			defer d.closePages(t)
			if c.Fault != "" || apart[c.Name] || c.Metric == "" {
				return
			}
			if c.Idle > 0 { // what the last visit keeps later is to be there
				_, err := d.tab(t).EvaluateMain(browsertest.Within(t), "new Promise(done => setTimeout(done, idleAfter + 1))")
				require.NoError(t, err)
			}
			from := d.settled(t, c)
			d.cycles(t, site, cyclesOf(c))
			want := growth(c)
			var got float64
			defer func() {
				t.Logf("%s: %.1f a cycle, the truth is %.1f", c.Metric, got/float64(cyclesOf(c)), want/float64(cyclesOf(c)))
			}()
			eventually(t, func() bool {
				got = d.read(t, c) - from
				return math.Abs(got-want) <= slack(c)
			}, "%s is to grow by %.0f", c.Metric, want)
		})
	}
}

// apart are the cases that have tests of their own.
var apart = map[string]bool{"jumps": true, "step": true, "full-cache": true, "sawtooth": true, "spike": true}

// visits is how many visits a case counts in so many cycles.
func visits(c Case, cycles int) int {
	switch {
	case c.mode != moving:
		return cycles
	case strings.HasPrefix(c.Name, "move-reload"):
		return cycles + 1 // the first document, and one a cycle
	}
	return 2*cycles + 1
}

// growth is the truth of the cycles that are measured.
func growth(c Case) float64 {
	if c.Name == "accelerating" {
		return (4 + 5 + 6) * 100_000
	}
	return float64(cyclesOf(c)) * c.Rate
}

// TestShapes holds what is not the same at each visit, for 25 of them.
func TestShapes(t *testing.T) {
	d := drive(t)
	for name, check := range map[string]func(t *testing.T, d *driver, c Case){
		"step": checkStep, "full-cache": checkFullCache, "sawtooth": checkSawtooth, "jumps": checkJumps, "spike": checkSpike,
	} {
		c, ok := Find(name)
		require.True(t, ok)
		t.Run(name, func(t *testing.T) {
			defer d.closePages(t)
			check(t, d, c)
		})
	}
}

// series is a case's metric after each of 25 cycles.
func series(t *testing.T, d *driver, c Case) []float64 {
	t.Helper()
	site := d.site(t, c)
	values := make([]float64, 25)
	for i := range values {
		d.cycles(t, site, 1)
		values[i] = d.read(t, c)
	}
	return values
}

// checkStep: it comes once.
func checkStep(t *testing.T, d *driver, c Case) {
	values := series(t, d, c)
	for i := 1; i < len(values); i++ {
		want := 0.0
		if i+1 == c.At {
			want = c.Height
		}
		require.Equal(t, want, values[i]-values[i-1], "visit %d", i+1)
	}
}

// checkFullCache: after ten visits it grows no more.
func checkFullCache(t *testing.T, d *driver, c Case) {
	values := series(t, d, c)
	for i := range values {
		require.Equal(t, float64(min(i+1, 10)*mib)-mib, values[i]-values[0], "visit %d", i+1)
	}
}

// checkSawtooth: it falls at every eighth visit.
func checkSawtooth(t *testing.T, d *driver, c Case) {
	values := series(t, d, c)
	for i := 1; i < len(values); i++ {
		want := 1.0 * mib
		if (i+1)%8 == 0 {
			want = -c.Height
		}
		require.Equal(t, want, values[i]-values[i-1], "visit %d", i+1)
	}
}

// checkJumps: they come at every fourth visit, and are of the same height.
func checkJumps(t *testing.T, d *driver, c Case) {
	values := series(t, d, c)
	for i := 1; i < len(values); i++ {
		want := 0.0
		if (i+1)%4 == 0 {
			want = 4 * c.Rate
		}
		require.InDelta(t, want, values[i]-values[i-1], slack(c), "visit %d", i+1)
	}
}

// checkSpike: its memory is there at the peak and given back at the end.
func checkSpike(t *testing.T, d *driver, c Case) {
	site := d.site(t, c)
	d.cycles(t, site, c.At-1)
	from := d.read(t, c)
	d.cycles(t, site, 1)
	peak := 0.0
	for _, pid := range processes(t, d, "renderer") {
		peak = max(peak, status(t, pid, "VmHWM")-status(t, pid, "VmRSS"))
	}
	to := d.read(t, c)
	require.InDelta(t, c.Height, peak, 6*mib)
	require.InDelta(t, from, to, slack(c))
}

func TestAnEmptiedConsoleGivesBackWhatItKept(t *testing.T) {
	c, _ := Find("console")
	d := drive(t)
	site := d.site(t, c)
	d.cycles(t, site, 2)
	from := d.read(t, c)
	d.cycles(t, site, 8)
	full := d.read(t, c)
	require.InDelta(t, 8*c.Rate, full-from, slack(c))
	call(t, d.tab(t).Session(), cdpruntime.DiscardConsoleEntries, cdp.Empty{})
	empty := d.read(t, c)
	require.InDelta(t, -2*c.Rate, empty-from, slack(c))
}

func TestAHandleIsOfItsSize(t *testing.T) {
	c, _ := Find("cdp-handles")
	d := drive(t)
	d.cycles(t, d.site(t, c), 1)
	session := d.tab(t).Session()
	take := func(n int) float64 {
		for range n {
			call(t, session, cdpruntime.Evaluate, cdpruntime.EvaluateParams{Expression: HandleExpression})
		}
		call(t, session, heapprofiler.CollectGarbage, cdp.Empty{})
		return heap(t, session).UsedSize
	}
	from := take(2)
	require.InDelta(t, 4*HandleBytes, take(4)-from, slack(c))
}
