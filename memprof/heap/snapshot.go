package heap

import (
	"cmp"
	"slices"
)

// none stands for no node and no edge.
const none = ^uint32(0)

// Snapshot is a heap of one isolate at one time. Its methods are for one goroutine at a time:
// what is worked out of it is kept.
type Snapshot struct {
	// ExtraNative is what V8 tells of memory outside of the heap that belongs to no object, in
	// bytes.
	ExtraNative uint64
	// Size is the length of the text, in bytes.
	Size int64

	nodeTypes, edgeTypes []string
	kinds                []kind     // by node type
	relations            []relation // by edge type

	// Columns of the nodes.
	nodeType []uint8
	nodeName []uint32 // index of a string
	nodeID   []uint32
	selfSize []uint64
	detached []uint8 // 2 for a DOM node outside of its document; nil where V8 does not tell
	// firstEdge is where the edges of a node begin; it has one entry more than there are nodes.
	firstEdge []uint32

	// Columns of the edges.
	edgeType []uint8
	edgeName []uint32 // index of a string, or a number
	edgeTo   []uint32

	strings   texts
	locations []location // in the order of their nodes

	// What is worked out when it is needed first.
	byID     []uint32 // nodes in the order of their ids
	paths    *paths
	domin    *dominators
	classes  *classes
	weakKeys map[uint32]uint32 // by string: the id of the WeakMap's table that an edge's name holds
}

// location is where the source of a function, or of the constructor of an object, begins.
type location struct {
	node         uint32
	script       uint32 // V8's number of it
	scriptNode   uint32 // none where V8 does not tell
	line, column uint32 // from 0
}

// Nodes is the number of nodes, Edges that of references between them.
func (s *Snapshot) Nodes() int { return len(s.nodeType) }

// Edges is the number of references between nodes.
func (s *Snapshot) Edges() int { return len(s.edgeType) }

func (s *Snapshot) kind(n uint32) kind { return s.kinds[s.nodeType[n]] }

func (s *Snapshot) relation(e uint32) relation { return s.relations[s.edgeType[e]] }

// name is the raw name of a node.
func (s *Snapshot) name(n uint32) string { return s.strings.at(s.nodeName[n]) }

// edges are the first edge of a node and the one behind its last.
func (s *Snapshot) edges(n uint32) (first, end uint32) { return s.firstEdge[n], s.firstEdge[n+1] }

// label is the name of an edge; "" for one that has a number.
func (s *Snapshot) label(e uint32) string {
	if s.relation(e).numbered() {
		return ""
	}
	return s.strings.at(s.edgeName[e])
}

// isDetached tells of a DOM node that is outside of its document but held by something. Chrome
// before 90 told by the name.
func (s *Snapshot) isDetached(n uint32) bool {
	const detached = 2 // v8::EmbedderGraph::Node::Detachedness
	if s.detached != nil && s.detached[n] == detached {
		return true
	}
	name := s.strings.bytes(s.nodeName[n])
	const prefix = "Detached "
	return s.kind(n) == kindNative && len(name) > len(prefix) && string(name[:len(prefix)]) == prefix
}

// inIDOrder are the nodes in the order of their ids.
func (s *Snapshot) inIDOrder() []uint32 {
	if s.byID == nil {
		s.byID = make([]uint32, s.Nodes())
		for i := range s.byID {
			s.byID[i] = uint32(i)
		}
		slices.SortFunc(s.byID, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(s.nodeID[a], s.nodeID[b]), cmp.Compare(a, b))
		})
	}
	return s.byID
}

// sharedID returns an id that two nodes have, which V8 gives none.
func (s *Snapshot) sharedID() (id uint32, ok bool) {
	order := s.inIDOrder()
	for i := 1; i < len(order); i++ {
		if id := s.nodeID[order[i]]; id == s.nodeID[order[i-1]] {
			return id, true
		}
	}
	return 0, false
}

// find returns the node with an id, or none.
func (s *Snapshot) find(id uint32) uint32 {
	at, ok := slices.BinarySearchFunc(s.inIDOrder(), id, func(n, id uint32) int { return cmp.Compare(s.nodeID[n], id) })
	if !ok {
		return none
	}
	return s.byID[at]
}

// keeps tells whether an edge of a node keeps its target alive by itself. A weak one does not. A
// shortcut only names what another edge keeps. Of the two edges to a value of a WeakMap, from its
// key and from the table, it is the key that counts.
func (s *Snapshot) keeps(from, e uint32) bool {
	switch s.relation(e) {
	case relationWeak, relationShortcut:
		return false
	case relationInternal:
		table, ok := s.weakKeys[s.edgeName[e]]
		return !ok || table != s.nodeID[from]
	}
	return true
}
