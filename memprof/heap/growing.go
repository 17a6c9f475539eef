package heap

import (
	"cmp"
	"math"
	"regexp"
	"slices"
)

// GrowingPath is a place that held more in each snapshot than in the one before.
type GrowingPath struct {
	// Path is the place in words, from a root: "window.cache : Map -> table". Numbers in which
	// several such places differ are [*].
	Path string `json:"path"`
	// Places is how many places there are that differ by numbers only.
	Places int `json:"places"`
	// How says what grew: "references" that the object there has, the "size" of the object, or
	// the "tree" that hangs on a new object that took the place of another, such as the head of a
	// list.
	How string `json:"how"`
	// Counts are the numbers of references of all these places in each snapshot.
	Counts []int `json:"counts"`
	// Share is how many bytes of new objects this path keeps. What several growing paths keep is
	// divided among them (BLeak's LeakShare).
	Share uint64 `json:"leak_share_bytes"`
	// NewObjects is how many new objects are reached from here, those that others reach included. Of
	// new objects that took the place of others, only as many count, here and in Holds, as there are
	// more than before.
	NewObjects int `json:"new_objects"`
	// Holds are the classes of those objects, the largest first.
	Holds []ClassTotal `json:"holds"`
	// Artefact is the family of known artefacts that this looks like; "" for none.
	Artefact Artefact `json:"artefact,omitempty"`
	// Chain leads to the first of the places.
	Chain Chain `json:"chain"`
}

// ClassTotal is objects of one class.
type ClassTotal struct {
	Class string `json:"class"`
	Count int    `json:"count"`
	Bytes uint64 `json:"bytes"`
}

const (
	maxRoots     = 5_000       // growing places that are looked into, those with most growth first
	maxRootSteps = 200_000_000 // references followed for all of them together
	maxHolds     = 3           // classes of GrowingPath.Holds
)

// growRoot is a place that grew.
type growRoot struct {
	node  uint32
	how   string
	start []uint32 // the new objects that it leads to
	share float64
	count int
	holds map[uint32]tally // by class
}

// growingPaths are the places that grew in every pair of snapshots.
func (c *Comparison) growingPaths() []GrowingPath {
	s := c.last
	w := &claims{s: s, isNew: slices.Clone(c.isNew), reached: make([]uint32, s.Nodes()), seen: make([]uint32, s.Nodes()), steps: maxRootSteps}
	var own, ofV8 []*growRoot
	for _, root := range c.growRoots() {
		if s.kind(root.node) == kindSynthetic {
			ofV8 = append(ofV8, root)
		} else {
			own = append(own, root)
		}
	}
	// V8's roots hold much that a page's object holds, too: they are asked about the rest only.
	w.divide(own)
	for _, root := range own {
		w.each(root, func(n uint32) { w.isNew[n] = false })
	}
	w.divide(ofV8)
	return c.groupRoots(append(own, ofV8...))
}

// growRoots finds the places that grew, those with most growth first.
func (c *Comparison) growRoots() []*growRoot {
	s, g, p, isNew := c.last, c.growth, c.last.ways(), c.isNew
	var roots []*growRoot
	for _, n := range p.order {
		mark := g.marks[n]
		if mark == 0 {
			continue
		}
		above := p.parent[n]
		if above != none && g.marks[above]&growsEdges != 0 && s.relation(p.edge[n]) == relationInternal {
			continue // the backing store of an array that is itself one of these
		}
		root := &growRoot{node: n, holds: make(map[uint32]tally)}
		switch {
		case mark&growsEdges != 0:
			root.how, root.start = "references", c.newTargets(n)
		case mark&growsTree != 0 && isNew[n] && above != none && (!isNew[above] || p.parent[above] == none):
			// Above it is something old, or the window of a document that was loaded again.
			root.how, root.start = "tree", []uint32{n}
		case mark&growsTree != 0 && !isNew[n] && c.beginsList(n):
			root.how, root.start = "tree", c.newTargets(c.endOfList(n))
		case mark&growsSize != 0 && !isNew[n]:
			root.how = "size"
		default:
			continue
		}
		roots = append(roots, root)
	}
	return top(maxRoots, roots, func(a, b *growRoot) int {
		return cmp.Or(cmp.Compare(g.grown[b.node], g.grown[a.node]), cmp.Compare(a.node, b.node))
	})
}

// newTargets are the new objects that a node has references to.
func (c *Comparison) newTargets(n uint32) []uint32 {
	var found []uint32
	for e, end := c.last.edges(n); e < end; e++ {
		if to := c.last.edgeTo[e]; c.last.keeps(n, e) && c.isNew[to] {
			found = append(found, to)
		}
	}
	return found
}

// beginsList tells of the first object of a list that became longer. It matters where ids do not
// hold: the new head of a list then counts as the old one, and each object behind it as the one
// that was at its place.
func (c *Comparison) beginsList(n uint32) bool {
	s, p := c.last, c.last.ways()
	of := s.class().of
	above := p.parent[n]
	return (above == none || of[above] != of[n]) && c.nextOfList(n) != none
}

// nextOfList is the next object of a list that became longer: of the same class, and what hangs on
// it has grown, too; none at the end.
func (c *Comparison) nextOfList(n uint32) uint32 {
	s, p, of := c.last, c.last.ways(), c.last.class().of
	for e, end := s.edges(n); e < end; e++ {
		to := s.edgeTo[e]
		if p.edge[to] == e && of[to] == of[n] && c.growth.marks[to]&growsTree != 0 {
			return to
		}
	}
	return none
}

// endOfList is the last object of a list that was there before.
func (c *Comparison) endOfList(n uint32) uint32 {
	for next := c.nextOfList(n); next != none; next = c.nextOfList(n) {
		n = next
	}
	return n
}

// bound takes from a root's share what only took the place of something else. Of the objects that the
// root holds only that fraction counts: 1, but where some stand at other places than before.
func (c *Comparison) bound(root *growRoot) (share uint64, fraction float64) {
	g, s := c.growth, c.last
	history := g.history[root.node]
	rise := float64(history[len(history)-1]) - float64(history[0])
	switch root.how {
	case "tree":
		return min(uint64(root.share), g.grown[root.node]), 1
	case "size":
		return s.selfSize[root.node] - g.sizes[root.node], 1
	}
	if fresh := float64(len(root.start)); fresh > rise {
		return uint64(root.share * rise / fresh), rise / fresh
	}
	return uint64(root.share), 1
}

// part is a fraction of a number of objects.
func part(count int, fraction float64) int { return int(math.Round(float64(count) * fraction)) }

// number is what differs between places of one sort.
var number = regexp.MustCompile(`\[(hidden )?\d+\]`)

// shapeOf is a path without its numbers.
func shapeOf(words string) string { return number.ReplaceAllString(words, "[${1}*]") }

// groupRoots makes one row of all places that differ in numbers only.
func (c *Comparison) groupRoots(roots []*growRoot) []GrowingPath {
	groups := make(map[string]*GrowingPath)
	holds := make(map[*GrowingPath]map[uint32]tally)
	for _, root := range roots {
		share, fraction := c.bound(root)
		if share == 0 {
			continue
		}
		chain := c.last.chainTo(root.node)
		shape := shapeOf(chain.Words) + " " + root.how
		row := groups[shape]
		if row == nil {
			row = &GrowingPath{Path: chain.Words, How: root.how, Chain: chain, Counts: make([]int, len(c.points))}
			groups[shape], holds[row] = row, make(map[uint32]tally)
		} else {
			row.Path = shapeOf(chain.Words)
		}
		row.Places++
		row.Share += share
		row.NewObjects += part(root.count, fraction)
		for i, count := range c.growth.history[root.node] {
			row.Counts[i] += int(count)
		}
		for class, t := range root.holds {
			sum := holds[row][class]
			holds[row][class] = tally{sum.count + part(t.count, fraction), sum.bytes + uint64(float64(t.bytes)*fraction)}
		}
	}
	var rows []GrowingPath
	for _, row := range groups {
		row.Holds = c.last.classTotals(holds[row], maxHolds)
		row.Artefact = row.Chain.artefact()
		if row.Artefact == "" && len(row.Holds) > 0 {
			row.Artefact = artefactOf(row.Holds[0].Class)
		}
		rows = append(rows, *row)
	}
	return top(c.o.Top, rows, func(a, b GrowingPath) int {
		return cmp.Or(
			rank(a.Artefact)-rank(b.Artefact), cmp.Compare(b.Share, a.Share),
			cmp.Compare(b.NewObjects, a.NewObjects), cmp.Compare(a.Path, b.Path),
		)
	})
}

// rank puts artefacts below the rest.
func rank(a Artefact) int {
	if a == "" {
		return 0
	}
	return 1
}

// classTotals are the classes with most bytes.
func (s *Snapshot) classTotals(of map[uint32]tally, n int) []ClassTotal {
	rows := make([]ClassTotal, 0, len(of))
	for class, t := range of {
		rows = append(rows, ClassTotal{Class: shorten(s.class().names[class], maxNameLength), Count: t.count, Bytes: t.bytes})
	}
	return top(n, rows, func(a, b ClassTotal) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Class, b.Class))
	})
}
