package heap

// dominators say of each node which other one alone keeps it alive: without that it would be
// garbage.
type dominators struct {
	of       []uint32 // none for the root, and for what only weak references lead to
	retained []uint64 // bytes that would be free without the node
}

// dominated works the dominators out, once.
func (s *Snapshot) dominated() *dominators {
	if s.domin == nil {
		s.domin = s.dominate()
	}
	return s.domin
}

// dominate is the algorithm of Lengauer and Tarjan (ACM Transactions on Programming Languages and
// Systems 1, 1979) in its simple form, O(e log n), without recursion. Inside, nodes are numbered
// in the order in which a depth-first search meets them.
func (s *Snapshot) dominate() *dominators {
	number, vertex, parent := s.depthFirst()
	n := len(vertex)
	first, from := s.retainers()
	f := newForest(n)
	dom := make([]uint32, n)
	// Buckets are lists through two columns.
	head, next := filled(n), filled(n)
	for w := uint32(n - 1); w > 0; w-- {
		node := vertex[w]
		for _, v := range from[first[node]:first[node+1]] {
			if number[v] != none {
				f.semi[w] = min(f.semi[w], f.semi[f.eval(number[v])])
			}
		}
		next[w], head[f.semi[w]] = head[f.semi[w]], w
		f.ancestor[w] = parent[w]
		for v := head[parent[w]]; v != none; v = next[v] {
			if u := f.eval(v); f.semi[u] < f.semi[v] {
				dom[v] = u
			} else {
				dom[v] = parent[w]
			}
		}
		head[parent[w]] = none
	}
	for w := 1; w < n; w++ {
		if dom[w] != f.semi[w] {
			dom[w] = dom[dom[w]]
		}
	}
	d := &dominators{of: filled(s.Nodes()), retained: make([]uint64, s.Nodes())}
	copy(d.retained, s.selfSize)
	for w := n - 1; w > 0; w-- {
		node, above := vertex[w], vertex[dom[w]]
		d.of[node] = above
		d.retained[above] += d.retained[node]
	}
	return d
}

// depthFirst numbers the nodes that are reached from the root (number, none for the others; vertex
// is the inverse), and gives each number the one that it was reached from.
func (s *Snapshot) depthFirst() (number, vertex, parent []uint32) {
	n := s.Nodes()
	number = filled(n)
	vertex, parent = make([]uint32, 0, n), make([]uint32, 0, n)
	meet := func(node, from uint32) {
		number[node] = uint32(len(vertex))
		vertex, parent = append(vertex, node), append(parent, from)
	}
	type open struct{ node, edge uint32 }
	meet(0, 0)
	stack := []open{{0, s.firstEdge[0]}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.edge == s.firstEdge[top.node+1] {
			stack = stack[:len(stack)-1]
			continue
		}
		e := top.edge
		top.edge++
		if to := s.edgeTo[e]; number[to] == none && s.holds(top.node, e) {
			meet(to, number[top.node])
			stack = append(stack, open{to, s.firstEdge[to]})
		}
	}
	return number, vertex, parent
}

// holds is keeps for the dominators: there, what the root points to is held by it.
func (s *Snapshot) holds(from, e uint32) bool {
	return s.keeps(from, e) || from == 0 && s.relation(e) == relationShortcut
}

// retainers lists for each node those that hold it: from[first[n]:first[n+1]].
func (s *Snapshot) retainers() (first, from []uint32) {
	n := s.Nodes()
	first = make([]uint32, n+1)
	s.eachHeld(func(_, to uint32) { first[to+1]++ })
	for i := range n {
		first[i+1] += first[i]
	}
	from = make([]uint32, first[n])
	s.eachHeld(func(node, to uint32) {
		from[first[to]] = node
		first[to]++
	})
	// Each entry now stands at the end of its part, which is the beginning of the next.
	copy(first[1:], first[:n])
	first[0] = 0
	return first, from
}

// eachHeld calls do for each edge that holds its target.
func (s *Snapshot) eachHeld(do func(node, to uint32)) {
	for node := range uint32(s.Nodes()) {
		for e, end := s.edges(node); e < end; e++ {
			if s.holds(node, e) {
				do(node, s.edgeTo[e])
			}
		}
	}
}

// forest is the part of the search tree that has been gone through, with compressed paths.
type forest struct {
	semi, label, ancestor []uint32
	path                  []uint32
}

func newForest(n int) *forest {
	f := &forest{semi: make([]uint32, n), label: make([]uint32, n), ancestor: filled(n)}
	for i := range f.semi {
		f.semi[i], f.label[i] = uint32(i), uint32(i)
	}
	return f
}

// eval returns the node with the smallest semidominator on the way from v up to, but without, the
// root of its tree in the forest.
func (f *forest) eval(v uint32) uint32 {
	if f.ancestor[v] == none {
		return v
	}
	f.path = f.path[:0]
	for u := v; f.ancestor[f.ancestor[u]] != none; u = f.ancestor[u] {
		f.path = append(f.path, u)
	}
	for i := len(f.path) - 1; i >= 0; i-- {
		u := f.path[i]
		a := f.ancestor[u]
		if f.semi[f.label[a]] < f.semi[f.label[u]] {
			f.label[u] = f.label[a]
		}
		f.ancestor[u] = f.ancestor[a]
	}
	return f.label[v]
}
