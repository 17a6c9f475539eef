package heap

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// small is a heap with one of everything that is read.
func small() *graph {
	return draw().
		node("cache", "object", "Map", 9, 16).edge("window", "property", "cache", "cache").
		node("div", "native", `<div class="x">`, 11, 104).detach("div").edge("cache", "element", 3, "div").
		node("script", "code", "system / Script / http://a/app.js", 13, 80).
		node("kept", "closure", "kept", 15, 32).edge("window", "property", "kept", "kept").edge("kept", "internal", "script", "script").
		at("kept", 4, "script", 9, 4)
}

func TestRead(t *testing.T) {
	s := small().read(t)
	require.Equal(t, 8, s.Nodes())
	require.Equal(t, 7, s.Edges())
	require.Equal(t, uint64(12), s.ExtraNative)
	div := s.find(11)
	require.Equal(t, `<div class="x">`, s.name(div))
	require.Equal(t, kindNative, s.kind(div))
	require.True(t, s.isDetached(div))
	require.Equal(t, none, s.find(12))
	require.Equal(t, []location{{node: s.find(15), script: 4, scriptNode: s.find(13), line: 9, column: 4}}, s.locations)
	require.Equal(t, "window.cache[3] : <div>", s.chainTo(div).Words)
}

// Chrome adds fields, types and parts; earlier ones lack some. BLeak and fuite broke on that.
func TestFieldsAreReadFromMeta(t *testing.T) {
	object := small().object()
	snapshot := object["snapshot"].(map[string]any)
	meta := snapshot["meta"].(map[string]any)
	// Another order of the fields, unknown ones among them, with values of any kind.
	meta["node_fields"] = []string{"id", "new_text", "edge_count", "type", "self_size", "new_list", "name", "detachedness"}
	meta["node_types"] = []any{"number", "string", "number", append([]string{"brand new"}, nodeTypes...), "number", "list", "string", "number"}
	meta["edge_fields"] = []string{"to_node", "type", "new", "name_or_index"}
	meta["edge_types"] = []any{"node", append(edgeTypes[:len(edgeTypes):len(edgeTypes)], "brand new"), "number", "string_or_number"}
	meta["location_fields"] = []string{"line", "object_index", "column", "script_id"}
	meta["new_fields"] = map[string]any{"a": []int{1}}
	object["new_part"] = map[string]any{"deep": []any{map[string]any{"x": "]}\"", "y": -1.5e9}, true, nil}}
	nodes, edges := object["nodes"].([]int), object["edges"].([]int)
	var newNodes, newEdges []any
	for i := 0; i < len(nodes); i += 6 {
		kind := nodes[i] + 1
		if i == len(nodes)-6 {
			kind = 0 // the last node is of the new type
		}
		newNodes = append(newNodes, nodes[i+2], "text, [", nodes[i+4], kind, nodes[i+3], []int{1, 2}, nodes[i+1], nodes[i+5])
	}
	for i := 0; i < len(edges); i += 3 {
		newEdges = append(newEdges, edges[i+2]/6*8, edges[i], -1.5, edges[i+1])
	}
	object["nodes"], object["edges"] = newNodes, newEdges
	object["locations"] = []int{9, 7 * 8, 4, 4}
	s, err := Read(strings.NewReader(encode(t, object)), Options{})
	require.NoError(t, err)
	require.Equal(t, "window.cache[3] : <div>", s.chainTo(s.find(11)).Words)
	require.Equal(t, "window.kept : (brand new)", s.chainTo(s.find(15)).Words)
	require.Equal(t, []location{{node: s.find(15), script: 4, scriptNode: none, line: 9, column: 4}}, s.locations)
	s.Summarize(SummaryOptions{})
}

// Every way in which the text comes gives the same, also with escapes on the edge of a buffer.
func TestReadInPieces(t *testing.T) {
	g := small().node("text", "string", "é\u2028 \U0001F600 \x00 \\ \" end", 17, 40).edge("window", "property", "text", "text")
	text := encode(t, g.object())
	text = strings.ReplaceAll(text, "\U0001F600", `\ud83d\uDE00`) // V8 writes UTF-16 units
	for name, r := range map[string]io.Reader{
		"at once": strings.NewReader(text), "by bytes": iotest.OneByteReader(strings.NewReader(text)),
		"by halves": iotest.HalfReader(strings.NewReader(text)), "with the end": iotest.DataErrReader(strings.NewReader(text)),
	} {
		s, err := Read(r, Options{})
		require.NoError(t, err, name)
		require.Equal(t, "é\u2028 \U0001F600 \x00 \\ \" end", s.name(s.find(17)), name)
		require.Equal(t, int64(len(text)), s.Size)
	}
}

func TestTexts(t *testing.T) {
	for text, want := range map[string]string{
		`"a\u0041\n\/"`:              "aA\n/",
		`"\ud83d\ude00"`:             "\U0001F600",
		`"\ud83d"`:                   "\uFFFD",
		`"\ud83dx"`:                  "\uFFFDx",
		`"\ud83d\u0041"`:             "\uFFFDA",
		`"\ud83d\ud83d\ude00\ude00"`: "\uFFFD\U0001F600\uFFFD",
		`""`:                         "",
	} {
		got, length, err := newScanner(iotest.OneByteReader(strings.NewReader(text))).text(nil, 100)
		require.NoError(t, err)
		require.Equal(t, want, string(got), text)
		require.Equal(t, len(want), length, text)
	}
	got, length, err := newScanner(strings.NewReader(`"abcdef\ud83d\ude00gh"`)).text([]byte("-"), 7)
	require.NoError(t, err)
	require.Equal(t, "-abcdef\xf0", string(got), "cut, with nothing behind the gap")
	require.Equal(t, 12, length)
}

// A long string is cut.
func TestLongStringsAreCut(t *testing.T) {
	g := small().node("long", "string", strings.Repeat("x", 5000), 17, 5012).edge("window", "property", "long", "long")
	s, err := Read(strings.NewReader(encode(t, g.object())), Options{MaxText: 100})
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("x", 100), s.name(s.find(17)))
}

// What is wrong is told with its place, and nothing is believed that the text cannot hold.
func TestFaults(t *testing.T) {
	count := func(object map[string]any) map[string]any { return object["snapshot"].(map[string]any) }
	meta := func(object map[string]any) map[string]any { return count(object)["meta"].(map[string]any) }
	for want, spoil := range map[string]func(object map[string]any){
		`there are 8 nodes, not the 9 that node_count says`:          func(o map[string]any) { count(o)["node_count"] = 9 },
		`there are more nodes than the 7 that node_count says`:       func(o map[string]any) { count(o)["node_count"] = 7 },
		`the nodes have 7 edges, not the 8 that edge_count says`:     func(o map[string]any) { count(o)["edge_count"] = 8 },
		`the nodes have more edges than the 6 that edge_count says`:  func(o map[string]any) { count(o)["edge_count"] = 6 },
		`more than 32 bits count`:                                    func(o map[string]any) { count(o)["edge_count"] = 1 << 40 },
		`node_count is 0`:                                            func(o map[string]any) { count(o)["node_count"] = 0 },
		`which do not fit into`:                                      func(o map[string]any) { count(o)["node_count"] = 100_000_000 },
		`cannot unmarshal number -1`:                                 func(o map[string]any) { count(o)["node_count"] = -1 },
		`meta.node_fields has no "id"`:                               func(o map[string]any) { meta(o)["node_fields"] = []string{"type", "name"} },
		`meta.edge_fields has no "to_node"`:                          func(o map[string]any) { meta(o)["edge_fields"] = []string{"type", "name_or_index"} },
		`meta lists a field twice`:                                   func(o map[string]any) { meta(o)["edge_fields"] = append(edgeFields[:3:3], "type") },
		`meta does not list the types`:                               func(o map[string]any) { meta(o)["node_types"] = []any{} },
		`a node has the type 77; meta lists 15`:                      func(o map[string]any) { o["nodes"].([]int)[0] = 77 },
		`there is no string 1000; there are`:                         func(o map[string]any) { o["nodes"].([]int)[1] = 1000 },
		`the number 9999999999 does not fit into 32 bits`:            func(o map[string]any) { o["nodes"].([]int)[2] = 9999999999 },
		`an object of 999999999999999999 bytes cannot be`:            func(o map[string]any) { o["nodes"].([]int)[3] = 999999999999999999 },
		`an edge has the type 77; meta lists 7`:                      func(o map[string]any) { o["edges"].([]int)[0] = 77 },
		`there is no string 4000; there are`:                         func(o map[string]any) { o["edges"].([]int)[4] = 4000 },
		`an edge leads to 7, where no node begins`:                   func(o map[string]any) { o["edges"].([]int)[2] = 7 },
		`an edge leads to 48, where no node begins`:                  func(o map[string]any) { o["edges"].([]int)[2] = 48 },
		`the last row of "edges" has 2 of 3 values`:                  func(o map[string]any) { o["edges"] = o["edges"].([]int)[:20] },
		`there are 6 edges, not the 7 that edge_count says`:          func(o map[string]any) { o["edges"] = o["edges"].([]int)[:18] },
		`a location belongs to 1, where no node begins`:              func(o map[string]any) { o["locations"].([]int)[0] = 1 },
		`a whole number is expected here, not '-'`:                   func(o map[string]any) { o["nodes"].([]int)[3] = -5 },
		`a whole number is expected here, not '"'`:                   func(o map[string]any) { o["nodes"] = []any{"x"} },
		`a whole number is expected here, not a fraction`:            func(o map[string]any) { o["nodes"] = []any{1.5} },
		`the snapshot has no "strings"`:                              func(o map[string]any) { delete(o, "strings") },
		`the snapshot has no "edges"`:                                func(o map[string]any) { delete(o, "edges"); delete(o, "locations") },
		`"nodes" comes before "snapshot", which says how to read it`: func(o map[string]any) { delete(o, "snapshot") },
		`"edges" comes before "nodes"`:                               func(o map[string]any) { delete(o, "nodes") },
	} {
		object := small().object()
		spoil(object)
		text := encode(t, object)
		_, err := Read(strings.NewReader(text), Options{Size: int64(len(text))})
		require.ErrorContains(t, err, want)
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, want)
		require.LessOrEqual(t, syntax.Offset, int64(len(text)))
	}
}

// Each beginning of a snapshot is told to be one.
func TestTruncated(t *testing.T) {
	text := encode(t, small().object())
	for n := range len(text) {
		_, err := Read(strings.NewReader(text[:n]), Options{})
		var syntax *SyntaxError
		require.ErrorAs(t, err, &syntax, "after %d bytes", n)
		require.Contains(t, err.Error(), "the snapshot is not whole")
		require.Equal(t, int64(n), syntax.Offset)
	}
	_, err := Read(strings.NewReader(text+" \n"), Options{})
	require.NoError(t, err)
	_, err = Read(strings.NewReader(text+"{"), Options{})
	require.ErrorContains(t, err, "'{' follows after the snapshot")
}

func TestAReaderThatFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := Read(io.MultiReader(strings.NewReader(`{"snapshot":`), iotest.ErrReader(broken)), Options{})
	require.ErrorIs(t, err, broken)
	_, err = Open(t.TempDir()+"/none", Options{})
	require.ErrorContains(t, err, "read a heap snapshot: open ")
}

// Deep nesting uses no stack of this program, and has an end.
func TestDeepNesting(t *testing.T) {
	object := small().object()
	for depth, want := range map[int]string{100: "", 1_000_000: "values lie more than 10000 deep in each other"} {
		object["new_part"] = json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		text := strings.Replace(encode(t, small().object()), `"edges":`, `"new_part":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`,"edges":`, 1)
		_, err := Read(strings.NewReader(text), Options{})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// A snapshot that was taken while allocations were tracked is read without their stacks.
func TestStacksAreLeftOut(t *testing.T) {
	object := small().object()
	meta := object["snapshot"].(map[string]any)["meta"].(map[string]any)
	meta["node_fields"] = append(nodeFields[:6:6], "trace_node_id")
	meta["trace_node_fields"] = []string{"id", "function_info_index", "count", "size", "children"}
	meta["trace_function_info_fields"] = []string{"function_id", "name", "script_name", "script_id", "line", "column"}
	var nodes []int
	for i, was := 0, object["nodes"].([]int); i < len(was); i += 6 {
		nodes = append(append(nodes, was[i:i+6]...), 3)
	}
	edges := object["edges"].([]int)
	for i := 2; i < len(edges); i += 3 {
		edges[i] = edges[i] / 6 * 7
	}
	object["nodes"], object["locations"] = nodes, []int{}
	object["trace_function_infos"] = []int{0, 1, 2, 1, 10, 5, 1, 1, 2, 1, 20, 7}
	object["trace_tree"] = []any{1, 0, 0, 0, []any{2, 0, 1, 8, []any{3, 1, 1, 8, []any{}, 4, 0, 1, 8, []any{}}}}
	s, err := Read(strings.NewReader(encode(t, object)), Options{})
	require.NoError(t, err)
	require.Equal(t, "window.cache[3] : <div>", s.chainTo(s.find(11)).Words)
}

// Nothing makes the reader or what follows it panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte(encode(f, small().object())))
	f.Add([]byte(encode(f, draw().object())))
	f.Add([]byte(`{"snapshot":{"meta":{"node_fields":["type","name","id","self_size","edge_count"],"node_types":[["object"]],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["weak"]]},"node_count":1,"edge_count":0},"nodes":[0,0,1,1,0],"edges":[],"strings":["\ud83d"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Read(strings.NewReader(string(text)), Options{Size: int64(len(text))})
		if err != nil {
			return
		}
		s.Summarize(SummaryOptions{})
		again, err := Read(strings.NewReader(string(text)), Options{})
		require.NoError(t, err)
		c := NewComparison(CompareOptions{})
		if c.Add("first", s) != nil {
			return // two objects have the same id
		}
		if c.Add("again", again) == nil {
			d, err := c.Diff()
			require.NoError(t, err)
			require.Zero(t, d.Bytes)
			require.Empty(t, d.Paths)
		}
	})
}
