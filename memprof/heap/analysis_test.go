package heap

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shop is a page that keeps things in several ways.
func shop() *graph {
	g := draw().
		node("cache", "object", "Map", 9, 16).edge("window", "property", "cache", "cache").
		node("table", "array", "", 11, 200).edge("cache", "internal", "table", "table").
		node("list", "object", "Array", 13, 16).edge("window", "property", "my list", "list").
		node("elements", "array", "(object elements)", 15, 64).edge("list", "internal", "elements", "elements").
		node("script", "code", "system / Script / http://a/app.js", 17, 80).
		node("own", "code", "system / Script", 19, 80).
		node("native", "closure", "push", 21, 32).edge("window", "property", "push", "native").at("native", 1, "own", 0, 0)
	for i := range 4 {
		entry, text, function := fmt.Sprint("entry", i), fmt.Sprint("text", i), fmt.Sprint("function", i)
		g.node(entry, "object", "Entry", 101+10*i, 24).edge("table", "internal", fmt.Sprint(11+i), entry).
			node(text, "string", "the same", 103+10*i, 20).edge(entry, "property", "text", text).
			node(function, "closure", "kept", 105+10*i, 32).edge("list", "element", i, function).edge("elements", "internal", fmt.Sprint(i), function).
			edge(function, "internal", "script", "script").at(function, 4, "script", 9, 4)
	}
	return g
}

func TestSummary(t *testing.T) {
	g := shop()
	for i := range 3 {
		div := fmt.Sprint("div", i)
		g.node(div, "native", fmt.Sprintf(`<div id="d%d">`, i), 201+2*i, 100).detach(div)
	}
	g.node("gone", "native", "Detached <span>", 211, 50) // as Chrome before 90 tells of it
	g.edge("window", "property", "root", "div0").edge("div0", "element", 1, "div1").edge("div1", "element", 1, "div2").edge("div2", "element", 1, "gone")
	g.node("weakly", "native", "<p>", 213, 50).detach("weakly").edge("window", "weak", "1", "weakly") // garbage
	s := g.read(t)
	m := s.Summarize(SummaryOptions{Top: 5})
	require.Equal(t, uint64(12), m.ExtraNative)
	require.Equal(t, 1, m.Globals)

	require.Equal(t, 4, m.Detached.Count)
	require.Equal(t, uint64(350), m.Detached.Bytes)
	require.Len(t, m.Detached.Groups, 2)
	divs := m.Detached.Groups[0]
	require.Equal(t, []any{"<div>", 3, uint64(300), uint64(350)}, []any{divs.Name, divs.Count, divs.Bytes, divs.Retained}, "the inner ones are in the outer one")
	require.Equal(t, `<div id="d0">`, divs.Example)
	require.Equal(t, "window.root : <div>", divs.Chain.Words)
	require.Equal(t, "Detached <span>", m.Detached.Groups[1].Name)
	require.Equal(t, "window.root : <div> -> <div> -> <div> -> Detached <span>", m.Detached.Groups[1].Chain.Words)

	require.Equal(t, []Closure{{Function: "kept", Script: "http://a/app.js", Line: 10, Column: 5, Count: 4, Bytes: 128, Retained: 128}}, m.Closures)
	require.Equal(t, Duplicates{Count: 3, Bytes: 60, Top: []Duplicate{{Text: "the same", Count: 4, Bytes: 80}}}, m.Duplicates)

	byName := map[string]Constructor{}
	for _, c := range s.Summarize(SummaryOptions{}).Constructors {
		byName[c.Name] = c
	}
	require.Equal(t, Constructor{Name: "Entry", Count: 4, Bytes: 96, Retained: 96 + 80, Distance: 3}, byName["Entry"])
	require.Equal(t, Constructor{Name: "Map", Count: 1, Bytes: 16, Retained: 16 + 200 + 96 + 80, Distance: 1}, byName["Map"])
	require.Equal(t, Constructor{Name: "<p>", Count: 1, Bytes: 50, Retained: 50, Distance: -1}, byName["<p>"])
	require.NotContains(t, byName, "(GC roots)")

	require.Len(t, m.Types, 7)
	require.True(t, slices.IsSortedFunc(m.Types, func(a, b TypeTotal) int { return int(b.Bytes) - int(a.Bytes) }))
}

// In earlier versions a location does not name the node of its script: the function leads there.
func TestScriptsOfEarlierVersions(t *testing.T) {
	g := draw().node("script", "code", "http://a/old.js", 17, 80).node("shared", "code", "system / SharedFunctionInfo / f", 19, 80).
		node("f", "closure", "f", 21, 32).edge("window", "property", "f", "f").edge("f", "internal", "shared", "shared").edge("shared", "internal", "script", "script")
	object := g.object()
	object["snapshot"].(map[string]any)["meta"].(map[string]any)["location_fields"] = []string{"object_index", "script_id", "line", "column"}
	object["locations"] = []int{g.index["f"] * 6, 3, 0, 8}
	s, err := Read(strings.NewReader(encode(t, object)), Options{})
	require.NoError(t, err)
	closures := s.Summarize(SummaryOptions{}).Closures
	require.Equal(t, []Closure{{Function: "f", Script: "http://a/old.js", Line: 1, Column: 9, Count: 1, Bytes: 32, Retained: 192}}, closures)
}

func TestLargest(t *testing.T) {
	g := draw().node("list", "object", "Array", 9, 16).edge("window", "property", "list", "list").
		node("elements", "array", "(object elements)", 11, 64).edge("list", "internal", "elements", "elements")
	for i := range 20 {
		key := fmt.Sprint(i)
		g.node(key, "object", "Object", 101+2*i, 24).edge("list", "element", i, key).edge("elements", "internal", key, key)
	}
	// A prototype has many methods, and a table of V8 is reached from its roots only.
	g.node("method", "closure", "f", 901, 8).node("prototype", "object", "Big", 903, 8).edge("window", "property", "prototype", "prototype").
		node("v8", "array", "", 905, 8).edge("gc", "internal", "9", "v8")
	for i := range 20 {
		g.edge("prototype", "property", fmt.Sprint("m", i), "method").edge("v8", "internal", fmt.Sprint(i), "method")
	}
	largest := g.read(t).Summarize(SummaryOptions{}).Largest
	require.Len(t, largest, 1, "the elements belong to the array")
	require.Equal(t, []any{"Array", uint32(9), 20, "window.list : Array"}, []any{largest[0].Class, largest[0].ID, largest[0].Count, largest[0].Chain.Words})
	require.Equal(t, uint64(16+64+20*24), largest[0].Retained)
}

func TestChainsInWords(t *testing.T) {
	g := shop().
		node("scope", "object", "system / Context / scope @457", 31, 20).edge("function0", "internal", "context", "scope").
		node("big", "object", "Big", 33, 1000).edge("scope", "context", "big", "big").
		node("long", "object", "Node", 1001, 16).edge("window", "property", "head", "long").
		node("outer", "object", "system / Context / scope @458", 41, 20).edge("scope", "internal", "previous", "outer").
		node("cell", "native", "system / ContextCell", 43, 20).edge("outer", "context", "far", "cell").
		node("far", "object", "Far", 45, 20).edge("cell", "hidden", 0, "far").
		node("hidden", "hidden", "system / Thing", 35, 16).edge("big", "hidden", 3, "hidden").
		node("persistent", "native", "blink::Page", 37, 16).edge("gc", "internal", "2", "persistent").
		node("frame", "native", "blink::LocalFrame", 39, 16).edge("persistent", "element", 4, "frame")
	last := "long"
	for i := range 30 {
		key := fmt.Sprint("long", i)
		g.node(key, "object", "Node", 1003+2*i, 16).edge(last, "property", "next", key)
		last = key
	}
	s := g.read(t)
	for id, want := range map[uint32]string{
		7:    "window",
		1:    "(root)",
		9:    "window.cache : Map",
		101:  "window.cache : Map -> table -> [11] : Entry",
		103:  "window.cache : Map -> table -> [11].text : (string)",
		115:  `window["my list"][1] : kept()`,
		33:   `window["my list"][0] : kept() -> variable big : Big`,
		41:   `window["my list"][0] : kept() -> context : system / Context -> previous : system / Context`,
		45:   `window["my list"][0] : kept() -> variable far : Far`,
		35:   `window["my list"][0] : kept() -> variable big : Big -> [hidden 3] : (system)`,
		39:   "(root)[1] : (GC roots) -> [2] : blink::Page -> blink::LocalFrame",
		1061: "window.head.next.next.next.next.next (19 more).next.next.next.next.next.next : Node",
	} {
		require.Equal(t, want, s.chainTo(s.find(id)).Words)
	}
	require.Equal(t, []Step{
		{Type: "root", Class: "Window [JSGlobalObject] / http://a/", ID: 7},
		{Edge: "my list", Type: "property", Class: "Array", ID: 13},
		{Edge: "1", Type: "element", Class: "kept()", ID: 115},
	}, s.chainTo(s.find(115)).Steps)
	require.Len(t, s.chainTo(s.find(1061)).Steps, 32)
}

// The variables of scripts are told by themselves, not as those of any function that sees them.
func TestTopLevelVariables(t *testing.T) {
	g := shop().node("scripts", "native", "system / ScriptContextTable", 31, 20).edge("context", "internal", "script_context_table", "scripts").
		node("scope", "object", "system / Context / scope @457", 33, 20).edge("scripts", "internal", "1", "scope").edge("function0", "internal", "context", "scope").
		node("big", "object", "Big", 35, 1000).edge("scope", "context", "big", "big")
	require.Equal(t, "top level -> variable big : Big", g.read(t).chainTo(g.read(t).find(35)).Words)
}

// Several windows are told apart by their addresses.
func TestSeveralWindows(t *testing.T) {
	g := draw().node("context 2", "native", "system / NativeContext / http://b/", 15, 100).node("frame", "object", "Window [JSGlobalObject] / http://b/", 17, 24).
		node("worker", "object", "DedicatedWorkerGlobalScope", 19, 24).node("context 3", "native", "system / NativeContext", 21, 100).
		edge("gc", "internal", "2", "context 2").edge("gc", "internal", "3", "context 3").
		edge("context 2", "internal", "global_object", "frame").edge("context 3", "internal", "global_object", "worker").
		node("a", "object", "A", 23, 8).edge("frame", "property", "a", "a").node("b", "object", "B", 25, 8).edge("worker", "property", "b", "b")
	s := g.read(t)
	require.Equal(t, "window(http://b/).a : A", s.chainTo(s.find(23)).Words)
	require.Equal(t, "globalThis(DedicatedWorkerGlobalScope).b : B", s.chainTo(s.find(25)).Words)
	require.Equal(t, 3, s.Summarize(SummaryOptions{}).Globals)
}

// The value of a WeakMap belongs to its key, not to the map.
func TestWeakMaps(t *testing.T) {
	g := draw().node("map", "object", "WeakMap", 9, 16).node("table", "array", "", 11, 50).node("key", "object", "Key", 13, 10).node("value", "object", "Value", 15, 1000)
	pair := "2 / part of key (Key @13) -> value (Value @15) pair in WeakMap (table @11)"
	g.edge("window", "property", "map", "map").edge("map", "internal", "table", "table").edge("window", "property", "key", "key").
		edge("table", "internal", pair, "value").edge("key", "internal", pair, "value")
	s := g.read(t)
	require.Equal(t, uint64(1010), s.dominated().retained[s.find(13)])
	require.Equal(t, uint64(66), s.dominated().retained[s.find(9)])
	require.True(t, strings.HasPrefix(s.chainTo(s.find(15)).Words, "window.key : Key -> "))
}

// The roots of earlier versions of V8 point to the windows with shortcuts.
func TestEarlierRoots(t *testing.T) {
	g := &graph{index: map[string]int{}, stringAt: map[string]int{}}
	g.node("root", "synthetic", "", 1, 0).node("window", "object", "Window / http://a/", 3, 24).node("a", "object", "A", 5, 8).
		edge("root", "shortcut", "1", "window").edge("window", "property", "a", "a")
	s := g.read(t)
	require.Equal(t, "window.a : A", s.chainTo(s.find(5)).Words)
	require.Equal(t, uint64(32), s.dominated().retained[s.find(3)])
}

func TestClassNames(t *testing.T) {
	for name, want := range map[string]string{
		"Map": "Map", `<div class="a b">`: "<div>", "<div>": "<div>", `Detached <a href="x">`: "Detached <a>", "Detached HTMLElement": "Detached HTMLElement",
		"system / Context / scope @457": "system / Context", "Thing @12": "Thing", "a@b": "a@b", "": "(unnamed)", "<": "<",
	} {
		require.Equal(t, want, plainClass(name), name)
	}
}

// The dominators are those that the definition says: on many random graphs, without a node what
// it dominates cannot be reached.
func TestDominators(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		n := 2 + random.IntN(25)
		g := &graph{index: map[string]int{}, stringAt: map[string]int{}}
		for i := range n {
			g.node(fmt.Sprint(i), "object", "O", 2*i+1, 1+random.IntN(9))
		}
		for range random.IntN(3 * n) {
			kind := []string{"property", "property", "property", "weak"}[random.IntN(4)]
			g.edge(fmt.Sprint(random.IntN(n)), kind, "p", fmt.Sprint(random.IntN(n)))
		}
		s := g.read(t)
		d := s.dominated()
		all := reachedWithout(s, none)
		for v := range uint32(n) {
			if v == 0 || !all[v] {
				require.Equal(t, none, d.of[v])
				continue
			}
			without := reachedWithout(s, v)
			retained := uint64(0)
			for u := range uint32(n) {
				if all[u] && !without[u] {
					retained += s.selfSize[u]
				}
			}
			require.Equal(t, retained, d.retained[v])
			// Its immediate dominator is the last of those without which it is not reached.
			for u := range uint32(n) {
				if u != v && u != 0 && all[u] && !reachedWithout(s, u)[v] {
					require.True(t, u == d.of[v] || !reachedWithout(s, u)[d.of[v]], "%d dominates %d, whose dominator is %d", u, v, d.of[v])
				}
			}
			require.True(t, d.of[v] == 0 || !reachedWithout(s, d.of[v])[v])
		}
	}
}

// reachedWithout are the nodes that the root leads to without one of them.
func reachedWithout(s *Snapshot, without uint32) []bool {
	reached := make([]bool, s.Nodes())
	if without == 0 {
		return reached
	}
	reached[0] = true
	for todo := []uint32{0}; len(todo) > 0; {
		n := todo[0]
		todo = todo[1:]
		for e, end := s.edges(n); e < end; e++ {
			if to := s.edgeTo[e]; s.holds(n, e) && to != without && !reached[to] {
				reached[to] = true
				todo = append(todo, to)
			}
		}
	}
	return reached
}

// What classes retain counts each byte once, as the definition says: on random graphs.
func TestRetainedByClass(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for range 100 {
		n := 2 + random.IntN(20)
		g := &graph{index: map[string]int{}, stringAt: map[string]int{}}
		for i := range n {
			g.node(fmt.Sprint(i), "object", string(rune('A'+random.IntN(3))), 2*i+1, 1+random.IntN(9))
		}
		for range random.IntN(3 * n) {
			g.edge(fmt.Sprint(random.IntN(n)), "property", "p", fmt.Sprint(random.IntN(n)))
		}
		s := g.read(t)
		c, d := s.class(), s.dominated()
		want := make([]uint64, len(c.names))
		for v := range uint32(n) {
			outermost := true
			for above := d.of[v]; above != none; above = d.of[above] {
				outermost = outermost && c.of[above] != c.of[v]
			}
			if outermost {
				want[c.of[v]] += d.retained[v]
			}
		}
		require.Equal(t, want, s.retainedByClass())
	}
}
