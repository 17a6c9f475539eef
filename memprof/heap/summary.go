package heap

import (
	"cmp"
	"slices"
	"strings"
)

// Summary is what a snapshot holds. All lists are sorted, the largest first, and bounded.
type Summary struct {
	// FileBytes is the length of the snapshot's text, Nodes and Edges what it counts.
	FileBytes int64 `json:"file_bytes"`
	Nodes     int   `json:"nodes"`
	Edges     int   `json:"edges"`
	// Bytes is the size of all objects; ExtraNative what belongs to no object.
	Bytes       uint64 `json:"bytes"`
	ExtraNative uint64 `json:"extra_native_bytes"`
	// Globals is the number of global objects: of windows, frames and workers of the isolate.
	Globals int `json:"globals"`
	// Types are the objects by V8's types.
	Types []TypeTotal `json:"types"`
	// Constructors are those that retain most.
	Constructors []Constructor `json:"constructors"`
	// Detached are the DOM nodes outside of their document.
	Detached Detached `json:"detached"`
	// Closures are functions by the place of their source.
	Closures []Closure `json:"closures"`
	// Duplicates are strings of which there are several.
	Duplicates Duplicates `json:"duplicate_strings"`
	// Largest are the objects with the most references: arrays, tables of maps and sets.
	Largest []Collection `json:"largest"`
}

// TypeTotal is all nodes of one of V8's types.
type TypeTotal struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
	Bytes uint64 `json:"bytes"`
}

// Constructor is all objects of one class.
type Constructor struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	// Bytes is the size of the objects themselves; Retained what would be free without them, each
	// byte once.
	Bytes    uint64 `json:"bytes"`
	Retained uint64 `json:"retained_bytes"`
	// Distance is the number of references from a root to the nearest object; -1 where none leads
	// to any.
	Distance int `json:"distance"`
}

// Collection is an object with many references.
type Collection struct {
	Class    string `json:"class"`
	ID       uint32 `json:"id"`
	Count    int    `json:"count"` // of references, but for methods and V8's fields
	Bytes    uint64 `json:"bytes"`
	Retained uint64 `json:"retained_bytes"`
	Chain    Chain  `json:"chain"`
}

// SummaryOptions bound a summary.
type SummaryOptions struct {
	// Top is how many rows each list has. Default: 20.
	Top int
}

// Summarize tells what a snapshot holds.
func (s *Snapshot) Summarize(o SummaryOptions) *Summary {
	if o.Top == 0 {
		o.Top = 20
	}
	m := &Summary{
		FileBytes: s.Size, Nodes: s.Nodes(), Edges: s.Edges(), ExtraNative: s.ExtraNative,
		Bytes: s.Bytes(), Globals: s.ways().global, Types: s.typeTotals(),
		Closures: s.closures(o.Top), Duplicates: s.duplicates(o.Top), Largest: s.largest(o.Top),
		Detached: s.detachedNodes(o.Top),
	}
	m.Constructors = top(o.Top, s.constructors(), func(a, b Constructor) int {
		return cmp.Or(cmp.Compare(b.Retained, a.Retained), cmp.Compare(a.Name, b.Name))
	})
	return m
}

// top are the first rows in an order.
func top[T any](n int, rows []T, order func(a, b T) int) []T {
	slices.SortFunc(rows, order)
	return append([]T{}, rows[:min(n, len(rows))]...) // an empty list in JSON, not null
}

// Bytes is the size of all objects.
func (s *Snapshot) Bytes() uint64 {
	var sum uint64
	for _, size := range s.selfSize {
		sum += size
	}
	return sum
}

func (s *Snapshot) typeTotals() []TypeTotal {
	totals := make([]TypeTotal, len(s.nodeTypes))
	for n, t := range s.nodeType {
		totals[t].Count++
		totals[t].Bytes += s.selfSize[n]
	}
	for i := range totals {
		totals[i].Type = s.nodeTypes[i]
	}
	totals = slices.DeleteFunc(totals, func(t TypeTotal) bool { return t.Count == 0 })
	return top(len(totals), totals, func(a, b TypeTotal) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Type, b.Type))
	})
}

// constructors are all classes, in no order. Synthetic nodes, which are V8's roots, are left out.
func (s *Snapshot) constructors() []Constructor {
	c := s.class()
	rows := make([]Constructor, len(c.names))
	retained := s.retainedByClass()
	for i := range rows {
		rows[i] = Constructor{Name: c.names[i], Retained: retained[i], Distance: -1}
	}
	for n, class := range c.of {
		if s.kind(uint32(n)) != kindSynthetic {
			rows[class].Count++
			rows[class].Bytes += s.selfSize[n]
		}
	}
	p := s.ways()
	hops := make([]uint32, s.Nodes())
	for _, n := range p.order {
		if p.parent[n] != none {
			hops[n] = hops[p.parent[n]] + 1
		}
		if row := &rows[c.of[n]]; row.Distance < 0 || int(hops[n]) < row.Distance {
			row.Distance = int(hops[n])
		}
	}
	return slices.DeleteFunc(rows, func(c Constructor) bool { return c.Count == 0 })
}

// retainedByClass is what the objects of each class retain; what lies in each other counts once.
func (s *Snapshot) retainedByClass() []uint64 {
	c, d := s.class(), s.dominated()
	n := s.Nodes()
	first := make([]uint32, n+2)
	for _, above := range d.of {
		if above != none {
			first[above+2]++
		}
	}
	for i := range n {
		first[i+2] += first[i+1]
	}
	below := make([]uint32, n)
	for node, above := range d.of {
		if above != none {
			below[first[above+1]] = uint32(node)
			first[above+1]++
		}
	}
	// Now the nodes right below node i are below[first[i]:first[i+1]].
	retained, open := make([]uint64, len(c.names)), make([]uint32, len(c.names))
	enter := func(node uint32) {
		if open[c.of[node]] == 0 {
			retained[c.of[node]] += d.retained[node]
		}
		open[c.of[node]]++
	}
	type level struct{ node, next uint32 }
	for node, above := range d.of {
		if above != none {
			continue
		}
		enter(uint32(node))
		stack := []level{{uint32(node), first[node]}}
		for len(stack) > 0 {
			last := &stack[len(stack)-1]
			if last.next == first[last.node+1] {
				open[c.of[last.node]]--
				stack = stack[:len(stack)-1]
				continue
			}
			child := below[last.next]
			last.next++
			enter(child)
			stack = append(stack, level{child, first[child]})
		}
	}
	return retained
}

// largest are the arrays and objects that hold most, but for global objects and what only V8's
// own roots lead to. Methods do not count: prototypes have many.
func (s *Snapshot) largest(n int) []Collection {
	type row struct {
		node  uint32
		count int
	}
	var rows []row
	p := s.ways()
	below := make([]bool, s.Nodes()) // below a global object or the scope of a script
	for i, node := range p.order {
		if p.parent[node] == none {
			below[node] = i < p.top
			continue
		}
		below[node] = below[p.parent[node]]
		if k := s.kind(node); !below[node] || k != kindObject && k != kindArray || s.isPart(node) {
			continue
		}
		if count := s.holdings(node); count >= 8 {
			rows = append(rows, row{node, count})
		}
	}
	rows = top(n, rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.node, b.node)) })
	found := []Collection{}
	for _, r := range rows {
		found = append(found, Collection{
			Class: s.display(r.node), ID: s.nodeID[r.node], Count: r.count, Bytes: s.selfSize[r.node],
			Retained: s.dominated().retained[r.node], Chain: s.chainTo(r.node),
		})
	}
	return found
}

// holdings is the number of references of a node but for methods, accessors and V8's fields.
func (s *Snapshot) holdings(node uint32) int {
	count := 0
	for e, end := s.edges(node); e < end; e++ {
		switch r := s.relation(e); {
		case !s.keeps(node, e):
		case r == relationProperty:
			if k := s.kind(s.edgeTo[e]); k != kindClosure && k != kindNative && k != kindCode {
				count++
			}
		case r == relationElement, r == relationInternal && s.kind(node) == kindArray:
			count++
		}
	}
	return count
}

// outDegree is the number of references of a node that keep their targets alive.
func (s *Snapshot) outDegree(node uint32) uint32 {
	count := uint32(0)
	for e, end := s.edges(node); e < end; e++ {
		if s.keeps(node, e) {
			count++
		}
	}
	return count
}

// isPart tells of an array of V8 that only holds the elements or properties of its owner, which
// has the same references itself.
func (s *Snapshot) isPart(node uint32) bool {
	e := s.ways().edge[node]
	if e == none || s.relation(e) != relationInternal {
		return false
	}
	label := s.label(e)
	return strings.HasSuffix(label, "elements") || strings.HasSuffix(label, "properties")
}
