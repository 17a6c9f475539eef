package heap

// Ways in which a node can grow.
const (
	growsEdges uint8 = 1 << iota // it has more references
	growsSize                    // it is larger itself
	growsTree                    // what hangs on it is more
)

// growth says of the nodes of a snapshot which have grown from each snapshot to the next, as
// BLeak's PropagateGrowth does: what did not grow once is no leak.
type growth struct {
	marks   []uint8
	tree    []uint64            // bytes of a node and of all whose paths lead through it
	history map[uint32][]uint32 // of nodes that grow: the number of their references in each snapshot
	sizes   map[uint32]uint64   // of nodes that grow: their size in the first snapshot
	grown   map[uint32]uint64   // of nodes that grow: how much their tree has grown in all, in bytes
}

// newGrowth is the growth in the first snapshot: anything may grow.
func newGrowth(s *Snapshot) *growth {
	return &growth{tree: s.trees()}
}

// trees are the sizes of the subtrees of the shortest paths.
func (s *Snapshot) trees() []uint64 {
	p := s.ways()
	tree := make([]uint64, s.Nodes())
	for i := len(p.order) - 1; i >= 0; i-- {
		n := p.order[i]
		tree[n] += s.selfSize[n]
		if p.parent[n] != none {
			tree[p.parent[n]] += tree[n]
		}
	}
	return tree
}

// next is the growth in the snapshot after; of are the matches of its nodes in prev.
func (g *growth) next(prev, s *Snapshot, of []uint32) *growth {
	h := &growth{
		marks: make([]uint8, s.Nodes()), tree: s.trees(),
		history: make(map[uint32][]uint32), sizes: make(map[uint32]uint64), grown: make(map[uint32]uint64),
	}
	for n := range uint32(s.Nodes()) {
		was := of[n]
		if was == none {
			continue
		}
		may := growsEdges | growsSize | growsTree
		if g.marks != nil {
			may = g.marks[was]
		}
		if may == 0 {
			continue
		}
		before, now := prev.outDegree(was), s.outDegree(n)
		var mark uint8
		if now > before {
			mark |= growsEdges
		}
		if s.selfSize[n] > prev.selfSize[was] {
			mark |= growsSize
		}
		if h.tree[n] > g.tree[was] {
			mark |= growsTree
		}
		if mark &= may; mark == 0 {
			continue
		}
		h.marks[n] = mark
		h.remember(g, prev, n, was, now, before)
		if h.tree[n] > g.tree[was] {
			h.grown[n] = g.grown[was] + h.tree[n] - g.tree[was]
		}
	}
	return h
}

// remember goes on with the history of a node.
func (h *growth) remember(g *growth, prev *Snapshot, n, was, now, before uint32) {
	history, ok := g.history[was]
	size := g.sizes[was]
	if !ok {
		history, size = []uint32{before}, prev.selfSize[was]
	}
	h.history[n] = append(history[:len(history):len(history)], now)
	h.sizes[n] = size
}
