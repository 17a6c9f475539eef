package heap

import (
	"cmp"
	"errors"
)

// Diff is what grew from the first to the last of two or more snapshots. All lists are sorted, the
// most growth first and artefacts last, and bounded.
type Diff struct {
	Snapshots []Point `json:"snapshots"`
	// Bytes is the change of the size of all objects.
	Bytes int64 `json:"bytes"`
	// ByPath says that V8 has forgotten the ids of objects between two of the snapshots, which it
	// does when a session detaches. Then an object that took the place of another counts as that.
	ByPath bool `json:"by_path"`
	// NewObjects are those that the first snapshot had not, but for what takes no memory.
	NewObjects int    `json:"new_objects"`
	NewBytes   uint64 `json:"new_bytes"`
	// Paths are the places that held more in each snapshot.
	Paths []GrowingPath `json:"paths"`
	// Constructors are the classes of which there is more.
	Constructors []ClassGrowth `json:"constructors"`
	// Detached are the DOM nodes outside of their document of which there are more.
	Detached DetachedGrowth `json:"detached"`
	// Closures are the functions of which there are more.
	Closures []ClosureGrowth `json:"closures"`
	// Strings are texts of which there are more copies, where there are several.
	Strings []StringGrowth `json:"strings"`
}

// ClassGrowth is how a class grew.
type ClassGrowth struct {
	Name string `json:"name"`
	// Count and Bytes are the changes; New counts the objects that the first snapshot had not.
	Count    int    `json:"count"`
	Bytes    int64  `json:"bytes"`
	New      int    `json:"new"`
	NewBytes uint64 `json:"new_bytes"`
	// Artefact is the family of known artefacts that this looks like; "" for none.
	Artefact Artefact `json:"artefact,omitempty"`
}

// DetachedGrowth is how many more detached DOM nodes there are.
type DetachedGrowth struct {
	Count int         `json:"count"`
	Tags  []TagGrowth `json:"tags"`
}

// TagGrowth is how many more detached nodes of one tag there are.
type TagGrowth struct {
	Name  string `json:"name"`
	Count int    `json:"count"` // the change
	Chain Chain  `json:"chain"` // to one of them
}

// ClosureGrowth is a place of which there are more functions.
type ClosureGrowth struct {
	Closure
	Growth int `json:"growth"`
}

// StringGrowth is a text of which there are more copies.
type StringGrowth struct {
	Text   string `json:"text"`
	Count  int    `json:"count"`  // of copies now
	Growth int    `json:"growth"` // how many more
	Bytes  int64  `json:"bytes"`  // how much more
}

// Diff tells what grew between the snapshots that were added, at least two.
func (c *Comparison) Diff() (*Diff, error) {
	if len(c.points) < 2 {
		return nil, errors.New("compare heap snapshots: it takes two")
	}
	first, last := c.points[0], c.points[len(c.points)-1]
	d := &Diff{
		Snapshots: c.points, Bytes: int64(last.Bytes) - int64(first.Bytes), ByPath: c.byPath,
		Constructors: c.classGrowth(), Detached: c.detachedGrowth(), Closures: c.closureGrowth(), Strings: c.stringGrowth(),
		Paths: c.growingPaths(),
	}
	for n, size := range c.last.selfSize {
		if size > 0 && c.isNew[n] {
			d.NewObjects++
			d.NewBytes += size
		}
	}
	return d, nil
}

func (c *Comparison) classGrowth() []ClassGrowth {
	s := c.last
	fresh := make([]tally, len(s.class().names))
	for n, class := range s.class().of {
		if s.selfSize[n] > 0 && c.isNew[n] {
			fresh[class].count++
			fresh[class].bytes += s.selfSize[n]
		}
	}
	now := s.tallies()
	var rows []ClassGrowth
	for class, name := range s.class().names {
		was, is := c.first.classes[name], now[name]
		row := ClassGrowth{
			Name: shorten(name, maxNameLength), Count: is.count - was.count, Bytes: int64(is.bytes) - int64(was.bytes),
			New: fresh[class].count, NewBytes: fresh[class].bytes, Artefact: artefactOf(name),
		}
		if row.Count > 0 || row.Bytes > 0 {
			rows = append(rows, row)
		}
	}
	return top(c.o.Top, rows, func(a, b ClassGrowth) int {
		return cmp.Or(rank(a.Artefact)-rank(b.Artefact), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
}

func (c *Comparison) detachedGrowth() DetachedGrowth {
	s := c.last
	last := c.points[len(c.points)-1]
	d := DetachedGrowth{Count: last.Detached - c.points[0].Detached}
	now := s.detachedTags()
	grown := make(map[string]bool)
	for tag, count := range now {
		if count > c.first.tags[tag] {
			grown[tag] = true
		}
	}
	// The example is a node that is new.
	for _, n := range s.ways().order {
		tag := s.class().names[s.class().of[n]]
		if grown[tag] && s.isDetached(n) && c.isNew[n] {
			delete(grown, tag)
			d.Tags = append(d.Tags, TagGrowth{Name: shorten(tag, maxNameLength), Count: now[tag] - c.first.tags[tag], Chain: s.chainTo(n)})
		}
	}
	d.Tags = top(c.o.Top, d.Tags, func(a, b TagGrowth) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return d
}

func (c *Comparison) closureGrowth() []ClosureGrowth {
	var rows []ClosureGrowth
	for at, row := range c.last.closureRows() {
		if growth := row.Count - c.first.closure[at]; growth > 0 {
			rows = append(rows, ClosureGrowth{Closure: row, Growth: growth})
		}
	}
	return top(c.o.Top, rows, func(a, b ClosureGrowth) int {
		return cmp.Or(cmp.Compare(b.Growth, a.Growth), compareClosures(a.Closure, b.Closure))
	})
}

func (c *Comparison) stringGrowth() []StringGrowth {
	var rows []StringGrowth
	for text, now := range c.last.stringTallies() {
		was := c.first.strings[text]
		if growth := now.count - max(was.count, 1); growth > 0 {
			rows = append(rows, StringGrowth{
				Text: shorten(text, maxNameLength), Count: now.count, Growth: growth, Bytes: int64(now.bytes) - int64(was.bytes),
			})
		}
	}
	return top(c.o.Top, rows, func(a, b StringGrowth) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Growth, a.Growth), cmp.Compare(a.Text, b.Text))
	})
}
