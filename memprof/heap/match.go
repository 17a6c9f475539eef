package heap

import "slices"

// match finds for each node of next the node of prev that it was: the same object, by its id, or
// else what stood at the same place, by its path as in BLeak (Vilk and Berger, PLDI 2018): the
// match of the node before it has a reference with the same name. none for what has no match.
//
// V8 keeps the ids of objects from one snapshot to the next, but forgets them when any session
// that has attached to the page detaches: then paths are all there is.
func match(prev, next *Snapshot) *matcher {
	m := &matcher{prev: prev, next: next, names: sharedNames(prev, next), of: filled(next.Nodes())}
	m.byID = m.idsHold()
	m.globals()
	for _, n := range next.ways().order {
		if m.of[n] == none { // not by its path
			m.of[n] = m.same(n)
		}
		m.children(n)
	}
	return m
}

type matcher struct {
	prev, next *Snapshot
	byID       bool              // ids mean the same in both
	names      map[uint32]uint32 // of edges: from next to prev
	of         []uint32
	places     map[edgeKey]uint32 // the references of the node of prev that is at hand
}

// edgeKey is the name of an edge in prev.
type edgeKey struct {
	relation relation
	name     uint32
}

// idsHold tells whether V8 has kept the ids: then objects that have the same id are of the same
// sort and name. Each name has one vote: where most objects are of one class, two that have nothing
// to do with each other are mostly alike. V8 numbers a heap that it has forgotten anew in the same
// order, so one that has hardly changed agrees but for a shift somewhere; a global object, which is
// none under its id later, tells that.
func (m *matcher) idsHold() bool {
	globals := m.next.globals()
	for _, n := range m.prev.globals() {
		if found := m.next.find(m.prev.nodeID[n]); found != none && !slices.Contains(globals, found) {
			return false
		}
	}
	alike := make([]int, m.next.strings.count()) // by name: objects that are alike less those that are not
	for n := range uint32(m.next.Nodes()) {
		found := m.prev.find(m.next.nodeID[n])
		if found == none || m.next.kind(n) == kindSynthetic {
			continue
		}
		if m.prev.kind(found) == m.next.kind(n) && string(m.prev.strings.bytes(m.prev.nodeName[found])) == string(m.next.strings.bytes(m.next.nodeName[n])) {
			alike[m.next.nodeName[n]]++
		} else {
			alike[m.next.nodeName[n]]--
		}
	}
	same, other := 0, 0
	for _, more := range alike {
		switch {
		case more > 0:
			same++
		case more < 0:
			other++
		}
	}
	return same > 10*other
}

// globals matches roots. A document that is loaded again has another window of the same name,
// which came in the place of the first, and other scopes of scripts, in the same order. Each of
// prev has one at most.
func (m *matcher) globals() {
	left := make(map[string][]uint32)
	for _, n := range append(m.prev.globals(), m.prev.scopes()...) {
		if !m.byID || m.next.find(m.prev.nodeID[n]) == none {
			name := plainClass(m.prev.name(n))
			left[name] = append(left[name], n)
		}
	}
	for _, n := range append(m.next.globals(), m.next.scopes()...) {
		if name := plainClass(m.next.name(n)); m.same(n) == none && len(left[name]) > 0 {
			m.of[n], left[name] = left[name][0], left[name][1:]
		}
	}
	m.of[0] = 0
}

// related tells whether two snapshots can be compared: a global object of the one, if it has any,
// is in the other.
func (m *matcher) related() bool {
	globals := m.next.globals()
	for _, n := range globals {
		if m.of[n] != none {
			return true
		}
	}
	return len(globals) == 0 && len(m.prev.globals()) == 0
}

// same is the node of prev with the id of a node of next, where ids hold.
func (m *matcher) same(n uint32) uint32 {
	if !m.byID {
		return none
	}
	found := m.prev.find(m.next.nodeID[n])
	if found != none && m.prev.kind(found) != m.next.kind(n) {
		return none
	}
	return found
}

// isNew tells of the nodes of next that the first snapshot had not; was tells that of prev, nil
// where prev is the first.
func (m *matcher) isNew(was []bool) []bool {
	fresh := make([]bool, m.next.Nodes())
	for n := range fresh {
		of := m.of[n]
		if m.byID {
			of = m.same(uint32(n))
		}
		fresh[n] = of == none || was != nil && was[of]
	}
	return fresh
}

// children matches by their path the nodes that a node leads to and that have no match by id.
func (m *matcher) children(n uint32) {
	was := m.of[n]
	if was == none {
		return
	}
	m.places = nil
	p := m.next.ways()
	for e, end := m.next.edges(n); e < end; e++ {
		to := m.next.edgeTo[e]
		if p.edge[to] != e || m.same(to) != none {
			continue
		}
		key, ok := m.key(e)
		if !ok {
			continue
		}
		if m.places == nil {
			m.places = m.placesOf(was)
		}
		if found, ok := m.places[key]; ok && m.prev.kind(found) == m.next.kind(to) {
			m.of[to] = found
		}
	}
}

// key is the name of an edge of next in terms of prev.
func (m *matcher) key(e uint32) (edgeKey, bool) {
	k := edgeKey{m.next.relation(e), m.next.edgeName[e]}
	if k.relation.numbered() {
		return k, true
	}
	name, ok := m.names[k.name]
	k.name = name
	return k, ok
}

// placesOf are the references of a node of prev by their names.
func (m *matcher) placesOf(n uint32) map[edgeKey]uint32 {
	first, end := m.prev.edges(n)
	places := make(map[edgeKey]uint32, end-first)
	for e := first; e < end; e++ {
		if k := (edgeKey{m.prev.relation(e), m.prev.edgeName[e]}); m.prev.keeps(n, e) {
			if _, twice := places[k]; !twice {
				places[k] = m.prev.edgeTo[e]
			}
		}
	}
	return places
}

// sharedNames says of the names of edges that both snapshots have which string of prev is which
// of next.
func sharedNames(prev, next *Snapshot) map[uint32]uint32 {
	known := make(map[string]uint32)
	for _, i := range prev.edgeLabels() {
		known[prev.strings.at(i)] = i
	}
	shared := make(map[uint32]uint32)
	for _, i := range next.edgeLabels() {
		if was, ok := known[string(next.strings.bytes(i))]; ok {
			shared[i] = was
		}
	}
	return shared
}

// edgeLabels are the strings that are names of edges, each once.
func (s *Snapshot) edgeLabels() []uint32 {
	used := make([]bool, s.strings.count())
	var labels []uint32
	for e := range uint32(s.Edges()) {
		if name := s.edgeName[e]; !s.relation(e).numbered() && !used[name] {
			used[name] = true
			labels = append(labels, name)
		}
	}
	return labels
}
