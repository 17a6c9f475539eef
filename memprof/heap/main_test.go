package heap

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nodeFields and meta are what Chromium 156 writes.
var (
	nodeFields = []string{"type", "name", "id", "self_size", "edge_count", "detachedness"}
	edgeFields = []string{"type", "name_or_index", "to_node"}
	nodeTypes  = []string{
		"hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native", "synthetic",
		"concatenated string", "sliced string", "symbol", "bigint", "object shape",
	}
	edgeTypes      = []string{"context", "element", "property", "internal", "hidden", "shortcut", "weak"}
	locationFields = []string{"object_index", "script_id", "script_object_index", "line", "column"}
)

// graph is a heap that a test draws.
type graph struct {
	nodes     []drawn
	index     map[string]int
	strings   []string
	stringAt  map[string]int
	locations []int
}

type drawn struct {
	kind, name   string
	id, size     int
	detachedness int
	edges        []drawnEdge
}

type drawnEdge struct {
	kind string
	name any // a string or a number
	to   string
}

// draw returns a heap that holds a root, "(GC roots)" and a window.
func draw() *graph {
	g := &graph{index: map[string]int{}, stringAt: map[string]int{}}
	g.node("root", "synthetic", "", 1, 0)
	g.node("gc", "synthetic", "(GC roots)", 3, 0)
	g.node("context", "native", "system / NativeContext / http://a/", 5, 100)
	g.node("window", "object", "Window [JSGlobalObject] / http://a/", 7, 24)
	g.edge("root", "element", 1, "gc")
	g.edge("gc", "internal", "1", "context")
	g.edge("context", "internal", "global_object", "window")
	return g
}

// node adds a node, which edges call by its key.
func (g *graph) node(key, kind, name string, id, size int) *graph {
	g.index[key] = len(g.nodes)
	g.nodes = append(g.nodes, drawn{kind: kind, name: name, id: id, size: size})
	return g
}

func (g *graph) detach(key string) *graph {
	g.nodes[g.index[key]].detachedness = 2
	return g
}

func (g *graph) edge(from, kind string, name any, to string) *graph {
	n := &g.nodes[g.index[from]]
	n.edges = append(n.edges, drawnEdge{kind, name, to})
	return g
}

// at says where the source of a function begins.
func (g *graph) at(key string, script int, scriptKey string, line, column int) *graph {
	g.locations = append(g.locations, g.index[key]*len(nodeFields), script, g.index[scriptKey]*len(nodeFields), line, column)
	return g
}

func (g *graph) text(s string) int {
	at, ok := g.stringAt[s]
	if !ok {
		at = len(g.strings)
		g.strings, g.stringAt[s] = append(g.strings, s), at
	}
	return at
}

func position(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	panic("no " + name)
}

// object is the snapshot as a JSON object, to be changed by tests.
func (g *graph) object() map[string]any {
	nodes, edges, locations := []int{}, []int{}, append([]int{}, g.locations...)
	for _, n := range g.nodes {
		nodes = append(nodes, position(nodeTypes, n.kind), g.text(n.name), n.id, n.size, len(n.edges), n.detachedness)
		for _, e := range n.edges {
			name, isNumber := e.name.(int)
			if !isNumber {
				name = g.text(e.name.(string))
			}
			edges = append(edges, position(edgeTypes, e.kind), name, g.index[e.to]*len(nodeFields))
		}
	}
	return map[string]any{
		"snapshot": map[string]any{
			"meta": map[string]any{
				"node_fields": nodeFields, "node_types": []any{nodeTypes, "string", "number", "number", "number", "number"},
				"edge_fields": edgeFields, "edge_types": []any{edgeTypes, "string_or_number", "node"},
				"location_fields": locationFields,
			},
			"node_count": len(g.nodes), "edge_count": len(edges) / 3, "extra_native_bytes": 12,
		},
		"nodes": nodes, "edges": edges, "locations": locations, "strings": g.strings,
	}
}

// encode writes a snapshot with its parts in V8's order, and others after them.
func encode(t testing.TB, object map[string]any) string {
	t.Helper()
	var b strings.Builder
	written := map[string]bool{}
	write := func(key string) {
		value, ok := object[key]
		if !ok || written[key] {
			return
		}
		written[key] = true
		text, err := json.Marshal(value)
		require.NoError(t, err)
		if b.Len() > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(`"` + key + `":` + string(text))
	}
	for _, key := range []string{"snapshot", "nodes", "edges", "trace_function_infos", "trace_tree", "samples", "locations"} {
		write(key)
	}
	for key := range object {
		if key != "strings" {
			write(key)
		}
	}
	write("strings")
	return "{" + b.String() + "}"
}

// read reads what was drawn.
func (g *graph) read(t testing.TB) *Snapshot {
	t.Helper()
	s, err := Read(strings.NewReader(encode(t, g.object())), Options{})
	require.NoError(t, err)
	return s
}
