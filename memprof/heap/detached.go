package heap

import (
	"cmp"
	"maps"
	"slices"
)

// Detached are the DOM nodes that are outside of their document and that something still holds, as
// Chrome tells: of a tree that is outside, those that a script has seen. The others count to what
// these retain.
type Detached struct {
	Count int    `json:"count"`
	Bytes uint64 `json:"bytes"`
	// Groups are the nodes by tag.
	Groups []DetachedGroup `json:"groups"`
}

// DetachedGroup is the detached nodes of one tag.
type DetachedGroup struct {
	Name     string `json:"name"` // such as <div>
	Count    int    `json:"count"`
	Bytes    uint64 `json:"bytes"`
	Retained uint64 `json:"retained_bytes"` // the sum over nodes none of which lies in another of the group
	// Example is one of them with its attributes, and Chain what holds that.
	Example string `json:"example"`
	Chain   Chain  `json:"chain"`
}

// detachedRow is a group while it is counted.
type detachedRow struct {
	DetachedGroup
	example uint32
}

// detachedNodes groups the detached nodes; the first of a group by its way from the root is its
// example.
func (s *Snapshot) detachedNodes(n int) Detached {
	d := Detached{Groups: []DetachedGroup{}}
	c, dom := s.class(), s.dominated()
	rows := make(map[uint32]*detachedRow)
	for _, node := range s.ways().order { // what only weak references lead to is no leak
		if !s.isDetached(node) {
			continue
		}
		row := rows[c.of[node]]
		if row == nil {
			row = &detachedRow{example: node}
			row.Name = shorten(c.names[c.of[node]], maxNameLength)
			rows[c.of[node]] = row
		}
		d.Count++
		d.Bytes += s.selfSize[node]
		row.Count++
		row.Bytes += s.selfSize[node]
		if above := dom.of[node]; above == none || !s.isDetached(above) || c.of[above] != c.of[node] {
			row.Retained += dom.retained[node]
		}
	}
	sorted := top(n, slices.Collect(maps.Values(rows)), func(a, b *detachedRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name), cmp.Compare(a.example, b.example))
	})
	for _, row := range sorted {
		row.Example, row.Chain = shorten(s.name(row.example), maxNameLength), s.chainTo(row.example)
		d.Groups = append(d.Groups, row.DetachedGroup)
	}
	return d
}
