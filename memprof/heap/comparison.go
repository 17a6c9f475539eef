package heap

import (
	"errors"
	"fmt"
)

// Comparison tells what grew from the first to the last of two or more snapshots of one page. It
// holds two of them at a time.
type Comparison struct {
	o      CompareOptions
	points []Point
	first  *origin
	last   *Snapshot
	growth *growth // of the nodes of last
	isNew  []bool  // of the nodes of last: the first snapshot had them not
	byPath bool    // in some pair, ids did not hold
}

// CompareOptions bound a comparison.
type CompareOptions struct {
	// Top is how many rows each list has. Default: 20.
	Top int
}

// Point is one snapshot of a comparison.
type Point struct {
	Name        string `json:"name"`
	Nodes       int    `json:"nodes"`
	Bytes       uint64 `json:"bytes"`
	ExtraNative uint64 `json:"extra_native_bytes"`
	Detached    int    `json:"detached"` // DOM nodes
	Globals     int    `json:"globals"`
}

// origin is what is kept of the first snapshot.
type origin struct {
	classes map[string]tally
	closure map[place]int
	strings map[string]tally
	tags    map[string]int // detached nodes
}

// tally counts objects and their bytes.
type tally struct {
	count int
	bytes uint64
}

// NewComparison returns a comparison of nothing yet.
func NewComparison(o CompareOptions) *Comparison {
	if o.Top == 0 {
		o.Top = 20
	}
	return &Comparison{o: o}
}

// ErrUnrelated says that two snapshots cannot be compared: no window, frame or worker of the one
// is in the other.
var ErrUnrelated = errors.New("it is not of the same page as the snapshot before")

// Add adds the next snapshot, which the comparison then owns.
func (c *Comparison) Add(name string, s *Snapshot) error {
	if id, twice := s.sharedID(); twice {
		return fmt.Errorf("compare %s: two objects have the id %d", name, id)
	}
	if c.last == nil {
		c.first = s.origin()
		c.growth = newGrowth(s)
	} else {
		m := match(c.last, s)
		if !m.related() {
			return fmt.Errorf("compare %s: %w", name, ErrUnrelated)
		}
		c.growth = c.growth.next(c.last, s, m.of)
		c.isNew = m.isNew(c.isNew)
		c.byPath = c.byPath || !m.byID
	}
	c.last = s
	c.points = append(c.points, Point{
		Name: name, Nodes: s.Nodes(), Bytes: s.Bytes(), ExtraNative: s.ExtraNative,
		Detached: s.countDetached(), Globals: s.ways().global,
	})
	return nil
}

// origin keeps of a snapshot what later ones are compared with.
func (s *Snapshot) origin() *origin {
	return &origin{classes: s.tallies(), closure: s.closurePlaces(), strings: s.stringTallies(), tags: s.detachedTags()}
}

// tallies counts the objects of each class that take memory.
func (s *Snapshot) tallies() map[string]tally {
	c := s.class()
	rows := make([]tally, len(c.names))
	for n, class := range c.of {
		if s.selfSize[n] > 0 {
			rows[class].count++
			rows[class].bytes += s.selfSize[n]
		}
	}
	byName := make(map[string]tally, len(rows))
	for class, row := range rows {
		byName[c.names[class]] = row
	}
	return byName
}

// closurePlaces counts the functions of each place.
func (s *Snapshot) closurePlaces() map[place]int {
	counts := make(map[place]int)
	for _, l := range s.locations {
		if s.kind(l.node) == kindClosure {
			counts[place{l.script, l.line, l.column}]++
		}
	}
	return counts
}

// stringTallies counts the strings of which there are several.
func (s *Snapshot) stringTallies() map[string]tally {
	rows := make(map[uint32]tally)
	for n := range uint32(s.Nodes()) {
		if s.kind(n) == kindString && s.selfSize[n] > 0 {
			t := rows[s.nodeName[n]]
			t.count++
			t.bytes += s.selfSize[n]
			rows[s.nodeName[n]] = t
		}
	}
	byText := make(map[string]tally)
	for i, t := range rows {
		if t.count > 1 {
			byText[s.strings.at(i)] = t
		}
	}
	return byText
}

func (s *Snapshot) countDetached() int {
	count := 0
	for _, number := range s.detachedTags() {
		count += number
	}
	return count
}

// detachedTags counts the detached nodes by tag.
func (s *Snapshot) detachedTags() map[string]int {
	counts := make(map[string]int)
	for _, n := range s.ways().order {
		if s.isDetached(n) {
			counts[s.class().names[s.class().of[n]]]++
		}
	}
	return counts
}
