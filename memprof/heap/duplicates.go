package heap

import "cmp"

// Duplicates are strings that are in the heap several times.
type Duplicates struct {
	// Count is how many could go, and Bytes their size.
	Count int    `json:"count"`
	Bytes uint64 `json:"bytes"`
	// Top are those that waste most.
	Top []Duplicate `json:"top"`
}

// Duplicate is one text that several strings have.
type Duplicate struct {
	Text  string `json:"text"` // its beginning
	Count int    `json:"count"`
	Bytes uint64 `json:"bytes"` // of all of them
	// Begins says that only the beginnings of the strings, and their sizes, are known to be equal:
	// V8 writes the first 1,024 characters.
	Begins bool `json:"begins,omitempty"`
}

// longString is the size, in bytes, from which V8 may have cut a string.
const longString = 1024

// duplicates finds equal strings of one size.
func (s *Snapshot) duplicates(n int) Duplicates {
	type key struct {
		text uint32
		size uint64
	}
	type row struct {
		key
		count int
	}
	counts := make(map[key]int)
	for node := range uint32(s.Nodes()) {
		if s.kind(node) == kindString && s.selfSize[node] > 0 { // read-only strings are shared by all
			counts[key{s.nodeName[node], s.selfSize[node]}]++
		}
	}
	var d Duplicates
	var rows []row
	for k, count := range counts {
		if count < 2 {
			continue
		}
		d.Count += count - 1
		d.Bytes += uint64(count-1) * k.size
		rows = append(rows, row{k, count})
	}
	rows = top(n, rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(uint64(b.count-1)*b.size, uint64(a.count-1)*a.size), cmp.Compare(a.text, b.text), cmp.Compare(a.size, b.size))
	})
	for _, r := range rows {
		d.Top = append(d.Top, Duplicate{
			Text: shorten(s.strings.at(r.text), maxNameLength), Count: r.count, Bytes: uint64(r.count) * r.size,
			Begins: r.size > longString,
		})
	}
	return d
}
