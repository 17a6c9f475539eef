package heap

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// visit is a page after so many visits, each of which leaves something behind in several ways.
func visit(visits int) *graph {
	g := draw().
		node("cache", "object", "Map", 9, 16).edge("window", "property", "cache", "cache").
		node("list", "object", "Array", 13, 16).edge("window", "property", "list", "list").
		node("script", "code", "system / Script / http://a/app.js", 17, 80).
		node("code", "code", "system / FeedbackVector", 19, 40).edge("window", "internal", "feedback", "code").
		node("box", "object", "Box", 21, 16).edge("window", "property", "box", "box").
		node("two", "object", "Two", 23, 16).edge("window", "property", "two", "two").
		node("one", "object", "One", 25, 16).edge("window", "property", "one", "one")
	id := func(i, what int) int { return 1001 + 100*i + 2*what }
	// The table of a map is another one each time.
	g.node("table", "array", "", id(visits, 20), 100+visits*10).edge("cache", "internal", "table", "table")
	// The state of a page is made anew each time, and is no larger.
	g.node("state", "object", "State", id(visits, 21), 5000).edge("window", "property", "state", "state")
	// A text that gets longer.
	g.node("text", "string", "log log log", id(visits, 22), 100+10*visits).edge("box", "property", "text", "text")
	head := ""
	for i := range visits {
		n := func(name string) string { return fmt.Sprint(name, i) }
		g.node(n("entry"), "object", "Entry", id(i, 1), 240).edge("table", "internal", fmt.Sprint(11+(i*7)%50), n("entry"))
		g.node(n("div"), "native", fmt.Sprintf(`<div id="%d">`, i), id(i, 2), 100).detach(n("div")).edge("list", "element", i, n("div"))
		g.node(n("kept"), "closure", "kept", id(i, 3), 32).edge(n("entry"), "property", "on", n("kept")).at(n("kept"), 4, "script", 9, 4)
		g.node(n("vector"), "code", "system / Thing", id(i, 4), 4000).edge("code", "internal", n("slot"), n("vector"))
		g.node(n("url"), "string", "http://a/", id(i, 5), 30).edge(n("entry"), "property", "url", n("url"))
		// A list whose head is new each time.
		g.node(n("link"), "object", "Link", id(i, 6), 50)
		if head != "" {
			g.edge(n("link"), "property", "next", head)
		}
		head = n("link")
		// What two objects keep belongs to each by half.
		g.node(n("shared"), "object", "Shared", id(i, 7), 60).edge("one", "property", n("s"), n("shared")).edge("two", "property", n("s"), n("shared"))
	}
	return g.edge("window", "property", "head", head)
}

func compare(t *testing.T, graphs ...*graph) *Diff {
	t.Helper()
	c := NewComparison(CompareOptions{})
	for i, g := range graphs {
		require.NoError(t, c.Add(fmt.Sprint(i+1), g.read(t)))
	}
	d, err := c.Diff()
	require.NoError(t, err)
	return d
}

func TestDiff(t *testing.T) {
	d := compare(t, visit(2), visit(4), visit(6))
	type row struct {
		Path, How string
		Counts    []int
		Share     uint64
		Artefact  Artefact
	}
	var rows []row
	for _, p := range d.Paths {
		rows = append(rows, row{p.Path, p.How, p.Counts, p.Share, p.Artefact})
	}
	require.Equal(t, []row{
		{"window.cache : Map -> table : (array)", "references", []int{2, 4, 6}, 4 * (240 + 32 + 30), ""},
		{"window.list : Array", "references", []int{2, 4, 6}, 4 * 100, ""},
		{"window.head : Link", "tree", []int{1, 1, 1}, 4 * 50, ""},
		{"window.one : One", "references", []int{2, 4, 6}, 4 * 60 / 2, ""},
		{"window.two : Two", "references", []int{2, 4, 6}, 4 * 60 / 2, ""},
		{"window.box.text : (string)", "tree", []int{0, 0, 0}, 40, ""},
		{"window -> feedback : (compiled code)", "references", []int{2, 4, 6}, 4 * 4000, ArtefactCompilation},
	}, rows, "the state of the page is not among them; the artefact is there, and last")
	require.Equal(t, []ClassTotal{{"Entry", 4, 960}, {"Function", 4, 128}, {"(string)", 4, 120}}, d.Paths[0].Holds)

	require.Equal(t, 4, d.Detached.Count)
	require.Equal(t, "<div>", d.Detached.Tags[0].Name)
	require.Equal(t, "window.list[2] : <div>", d.Detached.Tags[0].Chain.Words)
	require.Len(t, d.Closures, 1)
	require.Equal(t, []any{"kept", "http://a/app.js", 10, 5, 6, 4}, []any{d.Closures[0].Function, d.Closures[0].Script, d.Closures[0].Line, d.Closures[0].Column, d.Closures[0].Count, d.Closures[0].Growth})
	require.Equal(t, []StringGrowth{{Text: "http://a/", Count: 6, Growth: 4, Bytes: 120}}, d.Strings)

	entries := d.Constructors[slices.IndexFunc(d.Constructors, func(c ClassGrowth) bool { return c.Name == "Entry" })]
	require.Equal(t, ClassGrowth{Name: "Entry", Count: 4, Bytes: 960, New: 4, NewBytes: 960}, entries)
	require.False(t, slices.ContainsFunc(d.Constructors, func(c ClassGrowth) bool { return c.Name == "State" }))
	require.Equal(t, 4*7+3, d.NewObjects)
	require.Equal(t, []int{2, 4, 6}, []int{d.Snapshots[0].Detached, d.Snapshots[1].Detached, d.Snapshots[2].Detached})
}

// What did not grow once is no leak, and what shrank again is none.
func TestWhatStoppedGrowingIsNotListed(t *testing.T) {
	require.Empty(t, compare(t, visit(2), visit(4), visit(4)).Paths)
	require.Empty(t, compare(t, visit(3), visit(2)).Paths)
	require.Empty(t, compare(t, visit(3), visit(3)).Paths)
	require.Zero(t, compare(t, visit(3), visit(3)).NewObjects)
}

// A diff is the same each time.
func TestDiffIsDeterministic(t *testing.T) {
	want := compare(t, visit(2), visit(4), visit(6))
	for range 10 {
		require.Equal(t, want, compare(t, visit(2), visit(4), visit(6)))
	}
}

// Places that differ in numbers only are one row.
func TestManyPlacesAreOneRow(t *testing.T) {
	page := func(visits int) *graph {
		g := draw().node("list", "object", "Array", 9, 16).edge("window", "property", "list", "list")
		for i := range 50 {
			row := fmt.Sprint("row", i)
			g.node(row, "object", "Row", 101+2*i, 24).edge("list", "element", i, row).
				node(row+"log", "object", "Array", 301+2*i, 16).edge(row, "property", "log", row+"log")
			for k := range visits {
				g.node(fmt.Sprint(row, " line ", k), "object", "Line", 1001+200*i+2*k, 10).edge(row+"log", "element", k, fmt.Sprint(row, " line ", k))
			}
		}
		return g
	}
	d := compare(t, page(1), page(3))
	require.Len(t, d.Paths, 1)
	require.Equal(t, []any{"window.list[*].log : Array", 50, []int{50, 150}, uint64(1000), 100, "window.list[0].log : Array"},
		[]any{d.Paths[0].Path, d.Paths[0].Places, d.Paths[0].Counts, d.Paths[0].Share, d.Paths[0].NewObjects, d.Paths[0].Chain.Words})
}

func TestUnrelated(t *testing.T) {
	other := &graph{index: map[string]int{}, stringAt: map[string]int{}}
	other.node("root", "synthetic", "", 1, 0).node("context", "native", "system / NativeContext / http://b/", 3, 10).edge("root", "element", 1, "context").
		node("window", "object", "Window / http://b/", 5, 10).edge("context", "internal", "global_object", "window")
	c := NewComparison(CompareOptions{})
	require.NoError(t, c.Add("a", visit(3).read(t)))
	require.ErrorIs(t, c.Add("b", other.read(t)), ErrUnrelated)
	_, err := c.Diff()
	require.EqualError(t, err, "compare heap snapshots: it takes two")
}

// Without ids, which V8 forgets when a session detaches, paths tell the same.
func TestForgottenIDs(t *testing.T) {
	others := func(g *graph, offset int) *graph {
		for i := range g.nodes {
			if g.nodes[i].kind != "synthetic" {
				g.nodes[i].id = offset + 2*((i*7919)%len(g.nodes))
			}
		}
		return g
	}
	byID := compare(t, visit(20), visit(24), visit(28))
	d := compare(t, others(visit(20), 101), others(visit(24), 1001), others(visit(28), 1001))
	require.False(t, byID.ByPath)
	require.True(t, d.ByPath)
	shares := func(d *Diff) map[string]uint64 {
		found := map[string]uint64{}
		for _, p := range d.Paths {
			found[p.Path+" "+p.How] = p.Share
		}
		return found
	}
	want := shares(byID)
	require.Equal(t, uint64(8*50), want["window.head : Link tree"])
	delete(want, "window.box.text : (string) tree") // it is the same text that became longer
	want["window.box.text : (string) size"] = 80
	require.Equal(t, want, shares(d))
	require.Equal(t, byID.Detached.Count, d.Detached.Count)
	require.Equal(t, byID.Closures, d.Closures)
	require.Empty(t, compare(t, others(visit(20), 101), others(visit(20), 1001)).Paths)
}

// Where nearly all objects are of one class, ids that V8 has forgotten mostly name two of that class.
func TestForgottenIDsOfOneClass(t *testing.T) {
	page := func(rows, offset int) *graph {
		g := draw().node("list", "object", "Array", 9, 16).edge("window", "property", "list", "list").
			node("state", "object", "State", 11, 16).edge("window", "property", "state", "state")
		for i := range rows {
			g.node(fmt.Sprint("row", i), "object", "Row", 101+2*i, 24).edge("list", "element", i, fmt.Sprint("row", i))
		}
		for i := range g.nodes {
			if g.nodes[i].kind != "synthetic" {
				g.nodes[i].id = offset + 2*i
			}
		}
		return g
	}
	d := compare(t, page(500, 101), page(600, 201))
	require.True(t, d.ByPath)
	require.Len(t, d.Paths, 1)
	require.Equal(t, []any{"window.list : Array", uint64(100 * 24), 100}, []any{d.Paths[0].Path, d.Paths[0].Share, d.Paths[0].NewObjects})
}

// A heap that has hardly changed gets nearly the same ids again: one object more, and those behind
// it have their neighbour's.
func TestForgottenIDsThatMostlyAgree(t *testing.T) {
	page := func(more int) *graph {
		g := draw()
		for i := range 200 {
			part := fmt.Sprint("part", i)
			g.node(part, "object", fmt.Sprint("Part", i), 101+2*i, 24).edge("window", "property", part, part)
		}
		for i := range more {
			name := fmt.Sprint("code", i)
			g.node(name, "code", name, 501+2*i, 0).edge("window", "internal", name, name)
		}
		g.nodes[g.index["window"]].id = 501 + 2*more
		return g
	}
	d := compare(t, page(0), page(1))
	require.True(t, d.ByPath)
	require.Empty(t, d.Paths)
}

// The entries of a hash table stand elsewhere when it has grown: as many are new as there are more.
func TestCountsAreOfWhatCameInAddition(t *testing.T) {
	page := func(entries, offset int) *graph {
		g := draw().node("table", "array", "", 9, 16).edge("window", "internal", "table", "table")
		for i := range entries {
			entry := fmt.Sprint("entry", i)
			g.node(entry, "object", "Entry", 101+4*i, 20).edge("table", "internal", fmt.Sprint(i+entries), entry).
				node(entry+"part", "object", "Part", 103+4*i, 30).edge(entry, "property", "part", entry+"part")
		}
		for i := range g.nodes {
			if g.nodes[i].kind != "synthetic" {
				g.nodes[i].id = offset + 2*((i*7)%len(g.nodes))
			}
		}
		return g
	}
	d := compare(t, page(4, 101), page(6, 1001))
	require.True(t, d.ByPath)
	require.Len(t, d.Paths, 1)
	require.Equal(t, []any{uint64(2 * 50), 4, []ClassTotal{{"Part", 2, 60}, {"Entry", 2, 40}}}, []any{d.Paths[0].Share, d.Paths[0].NewObjects, d.Paths[0].Holds})
}

func TestIDsAreOfOneObject(t *testing.T) {
	g := visit(3).node("twin", "object", "Twin", 9, 16)
	require.EqualError(t, NewComparison(CompareOptions{}).Add("a", g.read(t)), "compare a: two objects have the id 9")
}

// A document that is loaded again has another window; what it holds more of is found all the same.
func TestAPageThatIsLoadedAgain(t *testing.T) {
	page := func(load, kept int) *graph {
		g := &graph{index: map[string]int{}, stringAt: map[string]int{}}
		id := 1001 + 1000*load
		g.node("root", "synthetic", "", 1, 0).node("stay", "object", "Stay", 3, 10).edge("root", "element", 1, "stay")
		g.node("context", "native", "system / NativeContext / http://a/", id, 100).node("window", "object", "Window / http://a/", id+2, 24).
			node("list", "object", "Array", id+4, 16).edge("root", "element", 2, "context").
			edge("context", "internal", "global_object", "window").edge("window", "property", "list", "list")
		for i := range 30 {
			g.node(fmt.Sprint("s", i), "string", "stays", 101+2*i, 10).edge("stay", "element", i, fmt.Sprint("s", i))
		}
		for i := range kept {
			g.node(fmt.Sprint(i), "object", "Kept", id+6+2*i, 50).edge("list", "element", i, fmt.Sprint(i))
		}
		return g
	}
	require.Empty(t, compare(t, page(1, 5), page(2, 5)).Paths)
	d := compare(t, page(1, 5), page(2, 8), page(3, 10))
	require.Len(t, d.Paths, 1)
	require.Equal(t, []any{"window.list : Array", []int{5, 8, 10}, uint64(250)}, []any{d.Paths[0].Path, d.Paths[0].Counts, d.Paths[0].Share})
}
