package memprof

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof/stats"
)

// history makes a tally of a diagnosis whose figures are given cycle by cycle.
type history struct {
	t     *testing.T
	tally *Tally
	start time.Time
	n     int
	// level is what each series holds, and noise moves process memory.
	level map[Series]float64
	noise *rand.Rand
}

func newHistory(t *testing.T, plan Plan) *history {
	h := &history{t: t, tally: NewTally(TallyOptions{Detail: true}), start: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), noise: rand.New(rand.NewPCG(7, 7))}
	h.add(Manifest{Schema: Schema, Start: h.start, Host: HostInfo{Memory: 8e9}, Browsers: []BrowserInfo{{ID: "c", Version: "Chrome/1"}}})
	if len(plan.Sites) == 0 {
		plan.Sites = []PlanSite{{Name: "shop", Isolation: "tab", Keep: "page", Templates: []string{"page"}}}
	}
	h.note(PlanNote, plan)
	h.level = map[Series]float64{
		anonChrome: 90e6, {"process.anon", "browser"}: 15e6, {"process.anon", "renderer"}: 40e6, {"process.anon", "gpu-process"}: 20e6,
		{"process.anon", "network"}: 10e6, {"process.anon", Worker}: 20e6, {"process.count", Chrome}: 6,
		{"heap.used", ""}: 3e6, {"heap.embedder", ""}: 1e6, {"heap.backing", ""}: 0, {"page.read", ""}: 1,
		{"perf.Nodes", ""}: 500, {"perf.JSEventListeners", ""}: 20, {"perf.LayoutObjects", ""}: 300, {"perf.Frames", ""}: 1, {"perf.Documents", ""}: 1,
		{"perf.ArrayBufferContents", ""}: 0, {"perf.ContextLifecycleStateObservers", ""}: 3, {"target.count", "page"}: 1, {"context.count", ""}: 0,
		{"go.heap_live", ""}: 4e6, {"go.goroutines", ""}: 60, {"process.fds", Worker}: 30, {"process.sockets", "network"}: 4,
		{"profile.bytes", ""}: 2e6, {"profile.bytes", "http-cache"}: 1e5, {"storage.cookies", ""}: 2,
	}
	return h
}

func (h *history) add(v any) { require.NoError(h.t, h.tally.Add(v)) }

func (h *history) note(name string, data any) {
	n, err := newNote(name, data)
	require.NoError(h.t, err)
	n.Time = h.start
	h.add(n)
}

// totals are those of the levels, with the noise of process memory.
func (h *history) totals() Totals {
	t := Totals{Level: LevelFull, Values: map[Series]float64{}}
	total := 0.0
	for _, s := range (&seriesTable{rows: map[Series][]float64{}}).sortedOf(h.level) {
		value := h.level[s]
		if s.Metric == "process.anon" && s.Group != Chrome {
			value += 40e3 * h.noise.NormFloat64()
			if s.Group != Worker && s.Group != ControlGroup {
				total += value
			}
		}
		t.Values[s] = value
	}
	t.Values[anonChrome] = total
	return t
}

// sortedOf lists the series of a map in order, so that the noise is the same each time.
func (*seriesTable) sortedOf(m map[Series]float64) []Series {
	var list []Series
	for s := range m {
		list = append(list, s)
	}
	slices.SortFunc(list, compareSeries)
	return list
}

// cycles adds cycles in each of which the series grow by what is given, while pages are scraped.
func (h *history) cycles(n int, grow map[Series]float64) {
	for range n {
		h.cycle(grow, nil)
	}
}

// cycle adds one cycle that grows in the scrape phase, with its peak in the series given.
func (h *history) cycle(grow, peaks map[Series]float64) {
	h.n++
	begin := h.start.Add(time.Duration(h.n) * 4 * time.Second)
	before := h.totals()
	for s, by := range grow {
		h.level[s] += by
	}
	after := h.totals()
	sum := Summary{
		Cycle: h.n, Name: JudgedCycle, Sites: []string{"shop"}, Start: begin, Duration: 3 * time.Second, Level: LevelFull,
		Before: before, AfterScrape: &after, After: after, Peaks: map[Series]Peak{}, Costs: map[string]Cost{"devtools": {Count: 4, Total: 8 * time.Millisecond, Max: 3 * time.Millisecond}},
		Phases: []PhaseSpan{{Cycle: h.n, Kind: Scrape, Site: "shop", Start: begin, End: begin.Add(2 * time.Second)}, {Cycle: h.n, Kind: Settle, Start: begin.Add(2 * time.Second), End: begin.Add(3 * time.Second)}},
	}
	delta := &Delta{Phases: []string{"scrape shop"}, Values: map[Series]float64{}}
	for s, value := range after.Values {
		if d := value - before.Values[s]; d != 0 {
			delta.Values[s] = d
		}
		sum.Peaks[s] = Peak{Value: math.Max(value, before.Values[s]), Time: begin.Add(time.Second), Phases: []string{"scrape shop"}}
	}
	for s, value := range peaks {
		sum.Peaks[s] = Peak{Value: value, Time: begin.Add(time.Second), Phases: []string{"scrape shop"}}
	}
	sum.Deltas = []*Delta{delta}
	h.add(sum)
	h.note(RunNote, RunReport{Cycle: h.n, Site: "shop", Pages: 1, Items: 1})
}

func TestCausesByWhatGrows(t *testing.T) {
	renderer := Series{"process.anon", "renderer"}
	for name, c := range map[string]struct {
		grow    map[Series]float64
		cause   Cause
		detail  string
		certain bool
	}{
		"objects":          {map[Series]float64{{"heap.used", ""}: 1e6, renderer: 1.1e6}, CauseJSHeap, "", true},
		"one element":      {map[Series]float64{{"perf.Nodes", ""}: 1, {"perf.JSEventListeners", ""}: 1}, CauseDOMNodes, "detached", true},
		"detached":         {map[Series]float64{{"perf.Nodes", ""}: 4000, {"heap.embedder", ""}: 3.2e5, renderer: 5e5}, CauseDOMNodes, "detached", true},
		"attached":         {map[Series]float64{{"perf.Nodes", ""}: 4000, {"perf.LayoutObjects", ""}: 4001, {"heap.embedder", ""}: 2.6e6, renderer: 3.2e6}, CauseDOMNodes, "attached", true},
		"listeners":        {map[Series]float64{{"perf.JSEventListeners", ""}: 1000, {"heap.used", ""}: 61e3}, CauseListeners, "", true},
		"buffers":          {map[Series]float64{{"heap.backing", ""}: 1e6, {"perf.ArrayBufferContents", ""}: 1}, CauseArrayBuffers, "", true},
		"pages":            {map[Series]float64{{"target.count", "page"}: 1, renderer: 23e6, {"process.anon", "gpu-process"}: 2e6, {"perf.Frames", ""}: 1, {"perf.Nodes", ""}: 8}, CausePagesOpen, "", true},
		"contexts":         {map[Series]float64{{"context.count", ""}: 1, {"process.anon", "browser"}: 6e5, {"process.anon", "network"}: 9e5}, CauseContextsOpen, "", true},
		"workers":          {map[Series]float64{{"target.count", "worker"}: 1, renderer: 3.8e6}, CauseWorkers, "workers", true},
		"shared workers":   {map[Series]float64{{"target.count", "shared_worker"}: 1, renderer: 3.8e6}, CauseWorkers, "shared workers", true},
		"service workers":  {map[Series]float64{{"target.count", "service_worker"}: 1, renderer: 3.8e6}, CauseServiceWorker, "", true},
		"heap of a worker": {map[Series]float64{{"isolate.heap_used", "service_worker"}: 1e6, renderer: 1e6}, CauseServiceWorker, "heap of service workers", true},
		"iframes":          {map[Series]float64{{"perf.Frames", ""}: 1, {"perf.Documents", ""}: 1, {"perf.Nodes", ""}: 10, {"heap.used", ""}: 6e5, renderer: 1.5e6}, CauseIframes, "", true},
		"foreign iframes":  {map[Series]float64{{"target.count", "iframe"}: 1, renderer: 16e6}, CauseIframes, "of other sites, each in a process of its own", true},
		"sockets":          {map[Series]float64{{"process.sockets", "network"}: 1, {"perf.ContextLifecycleStateObservers", ""}: 1, {"perf.JSEventListeners", ""}: 3}, CauseWebSockets, "", true},
		"indexeddb":        {map[Series]float64{{"storage.bytes", "indexeddb"}: 2e6, {"profile.bytes", ""}: 2e6, {"profile.bytes", "indexeddb"}: 2e6}, CauseIndexedDB, "", true},
		"http cache":       {map[Series]float64{{"profile.bytes", "http-cache"}: 2e6, {"profile.bytes", ""}: 2e6}, CauseHTTPCache, "", true},
		"local storage":    {map[Series]float64{{"storage.local", ""}: 2e5, {"process.anon", "browser"}: 1.8e5, renderer: 1.6e5}, CauseLocalStorage, "", true},
		"cookies":          {map[Series]float64{{"storage.cookies", ""}: 5}, CauseCookies, "", true},
		"browser":          {map[Series]float64{{"process.anon", "browser"}: 2e6}, CauseBrowserProcess, "", false},
		"native, unknown":  {map[Series]float64{renderer: 2e6}, CauseUnknown, "canvas, images or WebAssembly", false},
		"goroutines":       {map[Series]float64{{"go.goroutines", ""}: 10, {"go.heap_live", ""}: 3e4}, CauseGoroutines, "", true},
		"go heap":          {map[Series]float64{{"go.heap_live", ""}: 1e6, {"process.anon", Worker}: 1e6}, CauseGoHeap, "", true},
		"files":            {map[Series]float64{{"process.fds", Worker}: 5}, CauseFileDescriptors, "", true},
		"heap and cookies": {map[Series]float64{{"heap.used", ""}: 1e6, renderer: 1e6, {"storage.cookies", ""}: 1}, CauseJSHeap, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, Plan{})
			h.cycles(25, c.grow)
			d := h.tally.Diagnosis()
			require.Equal(t, Leak, d.Verdict, d.Headline)
			require.Equal(t, c.cause, d.Cause, "%+v", d.Causes)
			require.Equal(t, c.detail, d.Causes[0].Detail)
			require.Equal(t, c.certain, d.Certain)
			require.Equal(t, "shop", d.Site)
			require.Equal(t, "scrape", d.Phase)
		})
	}
}

func TestAllocatorsNameNativeMemory(t *testing.T) {
	renderer := map[Series]float64{{"process.anon", "renderer"}: 2e6}
	browser := map[Series]float64{{"process.anon", "browser"}: 2e6}
	for name, c := range map[string]struct {
		grow    map[Series]float64
		allocs  []Allocator
		cause   Cause
		certain bool
	}{
		"canvas": {renderer, []Allocator{{"renderer", "canvas", 2e6}}, CauseCanvas, true},
		"wasm":   {renderer, []Allocator{{"renderer", "private_footprint", 2e6}, {"renderer", "v8/main", 100}}, CauseWasm, true},
		"bitmap": {renderer, []Allocator{{"renderer", "malloc", 2e6}}, CauseCanvas, false},
		"blobs":  {browser, []Allocator{{"browser", "site_storage", 2e6}}, CauseBlobs, true},
		"other":  {browser, []Allocator{{"browser", "malloc", 2e6}}, CauseBrowserProcess, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, Plan{})
			h.cycles(25, c.grow)
			h.note(AllocatorsNote, c.allocs)
			d := h.tally.Diagnosis()
			require.Equal(t, c.cause, d.Cause)
			require.Equal(t, c.certain, d.Certain)
		})
	}
}

func TestWhatNoPageHolds(t *testing.T) {
	grow := map[Series]float64{{"heap.used", ""}: 1e6, {"process.anon", "renderer"}: 1e6}
	h := newHistory(t, Plan{})
	h.cycles(25, grow)
	h.note(HeapNote, HeapEvidence{Paths: []HeapPath{{Path: "(root)[1][10] : (Global handles)", Bytes: 4e6, Share: 1}}})
	require.Equal(t, CauseHandles, h.tally.Diagnosis().Cause)

	h = newHistory(t, Plan{})
	h.cycles(25, grow)
	before := h.totals()
	h.level[Series{"heap.used", ""}] = 4e6
	h.add(Summary{Name: RecreateCycle + " " + RecreateConsole, Before: before, After: h.totals()})
	d := h.tally.Diagnosis()
	require.Equal(t, CauseHandles, d.Cause)
	require.Equal(t, "messages of the console", d.Causes[0].Detail)
}

func TestTheOriginThatStores(t *testing.T) {
	h := newHistory(t, Plan{})
	for i := range 25 {
		var readings []Reading
		for origin, bytes := range map[string]float64{"http://a.test": 1e6 * float64(i), "http://b.test": 5e6} {
			readings = append(readings, Reading{Metric: "storage.bytes", Subject: Subject{Browser: "c", Kind: "indexeddb", URL: origin}, Value: bytes})
		}
		h.add(Sample{Seq: uint64(i + 1), Start: h.start, Readings: readings})
		h.cycle(map[Series]float64{{"storage.bytes", "indexeddb"}: 1e6}, nil)
	}
	d := h.tally.Diagnosis()
	require.Equal(t, CauseIndexedDB, d.Cause)
	require.Equal(t, "http://a.test", d.Origin)
}

// What is said twice of one cause is told once, with all that either knows.
func TestAServiceWorkerThatStoresIsOneFinding(t *testing.T) {
	h := newHistory(t, Plan{})
	for i := range 25 {
		h.add(Sample{Seq: uint64(i + 1), Start: h.start, Readings: []Reading{{
			Metric: "storage.bytes", Subject: Subject{Browser: "c", Kind: "service_workers", URL: "http://a.test"}, Value: 1e6 * float64(i),
		}}})
		h.cycle(map[Series]float64{{"target.count", "service_worker"}: 1, {"process.anon", "renderer"}: 3e6, {"storage.bytes", "service_workers"}: 1e6}, nil)
	}
	d := h.tally.Diagnosis()
	require.Equal(t, CauseServiceWorker, d.Cause)
	require.Equal(t, "http://a.test", d.Origin)
}

func TestNothingGrows(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(25, nil)
	d := h.tally.Diagnosis()
	require.Equal(t, Stable, d.Verdict, "%v", d.Reasons)
	require.Equal(t, CauseNone, d.Cause)
	require.Less(t, d.NoGrowthAbove, 0.25)
	require.Positive(t, d.SmallestVisible)
	require.Empty(t, d.Fingerprint.ID)
}

func TestTheRateAndTheTimeToTheLimit(t *testing.T) {
	h := newHistory(t, Plan{Limit: 500e6, LimitIs: "given"})
	h.cycles(25, map[Series]float64{{"heap.used", ""}: 1e6, {"process.anon", "renderer"}: 1e6})
	d := h.tally.Diagnosis()
	require.InDelta(t, 1, d.Rate.MBPerCycle, 0.02)
	require.LessOrEqual(t, d.Rate.Lo, 1.0)
	require.GreaterOrEqual(t, d.Rate.Hi, 1.0)
	require.InDelta(t, 28800, d.Rate.CyclesPerDay, 1, "cycles of 3 s")
	require.InDelta(t, 28800, d.Rate.MBPerDay, 600)
	level := h.level[Series{"process.anon", "renderer"}] + 45e6 + 20e6
	require.InDelta(t, (500e6-level)/1e6/28800*24, *d.Rate.Hours, 0.02)
}

func TestTheScheduleMakesTheDay(t *testing.T) {
	h := newHistory(t, Plan{Sites: []PlanSite{{Name: "shop", Schedule: "@hourly", RunsPerDay: 24}}})
	h.cycles(25, map[Series]float64{{"heap.used", ""}: 1e6, {"process.anon", "renderer"}: 1e6})
	d := h.tally.Diagnosis()
	require.InDelta(t, 24, d.Rate.MBPerDay, 1)
	require.Contains(t, d.Rate.Basis, "@hourly")
}

// What every phase changed adds up to what the cycle changed, exactly.
func TestPhasesAddUp(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(20, map[Series]float64{{"process.anon", "renderer"}: 2e6})
	for _, c := range h.tally.Diagnosis().Cycles {
		sum := 0.0
		for _, v := range c.Phases {
			sum += v
		}
		require.Equal(t, c.Change, sum)
	}
}

func TestTheControlDecidesWhetherTheAnswerCounts(t *testing.T) {
	backing, nodes := Series{"heap.backing", ControlGroup}, Series{"perf.Nodes", ControlGroup}
	plan := Plan{Control: map[string]float64{"heap.backing": 1e6, "perf.Nodes": 25}}
	for name, c := range map[string]struct {
		grow map[Series]float64
		ok   bool
	}{
		"as planted": {map[Series]float64{backing: 1e6, nodes: 25}, true},
		"19 % off":   {map[Series]float64{backing: 1.19e6, nodes: 25}, true},
		"21 % off":   {map[Series]float64{backing: 1.21e6, nodes: 25}, false},
		"missed":     {map[Series]float64{backing: 1e6}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, plan)
			h.level[backing], h.level[nodes] = 0, 10
			h.cycles(20, c.grow)
			d := h.tally.Diagnosis()
			require.Equal(t, c.ok, d.Control.OK, d.Control.Reason)
			if c.ok {
				require.Equal(t, Stable, d.Verdict)
				return
			}
			require.Equal(t, Invalid, d.Verdict)
			require.NotEmpty(t, d.Reasons)
			require.Empty(t, d.Fingerprint.ID)
		})
	}
}

func TestASpikeThatIsGivenBack(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(12, nil)
	begin := h.start.Add(13 * 4 * time.Second)
	for i, mb := range []float64{85, 85, 105, 125, 145, 165, 185, 184, 90, 86, 85} {
		totals := Totals{Level: LevelCheap, Tick: true, Values: map[Series]float64{anonChrome: mb * 1e6, {"process.count", Chrome}: 6}}
		h.add(Sample{Seq: uint64(1000 + i), Start: begin.Add(time.Duration(i) * 200 * time.Millisecond), Totals: totals})
	}
	h.cycle(nil, map[Series]float64{anonChrome: 185e6})
	h.cycles(12, nil)
	d := h.tally.Diagnosis()
	require.Equal(t, Spike, d.Verdict, d.Headline)
	require.Equal(t, CauseSpike, d.Cause)
	require.Len(t, d.Spikes, 1)
	p := d.Spikes[0]
	require.Equal(t, 13, p.Cycle)
	require.Equal(t, "scrape shop", p.Phase)
	require.InDelta(t, 100e6, p.Velocity, 10e6)
	require.True(t, p.Recovered)
	require.Greater(t, p.Recovery, 0.95)
	require.Contains(t, d.Causes[0].Evidence[0], "in scrape shop and gave")
}

func TestASpikeOfNoPhase(t *testing.T) {
	g := &diagnosing{d: &Diagnosis{Spikes: []Peaked{{Cycle: 3, Metric: anonChrome, Height: 98e6, Recovery: 1}}}}
	require.Equal(t, []string{"cycle 3: process.anon/chrome rose by 98.0 MB and gave 100 % back"}, g.spikeFinding().Evidence)
}

// A cause is as certain as what shows it: a count that only grows is none.
func TestAServiceWorkerIsAsCertainAsItsCount(t *testing.T) {
	of := Series{"target.count", "service_worker"}
	m := &judged{series: of, verdict: Growing, j: stats.Judgement{Rate: stats.Interval{Value: 1, Lo: 1, Hi: 1}}}
	e := &explaining{diagnosing: &diagnosing{d: &Diagnosis{Verdict: Growing}, by: map[Series]*judged{of: m}}, total: 1e6}
	e.workers()
	require.Len(t, e.found, 1)
	require.Equal(t, []any{CauseServiceWorker, of, false}, []any{e.found[0].Cause, e.found[0].Of, e.found[0].Certain})
}

// A recording that nobody collected garbage for proves nothing of heaps.
func TestARegularRecordingIsJudgedWithCare(t *testing.T) {
	h := newHistory(t, Plan{})
	h.tally.plan = nil
	h.cycles(25, map[Series]float64{{"heap.used", ""}: 1e6, {"process.anon", "renderer"}: 1e6})
	d := h.tally.Diagnosis()
	require.Equal(t, Growing, d.Verdict)
	require.Contains(t, d.Warnings[0], "collected")
}

func TestRecreatingTellsWhatHoldsTheMemory(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(25, map[Series]float64{{"heap.used", ""}: 2e6, {"process.anon", "renderer"}: 2e6})
	grown := h.level[Series{"process.anon", "renderer"}]
	recreate := func(name string, renderer float64) {
		before := h.totals()
		h.level[Series{"process.anon", "renderer"}] = renderer
		after := h.totals()
		h.add(Summary{Name: RecreateCycle + " " + name, Before: before, After: after, Duration: time.Second})
	}
	recreate(RecreatePages, 41e6)
	recreate(RecreateBrowser, 40e6)
	require.Greater(t, grown, 80e6)
	d := h.tally.Diagnosis()
	require.Len(t, d.Recreate, 2)
	require.Equal(t, HelpsFully, d.Recreate[0].Helps, d.Recreate[0].Says)
	require.Equal(t, HelpsFully, d.Recreate[1].Helps)
	require.NotEmpty(t, d.Advice)
}

// The last cycle stands out: it is left out, and told so.
func TestALastCycleThatStandsOutIsPending(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(24, nil)
	h.cycle(map[Series]float64{{"process.anon", "renderer"}: 50e6}, nil)
	d := h.tally.Diagnosis()
	require.Equal(t, []string{"used", "pending"}, []string{d.Cycles[23].Used, d.Cycles[24].Used})
}

// What is shown and never judged has no verdict, and no rate that looks like one of 0.
func TestWhatIsOnlyShownIsNotJudged(t *testing.T) {
	h := newHistory(t, Plan{})
	pss := Series{"process.pss", "renderer"}
	h.level[pss] = 30e6
	h.cycles(20, map[Series]float64{pss: 1e6})
	metrics := h.tally.Diagnosis().Metrics
	i := slices.IndexFunc(metrics, func(m MetricVerdict) bool { return m.Series() == pss })
	require.NotEqual(t, -1, i)
	m := metrics[i]
	require.Equal(t, Shown, m.Role)
	require.Empty(t, m.Verdict)
	require.Equal(t, []Estimate{{}, {}}, []Estimate{m.Rate, m.EndRate})
	for _, unknown := range []float64{m.P, m.SmallestVisible, m.NoGrowthAbove} {
		require.True(t, math.IsNaN(unknown))
	}
}

// Looking for the cause took 60 MB of process memory, which an ended renderer gives back with its own.
func TestLookingForTheCauseIsNotWhatRecreatingGivesBack(t *testing.T) {
	renderer, heap := Series{"process.anon", "renderer"}, Series{"heap.used", ""}
	for name, c := range map[string]struct {
		grow   map[Series]float64
		metric Series
		grown  float64
		pages  string
	}{
		"a heap tells":                {map[Series]float64{heap: 1e5, renderer: 1.5e5}, heap, 33e5, HelpsFully},
		"process memory alone cannot": {map[Series]float64{renderer: 1e6}, anonChrome, 33e6, HelpsUntold},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, Plan{})
			h.cycles(30, c.grow)
			step := func(name string, change map[Series]float64) {
				before := h.totals()
				for s, by := range change {
					h.level[s] += by
				}
				h.add(Summary{Name: name, Before: before, After: h.totals(), Duration: time.Second})
			}
			h.level[renderer] += 60e6
			for range 4 {
				step(EvidenceCycle, c.grow)
				h.level[renderer] -= 3e6
			}
			step(RecreateCycle+" "+RecreateConsole, nil)
			h.level[heap], h.level[Series{"page.read", ""}] = 0, 0
			step(RecreateCycle+" "+RecreatePages, map[Series]float64{renderer: -30e6})
			h.level[renderer] = 38e6
			step(RecreateCycle+" "+RecreateBrowser, nil)

			d := h.tally.Diagnosis()
			require.Equal(t, anonChrome, d.Of)
			var helps []string
			for _, r := range d.Recreate {
				require.Equal(t, c.metric, r.Metric)
				require.InDelta(t, c.grown, r.Grown, 1e6, "29 cycles after the first, and 4 in which the cause was looked for")
				helps = append(helps, r.Helps)
			}
			require.Equal(t, []string{HelpsNot, c.pages, HelpsFully}, helps)
			if c.pages == HelpsUntold {
				require.Equal(t, "what looking for the cause left behind hides it", d.Recreate[1].Says)
			}
		})
	}
}

func TestFingerprintsTellNewKnownAndGone(t *testing.T) {
	grow := map[Series]float64{{"heap.used", ""}: 1e6, {"process.anon", "renderer"}: 1e6}
	first := newHistory(t, Plan{})
	first.cycles(25, grow)
	d := first.tally.Diagnosis()
	require.Len(t, d.Fingerprint.ID, 12)
	require.Equal(t, "new", d.Fingerprint.State)

	earlier := []EarlierVerdict{
		{Time: first.start.Add(-72 * time.Hour), Verdict: Leak, Cause: CauseJSHeap, Fingerprint: d.Fingerprint.ID, Sites: []string{"other"}},
		{Time: first.start.Add(-48 * time.Hour), Verdict: Leak, Cause: CauseJSHeap, Fingerprint: d.Fingerprint.ID, Sites: []string{"shop"}},
		{Time: first.start.Add(-24 * time.Hour), Verdict: Leak, Cause: CauseBlobs, Fingerprint: "abcdefabcdef", Sites: []string{"shop"}, Says: "blobs"},
		{Time: first.start.Add(-24 * time.Hour), Verdict: Leak, Cause: CauseBlobs, Fingerprint: "123456123456", Sites: []string{"other"}},
	}
	again := newHistory(t, Plan{})
	again.note(EarlierNote, earlier)
	again.cycles(25, grow)
	d = again.tally.Diagnosis()
	require.Equal(t, "known", d.Fingerprint.State)
	require.Equal(t, 1, d.Fingerprint.Seen)
	require.Equal(t, first.start.Add(-48*time.Hour), d.Fingerprint.First, "of other sites, it is another leak")
	require.Len(t, d.Gone, 1)
	require.Equal(t, "abcdefabcdef", d.Gone[0].ID)
}

func TestADiagnosisOfNothing(t *testing.T) {
	d := NewTally(TallyOptions{Detail: true}).Diagnosis()
	require.Equal(t, Inconclusive, d.Verdict)
	require.NotEmpty(t, d.Reasons)
	h := newHistory(t, Plan{Control: map[string]float64{"heap.backing": 1}})
	h.cycles(3, nil)
	d = h.tally.Diagnosis()
	require.Equal(t, Inconclusive, d.Verdict)
	require.Positive(t, d.MoreCycles)
}

func TestCyclesThatCameToNothingAreNoEvidence(t *testing.T) {
	h := newHistory(t, Plan{})
	for i := range 25 {
		if i%3 == 1 {
			h.note(RunNote, RunReport{Cycle: i + 1, Site: "shop", Error: "failed: the site is down", Lost: true})
		}
		h.cycle(nil, nil)
	}
	d := h.tally.Diagnosis()
	require.Equal(t, Inconclusive, d.Verdict)
	require.Contains(t, d.Reasons[0], "8 of 25 cycles came to nothing")
	require.Equal(t, "gap", d.Cycles[1].Used)
}

func TestWithoutProcessMemoryNothingIsStable(t *testing.T) {
	h := newHistory(t, Plan{})
	h.cycles(25, nil)
	for s := range h.tally.table.rows {
		if s.Metric == "process.anon" {
			delete(h.tally.table.rows, s)
		}
	}
	d := h.tally.Diagnosis()
	require.Equal(t, Inconclusive, d.Verdict)
	require.Contains(t, d.Reasons[0], "processes was not read")
}

// A leaking site that runs once a day is not made worse by a clean one that runs every minute.
func TestEachSiteGrowsByItsOwnSchedule(t *testing.T) {
	h := newHistory(t, Plan{Sites: []PlanSite{{Name: "shop", RunsPerDay: 1, Schedule: "@daily"}, {Name: "news", RunsPerDay: 1440, Schedule: "* * * * *"}}})
	h.cycles(25, map[Series]float64{{"heap.used", ""}: 1e6, {"process.anon", "renderer"}: 1e6}) // in "scrape shop"
	d := h.tally.Diagnosis()
	require.InDelta(t, 1, d.Rate.MBPerDay, 0.1)
	require.Equal(t, "shop", d.Site)
}

func TestAControlThatDiesIsAGapAndNoZero(t *testing.T) {
	totals := Totals{Level: LevelFull, Values: map[Series]float64{{"process.count", Chrome}: 5, {"page.read", ""}: 1}}
	for _, s := range []Series{{"process.anon", ControlGroup}, {"heap.backing", ControlGroup}} {
		_, ok := totals.At(s)
		require.False(t, ok, s)
	}
}

// The samples of a recording of days are thinned, from its beginning to its end.
func TestALongRecordingIsThinned(t *testing.T) {
	h := newHistory(t, Plan{})
	const n = 5 * maxSamples / 2
	for i := range n {
		h.add(Sample{Seq: uint64(i + 1), Start: h.start.Add(time.Duration(i) * time.Second), Totals: Totals{Level: LevelCheap, Tick: true, Values: map[Series]float64{}}})
	}
	require.LessOrEqual(t, len(h.tally.samples), maxSamples)
	require.Greater(t, len(h.tally.samples), maxSamples/4)
	first, last := h.tally.samples[0].Start, h.tally.samples[len(h.tally.samples)-1].Start
	require.Less(t, first.Sub(h.start), 10*time.Second)
	require.Less(t, h.start.Add(n*time.Second).Sub(last), 10*time.Second)
}
