package heap

// paths are the shortest ways from the roots to all nodes: a tree.
//
// They begin at the global objects (window) and at the scopes of scripts (their let, const and
// class), as a person would look, and go on from V8's own roots to what is not reached from there. A step through what scripts do not see counts as
// several, so that a way over properties is preferred.
type paths struct {
	parent []uint32 // the node before; none for a root and for what is not reached
	edge   []uint32 // the edge from there
	order  []uint32 // the nodes that are reached, parents before their children
	global int      // how many of them, the first, are global objects
	top    int      // how many of them, the first, are global objects or scopes of scripts
}

// weights say how many steps an edge counts as.
var weights = [...]int{
	relationOther: 3, relationContext: 1, relationElement: 1, relationProperty: 1,
	relationInternal: 2, relationHidden: 4, relationShortcut: 1, relationWeak: 0,
}

// behind is how much farther V8's own roots are than the global objects: no chain is that long.
const behind = 1 << 24

// ways works the paths out, once.
func (s *Snapshot) ways() *paths {
	if s.paths == nil {
		s.paths = s.search()
	}
	return s.paths
}

// search is Dial's algorithm (Communications of the ACM 12, 1969): Dijkstra's with a queue for
// each distance, of which only a few are in use at a time.
func (s *Snapshot) search() *paths {
	n := s.Nodes()
	p := &paths{parent: filled(n), edge: filled(n), order: make([]uint32, 0, n)}
	distance := filled(n)
	done := make([]bool, n)
	const ring = 8 // more than the largest weight
	var queues [ring][]uint32
	waiting := 0
	push := func(node uint32, at uint32) {
		distance[node] = at
		queues[at%ring] = append(queues[at%ring], node)
		waiting++
	}
	run := func(at uint32) {
		for ; waiting > 0; at++ {
			for queue := &queues[at%ring]; len(*queue) > 0; {
				last := queues[at%ring]
				*queue = nil
				for _, node := range last {
					waiting--
					if done[node] || distance[node] != at {
						continue
					}
					done[node] = true
					p.order = append(p.order, node)
					for e, end := s.edges(node); e < end; e++ {
						to := s.edgeTo[e]
						if !s.keeps(node, e) || done[to] {
							continue
						}
						far := at + uint32(s.weight(node, e))
						if far < distance[to] {
							p.parent[to], p.edge[to] = node, e
							push(to, far)
						}
					}
				}
			}
		}
	}
	for _, node := range s.globals() {
		push(node, 0)
	}
	p.global = waiting
	for _, node := range s.scopes() {
		push(node, 0)
	}
	p.top = waiting
	run(0)
	if !done[0] {
		push(0, behind)
		run(behind)
	}
	return p
}

func filled(n int) []uint32 {
	column := make([]uint32, n)
	for i := range column {
		column[i] = none
	}
	return column
}

// weight is how many steps an edge counts as. What C++ objects hold has numbers that say nothing.
func (s *Snapshot) weight(from, e uint32) int {
	r := s.relation(e)
	if r == relationElement && s.kind(from) == kindNative {
		return 2
	}
	return weights[r]
}

// globals are the global objects of the isolate: one for each realm, such as a window or a
// frame. V8 names them as the field global_object of each native context; earlier versions had
// the root point to them with shortcuts.
func (s *Snapshot) globals() []uint32 {
	var found []uint32
	seen := make(map[uint32]bool)
	add := func(node uint32) {
		if !seen[node] {
			seen[node] = true
			found = append(found, node)
		}
	}
	for e, end := s.edges(0); e < end; e++ {
		if s.relation(e) == relationShortcut {
			add(s.edgeTo[e])
		}
	}
	if field := s.stringIndex("global_object"); field != none {
		for e := range s.edgeName {
			if s.edgeName[e] == field && s.relation(uint32(e)) == relationInternal {
				add(s.edgeTo[e])
			}
		}
	}
	return found
}

// scopes are those of the scripts of all realms: what their global let, const and class are
// variables of. V8 has them in a table of each native context.
func (s *Snapshot) scopes() []uint32 {
	var found []uint32
	field := s.stringIndex("script_context_table")
	if field == none {
		return nil
	}
	seen := make(map[uint32]bool)
	for e := range s.edgeName {
		if s.edgeName[e] != field || s.relation(uint32(e)) != relationInternal {
			continue
		}
		for e, end := s.edges(s.edgeTo[e]); e < end; e++ {
			if to := s.edgeTo[e]; s.hasVariables(to) && !seen[to] {
				seen[to] = true
				found = append(found, to)
			}
		}
	}
	return found
}

// hasVariables tells of a scope.
func (s *Snapshot) hasVariables(n uint32) bool {
	for e, end := s.edges(n); e < end; e++ {
		if s.relation(e) == relationContext {
			return true
		}
	}
	return false
}

// stringIndex is the index of a string; none where there is no such string.
func (s *Snapshot) stringIndex(text string) uint32 {
	for i := range uint32(s.strings.count()) {
		if int(s.strings.length[i]) == len(text) && string(s.strings.bytes(i)) == text {
			return i
		}
	}
	return none
}

// chain is the way to a node: the edges from a root to it, and the root.
func (s *Snapshot) chain(n uint32) (root uint32, edges []uint32) {
	p := s.ways()
	for ; p.parent[n] != none; n = p.parent[n] {
		edges = append(edges, p.edge[n])
	}
	for i, j := 0, len(edges)-1; i < j; i, j = i+1, j-1 {
		edges[i], edges[j] = edges[j], edges[i]
	}
	return n, edges
}
