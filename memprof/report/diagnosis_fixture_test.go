package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// The series of the fixtures.
var (
	anonChrome   = memprof.Series{Metric: "process.anon", Group: memprof.Chrome}
	anonRenderer = memprof.Series{Metric: "process.anon", Group: "renderer"}
	anonBrowser  = memprof.Series{Metric: "process.anon", Group: "browser"}
	anonWorker   = memprof.Series{Metric: "process.anon", Group: memprof.Worker}
	heapUsed     = memprof.Series{Metric: "heap.used"}
	domNodes     = memprof.Series{Metric: "perf.Nodes"}
	listeners    = memprof.Series{Metric: "perf.JSEventListeners"}
	goroutines   = memprof.Series{Metric: "go.goroutines"}
	goHeap       = memprof.Series{Metric: "go.heap_live"}
)

var began = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// cycleTook is how long a cycle of the fixtures lasts, cyclePause the time between two.
const (
	cycleTook  = 11 * time.Second
	cyclePause = time.Second
)

func exactly(v float64) memprof.Estimate {
	return memprof.Estimate{Value: v, Lo: v, Hi: v, Known: true}
}

func about(v, half float64) memprof.Estimate {
	return memprof.Estimate{Value: v, Lo: v - half, Hi: v + half, Known: true}
}

// values are n readings of a metric that begins at start and grows by rate, with a little noise.
func values(n int, start, rate, noise float64) []*float64 {
	random := rand.New(rand.NewPCG(uint64(n), math.Float64bits(start+rate)))
	list := make([]*float64, n)
	for i := range list {
		v := math.Round(start + rate*float64(i) + noise*random.NormFloat64() + noise*8*math.Exp(-float64(i)))
		list[i] = &v
	}
	return list
}

// metric is the judgement of a series over values.
func metric(s memprof.Series, role memprof.Role, v memprof.Verdict, shape memprof.Shape, rate memprof.Estimate, list []*float64) memprof.MetricVerdict {
	m := memprof.MetricVerdict{
		Name: s.Metric, Process: s.Group, Unit: unitOf(s), Role: role, Verdict: v, Shape: shape,
		Rate: rate, EndRate: rate, P: .5, Delta: 100_000, Cycles: len(list), Used: max(len(list)-3, 0), Values: list,
		SmallestVisible: 52_000, Evidence: "does not grow by more than matters",
	}
	if m.Unit == memprof.Count {
		m.Delta, m.SmallestVisible = .2, .6
	}
	if len(list) > 0 {
		m.First, m.Last = *list[0], *list[len(list)-1]
	}
	if grows(v) {
		m.P, m.Evidence = 1.2e-9, "grows in every cycle but the first 3; a straight line is 40 times as likely as the next shape"
	}
	return m
}

// stable are metrics that no fixture lets grow.
func stable(n int) []memprof.MetricVerdict {
	var list []memprof.MetricVerdict
	for i, s := range []memprof.Series{
		{Metric: "process.anon", Group: "gpu-process"},
		{Metric: "process.anon", Group: "network"},
		{Metric: "heap.embedder"},
		{Metric: "heap.backing"},
		{Metric: "perf.Documents"},
		{Metric: "perf.Frames"},
		{Metric: "target.count", Group: "page"},
		{Metric: "context.count"},
		{Metric: "go.heap_live"},
		{Metric: "profile.bytes"},
		{Metric: "process.fds", Group: memprof.Worker},
	} {
		role := memprof.Primary
		if i > 7 {
			role = memprof.Supporting
		}
		level, rate := 20e6, about(1200, 9000)
		if unitOf(s) == memprof.Count {
			level, rate = 4, exactly(0)
		}
		list = append(list, metric(s, role, memprof.Stable, memprof.Flat, rate, values(n, level, 0, 0)))
	}
	pss := metric(memprof.Series{Metric: "process.pss", Group: "renderer"}, memprof.Shown, "", "", memprof.Estimate{}, values(n, 30e6, 0, 3e6))
	pss.Evidence = "moves with other Chromes on the host: shown, never judged"
	return append(list, pss)
}

// run is what all fixtures share: n cycles of two sites, and how a series moves in them.
func run(n int, of memprof.Series, rate float64) memprof.Diagnosis {
	d := memprof.Diagnosis{
		Schema: memprof.DiagnosisSchema, Verdict: memprof.Stable, Cause: memprof.CauseNone,
		Started: began, Duration: time.Duration(n) * (cycleTook + cyclePause), Sites: []string{"news", "shop"},
		Ebb: "v0.3.0", Go: "go1.26.1", Browser: "HeadlessChrome/156.0.7000.1", Flags: []string{"--headless", "--no-first-run", "--disable-features=Translate,<i>&amp;"},
		Host:   memprof.HostInfo{Kernel: "6.12.10", CPUs: 4, Memory: 16_000_000_000, Cgroup: "v2", CgroupLimit: 2_000_000_000},
		Judged: n, Of: of, Shape: memprof.Flat, Profile: "flat",
		SmallestVisible: .052, NoGrowthAbove: .031,
		Control: &memprof.ControlCheck{OK: true, Checks: []memprof.ControlItem{
			{Metric: "heap.backing", Unit: memprof.Bytes, Truth: 262_144, Rate: exactly(262_144), Verdict: memprof.Leak, OK: true, Values: values(n, 1_000_000, 262_144, 0)},
		}},
		Instrument: memprof.Instrument{
			PerCycle: 182 * time.Millisecond, Settle: 1200 * time.Millisecond, Share: .0165, Memory: 1.4e6,
			Costs: map[string]memprof.Cost{
				"linux/processes": {Count: 640, Total: 2100 * time.Millisecond, Max: 14 * time.Millisecond},
				"devtools":        {Count: 320, Total: 3300 * time.Millisecond, Max: 80 * time.Millisecond},
			},
			Notes: []string{"memory is a model: 45 KB a page for each DevTools session"},
		},
		Cleanup: &memprof.Returned{Name: string(memprof.Cleanup), Metric: anonChrome, Grown: 61e6, Bytes: about(60.2e6, 1.1e6), Share: .987, Helps: memprof.HelpsFully},
		Metrics: stable(n),
	}
	d.Rate = rateOf(of, about(rate, max(math.Abs(rate)*.036, 12_000)))
	cycles(&d, n, rate)
	return d
}

// rateOf is the rate of memory with its figures per day.
func rateOf(s memprof.Series, e memprof.Estimate) memprof.Rate {
	r := memprof.Rate{
		Metric: s, Unit: unitOf(s), Value: e.Value, MBPerCycle: e.Value / memprof.MB, Lo: e.Lo / memprof.MB, Hi: e.Hi / memprof.MB,
		CyclesPerDay: 7200, Basis: "if cycles of 12s follow each other without a pause",
	}
	r.MBPerDay, r.LoPerDay, r.HiPerDay = r.MBPerCycle*7200, r.Lo*7200, r.Hi*7200
	return r
}

func cycles(d *memprof.Diagnosis, n int, rate float64) {
	for i := range n {
		load := 1 + float64(i%4)/10
		row := memprof.CycleRow{
			Cycle: i + 1, Start: began.Add(time.Duration(i) * (cycleTook + cyclePause)), Took: cycleTook,
			Values: map[memprof.Series]float64{d.Of: 80e6 + rate*float64(i)}, Change: math.Round(rate) + float64(i),
			Peak: 160e6 + rate*float64(i), PeakPhases: []string{"scrape news", "scrape shop"}, Used: "used",
			External: memprof.External{Load: &load}, Pages: 12,
		}
		row.Phases = map[string]float64{"scrape": row.Change + 60e6, "cleanup": -58e6, "settle": -2e6 - float64(i), "idle": float64(i), "cleanup + scrape": 0}
		if i < 3 {
			row.Used = "warm-up"
		}
		d.Cycles = append(d.Cycles, row)
	}
}

// trace is the course of the fixtures' memory: one reading a second, phases of two sites that
// overlap, and a gap in which the heap could not be read.
func trace(n int, rate float64) memprof.Trace {
	t := memprof.Trace{Start: began, Series: []memprof.Series{anonChrome, anonBrowser, anonRenderer, anonWorker, heapUsed, domNodes}}
	random := rand.New(rand.NewPCG(1, 2))
	for at := time.Duration(0); at < time.Duration(n)*(cycleTook+cyclePause); at += time.Second {
		cycle := int(at / (cycleTook + cyclePause))
		within := (at - time.Duration(cycle)*(cycleTook+cyclePause)).Seconds()
		busy := 0.0
		if within < 7 {
			busy = 60e6 * math.Sin(within/7*math.Pi)
		}
		level, noise := rate*float64(cycle), 2e5*random.Float64()
		heap := 3e6 + .8*level + busy/8
		if cycle == 5 && within > 3 {
			heap = math.NaN()
		}
		t.Points = append(t.Points, memprof.TracePoint{At: at, Tick: true, Values: []float64{
			80e6 + level + busy + noise, 13e6 + noise, 40e6 + level + busy, 31e6, heap, 1000,
		}})
	}
	for i := range n {
		from := time.Duration(i) * (cycleTook + cyclePause)
		for _, p := range []struct {
			kind     memprof.Kind
			site     string
			from, to time.Duration
		}{
			{memprof.Scrape, "shop", 0, 5},
			{memprof.Scrape, "news", 2, 7},
			{memprof.Cleanup, "shop", 5, 6},
			{memprof.Cleanup, "news", 7, 8},
			{memprof.Settle, "", 8, 9},
			{memprof.Idle, "", 9, 11},
		} {
			t.Phases = append(t.Phases, memprof.TracePhase{Cycle: i + 1, Kind: p.kind, Site: p.site, From: from + p.from*time.Second, To: from + p.to*time.Second})
		}
	}
	return t
}

// leaking is a leak of the JavaScript heap on one of two sites.
func leaking(n int) (memprof.Diagnosis, memprof.Trace) {
	const rate = 1_142_000
	d := run(n, anonChrome, rate)
	d.Verdict, d.Cause, d.Certain, d.Shape, d.Profile = memprof.Leak, memprof.CauseJSHeap, true, memprof.Linear, "leak"
	d.Site, d.Phase, d.Process = "shop", "scrape", "renderer"
	d.Headline = "memory grows by 1.14 MB a cycle while shop is scraped: the JavaScript heap keeps Product objects"
	d.Rate.Limit, d.Rate.LimitIs = 2e9, "of the cgroup"
	h, lo, hi := 5.4, 5.2, 5.6
	d.Rate.Hours, d.Rate.HoursLo, d.Rate.HoursHi = &h, &lo, &hi
	d.Metrics = append([]memprof.MetricVerdict{
		metric(anonChrome, memprof.Primary, memprof.Leak, memprof.Linear, about(rate, 41_000), values(n, 80e6, rate, 9e4)),
		metric(anonRenderer, memprof.Primary, memprof.Leak, memprof.Linear, about(1_131_000, 39_000), values(n, 40e6, 1_131_000, 9e4)),
		metric(heapUsed, memprof.Primary, memprof.Leak, memprof.Linear, about(912_400, 2_100), values(n, 3.1e6, 912_400, 2e3)),
		metric(domNodes, memprof.Primary, memprof.Leak, memprof.Linear, exactly(12), values(n, 1017, 12, 0)),
	}, d.Metrics...)
	undecided := metric(anonBrowser, memprof.Primary, memprof.Inconclusive, memprof.Flat, about(61_000, 50_000), values(n, 13e6, 61_000, 1e5))
	undecided.MoreCycles, undecided.Artefact = 12, "Chrome's browser process grows by 0.04 MB a cycle in any run"
	d.Metrics = append(d.Metrics, undecided)
	d.Causes = []memprof.Finding{
		{Cause: memprof.CauseJSHeap, Detail: "Product", Bytes: 912_400, Certain: true, Site: "shop", Process: "renderer", Evidence: []string{"heap.used grows by 912,400 bytes a cycle after forced collection", "12 DOM nodes a cycle hold 1 % of it", "Product objects grow by 1,000 a cycle"}},
		{Cause: memprof.CauseDOMNodes, Detail: "detached", Bytes: 3_400, Evidence: []string{"perf.Nodes grows by 12 a cycle"}},
	}
	d.Phases = []memprof.Share{
		{Name: "scrape", Rate: about(1_130_000, 40_000), Grows: true},
		{Name: "idle", Rate: about(9_000, 14_000)},
		{Name: "settle", Rate: about(2_000, 9_000)},
		{Name: "cleanup", Rate: about(-1_000, 11_000)},
	}
	d.BySite = []memprof.Share{{Name: "shop", Rate: about(1_121_000, 44_000), Grows: true}, {Name: "news", Rate: about(9_000, 31_000)}}
	d.Cleanup.Says = "cleaning up gives back 60.2 MB of the 61.0 MB that a cycle's scraping takes; 1.14 MB a cycle stay"
	d.Recreate = []memprof.Returned{
		{Name: memprof.RecreatePages, Metric: anonChrome, Grown: 33.1e6, Bytes: exactly(32.6e6), Share: .985, Helps: memprof.HelpsFully, Took: 210 * time.Millisecond, Says: "closing every page gives back 32.6 MB of the 33.1 MB that had grown, in 210ms"},
		{Name: memprof.RecreateContexts, Metric: anonChrome, Grown: 33.1e6, Bytes: exactly(32.8e6), Share: .99, Helps: memprof.HelpsFully, Took: 340 * time.Millisecond},
		{Name: memprof.RecreateBrowser, Metric: anonChrome, Grown: 33.1e6, Bytes: exactly(33.1e6), Share: 1, Helps: memprof.HelpsFully, Took: 900 * time.Millisecond, Says: "restarting the browser gives back all of the 33.1 MB that had grown, in 900ms"},
	}
	d.Heap = &memprof.HeapEvidence{
		Site: "shop", URL: "https://shop.example/list", Cycles: n, Detached: 360, Strings: 48_000,
		Classes:   []memprof.HeapClass{{Name: "Product", Count: 30_000, Bytes: 24_000_000}, {Name: "Array", Count: 30_012, Bytes: 2_400_000}, {Name: "(system)", Count: 40, Bytes: 9_000, Artefact: "V8's own"}},
		Paths:     []memprof.HeapPath{{Path: "window.catalogue.seen[]", Count: 30_000, Bytes: 26_400_000, Share: .97}},
		Functions: []memprof.HeapFunction{{Name: "remember", Where: "https://shop.example/app.js:120:14", Bytes: 25_900_000}},
		Files:     []string{"first.heapsnapshot", "last.heapsnapshot", "sampling.pb.gz"},
	}
	d.Allocators = []memprof.Allocator{{Process: "renderer", Name: "v8", Rate: 921_000}, {Process: "renderer", Name: "blink_gc", Rate: 3_100}}
	d.Fingerprint = memprof.Fingerprint{ID: "a1b2c3d4e5f6", State: "known", Of: []string{"process.anon/chrome", "renderer", "scrape", "js-heap", "Product"}, Seen: 4, First: began.AddDate(0, 0, -9)}
	d.Gone = []memprof.KnownLeak{{ID: "00aa11bb22cc", Cause: memprof.CauseListeners, Says: "news kept 3 listeners a cycle", Last: began.AddDate(0, 0, -2), Seen: 3}}
	d.Warnings = []string{"2 other Chromes ran on this host in cycles 4 to 6"}
	d.NotMeasured = []string{"swap of the host: /proc/vmstat has no pswpin", "process.pss of renderer: permission denied (14 times)"}
	d.Advice = []string{"look at window.catalogue.seen on shop: it keeps every Product", "recreate pages every 50 cycles until it is mended: that gives back 99 %"}
	mark(&d, 8, "gap")
	if n > 8 {
		d.Metrics[0].Values[8] = nil
	}
	return d, trace(n, rate)
}

// mark sets how a cycle counts.
func mark(d *memprof.Diagnosis, i int, used string) {
	if i >= len(d.Cycles) {
		return
	}
	d.Cycles[i].Used = used
	if used == "gap" {
		d.Cycles[i].Faults = []string{"the renderer did not answer within 10s"}
	}
}

// spiking is a run that rises by 100 MB in one phase of one cycle and gives it back.
func spiking() (memprof.Diagnosis, memprof.Trace) {
	d := run(30, anonChrome, 900)
	d.Verdict, d.Cause, d.Profile, d.Shape = memprof.Spike, memprof.CauseSpike, "spike", memprof.Spiked
	d.Headline = "memory is stable, but rose by 103 MB in cycle 12 and gave it back"
	d.Spikes = []memprof.Peaked{
		{
			Cycle: 12, Metric: anonChrome, Baseline: 80.4e6, Peak: 183.6e6, Height: 103.2e6, Phase: "scrape news",
			Shares: map[string]float64{"scrape news": .88, "scrape shop": .12}, Running: []string{"scrape news", "scrape shop"},
			Velocity: 98.2e6, Recovery: .994, HalfLife: .42, Recovered: true,
		},
		{Cycle: 20, Metric: heapUsed, Baseline: 3e6, Peak: 31e6, Height: 28e6, Phase: "scrape shop", Velocity: 9e6, Recovery: .4, HalfLife: -1, Warnings: []string{"the rise has 2 readings only: the velocity is a lower bound"}},
	}
	m := metric(anonChrome, memprof.Primary, memprof.Spike, memprof.Spiked, about(900, 12_000), values(30, 80e6, 900, 9e4))
	m.SpikesAt = []int{12}
	d.Metrics = append([]memprof.MetricVerdict{m}, d.Metrics...)
	mark(&d, 11, "spike")
	t := trace(30, 900)
	for i := range t.Points {
		if at := t.Points[i].At - 11*(cycleTook+cyclePause); at > 3*time.Second && at < 6*time.Second {
			t.Points[i].Values[0] += 60e6
		}
	}
	return d, t
}

// counting is a leak of one node and one listener a cycle, too small for any process figure.
func counting() (memprof.Diagnosis, memprof.Trace) {
	d := run(30, domNodes, 0)
	d.Verdict, d.Cause, d.Certain, d.Shape, d.Profile = memprof.Leak, memprof.CauseDOMNodes, true, memprof.Linear, "leak"
	d.Site, d.Phase, d.Process, d.Sites = "shop", "scrape", "renderer", []string{"shop"}
	d.Headline = "DOM nodes grow by 1 a cycle while shop is scraped"
	d.Rate = rateOf(domNodes, exactly(1))
	d.Rate.MBPerCycle, d.Rate.Lo, d.Rate.Hi = .00021, .00018, .00024
	d.Rate.MBPerDay, d.Rate.LoPerDay, d.Rate.HiPerDay = 1.512, 1.296, 1.728
	d.Metrics = append([]memprof.MetricVerdict{
		metric(domNodes, memprof.Primary, memprof.Leak, memprof.Linear, exactly(1), values(30, 17, 1, 0)),
		metric(listeners, memprof.Primary, memprof.Leak, memprof.Linear, exactly(1), values(30, 4, 1, 0)),
	}, d.Metrics...)
	for i := range d.Cycles {
		c := &d.Cycles[i]
		c.Values, c.Change, c.Phases = map[memprof.Series]float64{domNodes: 17 + float64(i)}, 1, map[string]float64{"scrape": 40, "cleanup": -39}
	}
	d.Causes = []memprof.Finding{{Cause: memprof.CauseDOMNodes, Detail: "attached", Certain: true, Bytes: 210, Evidence: []string{"perf.Nodes grows by 1 in every cycle"}}}
	d.Phases = []memprof.Share{{Name: "scrape", Rate: exactly(1), Grows: true}, {Name: "cleanup", Rate: exactly(0)}}
	d.Fingerprint = memprof.Fingerprint{ID: "0123456789ab", State: "new"}
	return d, trace(30, 0)
}

// workerLeaking is a leak of this program's own.
func workerLeaking() (memprof.Diagnosis, memprof.Trace) {
	d := run(25, anonWorker, 640_000)
	d.Verdict, d.Cause, d.Certain, d.Shape, d.Profile = memprof.Leak, memprof.CauseGoroutines, true, memprof.Accelerating, "leak"
	d.Process, d.Rate.DoublingCycles = memprof.Worker, 7.5
	d.Headline = "the worker itself grows: 40 goroutines a cycle never end"
	d.Metrics = append([]memprof.MetricVerdict{
		metric(anonWorker, memprof.Primary, memprof.Leak, memprof.Accelerating, about(640_000, 30_000), values(25, 31e6, 640_000, 5e4)),
		metric(goroutines, memprof.Primary, memprof.Leak, memprof.Linear, exactly(40), values(25, 31, 40, 0)),
		metric(goHeap, memprof.Supporting, memprof.Growing, memprof.Linear, about(212_000, 55_000), values(25, 6.5e6, 212_000, 8e4)),
	}, d.Metrics...)
	d.Metrics[0].Doubling = 7.5
	d.Causes = []memprof.Finding{{Cause: memprof.CauseGoroutines, Bytes: 580_000, Certain: true, Process: memprof.Worker, Evidence: []string{"go.goroutines grows by 40 a cycle", "go.stacks by 330,000 bytes a cycle"}}}
	d.Control, d.NotMeasured = nil, []string{"the planted control: left out by --no-control"}
	return d, trace(25, 0)
}

// growing is growth that the run could not tell from a warm-up, inconclusive one that shows
// nothing yet.
func growing() (memprof.Diagnosis, memprof.Trace) {
	d := run(20, anonChrome, 310_000)
	d.Verdict, d.Cause, d.Shape, d.Profile, d.MoreCycles, d.Extensions = memprof.Growing, memprof.CauseHTTPCache, memprof.Saturating, "leak", 14, 2
	d.Headline = "memory still grows, ever more slowly: a cache that fills looks like this"
	d.Metrics = append([]memprof.MetricVerdict{metric(anonChrome, memprof.Primary, memprof.Growing, memprof.Saturating, about(310_000, 140_000), values(20, 80e6, 310_000, 2e5))}, d.Metrics...)
	d.Causes = []memprof.Finding{{Cause: memprof.CauseHTTPCache, Bytes: 290_000, Evidence: []string{"profile.bytes/http-cache grows by 0.29 MB a cycle"}}}
	d.Fingerprint = memprof.Fingerprint{ID: "aaaaaaaaaaaa", State: "new"}
	return d, trace(20, 310_000)
}

func inconclusive() (memprof.Diagnosis, memprof.Trace) {
	d := run(10, anonChrome, 91_000)
	d.Verdict, d.Cause, d.MoreCycles, d.SmallestVisible = memprof.Inconclusive, memprof.CauseUnknown, 16, .31
	d.Reasons = []string{"10 cycles are too few to tell 0.09 MB a cycle from noise"}
	d.Headline, d.Shape, d.Profile = "the evidence is too short for a verdict", "", ""
	d.Rate = rateOf(anonChrome, about(91_000, 180_000))
	d.Metrics = append([]memprof.MetricVerdict{metric(anonChrome, memprof.Primary, memprof.Inconclusive, memprof.Flat, about(91_000, 180_000), values(10, 80e6, 91_000, 4e5))}, d.Metrics...)
	d.Advice = []string{"run it again with --cycles 26 or with --extend"}
	return d, trace(10, 91_000)
}

// invalid is a run whose planted leak was measured wrong; names in it are hostile.
func invalid() (memprof.Diagnosis, memprof.Trace) {
	d, t := leaking(30)
	d.Verdict = memprof.Invalid
	d.Reasons = []string{"the planted leak of 262,144 bytes a cycle was measured as 131,072"}
	d.Control.OK, d.Control.Reason = false, "its rate is off by 50 %, more than the 20 % allowed"
	d.Control.Checks[0].OK, d.Control.Checks[0].Rate, d.Control.Checks[0].Verdict = false, about(131_072, 900), memprof.Growing
	d.Site = "sh\x1b[2Jop\u202e"
	d.Sites = []string{d.Site, "<script>alert(1)</script>"}
	d.Heap.Classes[0].Name, d.Heap.URL = "Pro\x07duct</style>", "https://shop.example/\u009b</script><script>alert(1)</script>"
	d.Heap.Paths[0].Path = "window." + fmt.Sprintf("%0200d", 7)
	d.Warnings = []string{"one", "two", "three", "four", "five\nlines"}
	t.Phases[0].Site = `"><img src=x>`
	return d, t
}

// steady is a run in which nothing grows.
func steady() (memprof.Diagnosis, memprof.Trace) {
	d := run(30, anonChrome, 4_000)
	d.Headline = "memory is stable: no growth above 0.031 MB a cycle"
	d.Rate = rateOf(anonChrome, about(4_000, 24_000))
	d.Metrics = append([]memprof.MetricVerdict{metric(anonChrome, memprof.Primary, memprof.Stable, memprof.Flat, about(4_000, 24_000), values(30, 80e6, 4_000, 9e4))}, d.Metrics...)
	d.Phases = []memprof.Share{{Name: "scrape", Rate: about(4_000, 30_000)}, {Name: "cleanup", Rate: about(0, 20_000)}}
	return d, trace(30, 4_000)
}

// killed is a run in which the kernel killed renderers, once of which the browser process held the memory.
func killed() (memprof.Diagnosis, memprof.Trace) {
	d := run(10, anonChrome, 4_000)
	d.Verdict, d.Cause, d.Shape, d.Profile = memprof.Killed, memprof.CauseUnknown, memprof.Spiked, "spike"
	d.Site, d.Phase, d.Process = "shop", "scrape", "renderer"
	d.Headline = "The kernel killed the renderer of shop for want of memory in scrape (cycle 3): it held 502.0 MB of 734.0 MB; 5 times in 4 of 10 cycles."
	d.Kills = &memprof.Kills{Times: 5, Cycles: 4, Of: 10, Limit: 734e6, LimitIs: "given by --memory", Kills: []memprof.Kill{
		{
			Cycle: 3, Phases: []string{"scrape shop", "scrape news"}, Process: "renderer", Site: "shop", URL: "https://shop.example/li\x1b[2Jst", Bytes: 502e6, Holder: "renderer", Held: 502e6,
			Total: 690e6, By: map[string]float64{"renderer": 560e6, "browser": 60e6, "gpu-process": 40e6, memprof.Worker: 30e6}, Before: 92e6, Velocity: 95.4e6, Over: 2.1, Shape: memprof.Spiked,
		},
		{Cycle: 5, Phases: []string{"scrape shop"}, Process: "renderer", Site: "shop", URL: "https://shop.example/", Bytes: 31e6, Holder: "browser", Held: 610e6, Total: 700e6, By: map[string]float64{"browser": 610e6, "renderer": 90e6}, Before: 580e6, Shape: memprof.Linear},
		{Cycle: 7, Process: "browser"},
	}}
	d.Advice = []string{"give it more memory, or open fewer pages at once"}
	return d, trace(10, 4_000)
}

// fixtures are all of them by name.
func fixtures() map[string]func() (memprof.Diagnosis, memprof.Trace) {
	return map[string]func() (memprof.Diagnosis, memprof.Trace){
		"leak": func() (memprof.Diagnosis, memprof.Trace) { return leaking(30) }, "stable": steady, "spike": spiking,
		"inconclusive": inconclusive, "invalid": invalid, "growing": growing, "count": counting, "worker": workerLeaking, "killed": killed,
		"nothing": func() (memprof.Diagnosis, memprof.Trace) { return memprof.Diagnosis{}, memprof.Trace{} },
	}
}
