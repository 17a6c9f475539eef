package heap

import (
	"cmp"
	"strings"
)

// Closure is all functions that were made at one place of a script.
type Closure struct {
	Function string `json:"function"` // (anonymous) for one without a name
	Script   string `json:"script"`   // its URL; "" where it has none, such as for eval
	Line     int    `json:"line"`     // from 1
	Column   int    `json:"column"`   // from 1
	Count    int    `json:"count"`
	// Bytes is the size of the functions; Retained what would be free without them, the variables
	// that only they hold included: the sum over functions none of which lies in another.
	Bytes    uint64 `json:"bytes"`
	Retained uint64 `json:"retained_bytes"`
}

// place is where the source of a function begins.
type place struct{ script, line, column uint32 }

// closures are the functions of scripts by their place; V8's own have none.
func (s *Snapshot) closures(n int) []Closure {
	var rows []Closure
	for _, row := range s.closureRows() {
		rows = append(rows, row)
	}
	return top(n, rows, compareClosures)
}

// compareClosures puts the most numerous first.
func compareClosures(a, b Closure) int {
	return cmp.Or(
		cmp.Compare(b.Count, a.Count), cmp.Compare(b.Retained, a.Retained), cmp.Compare(a.Script, b.Script),
		cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Function, b.Function),
	)
}

// closureRows are all closures by their place.
func (s *Snapshot) closureRows() map[place]Closure {
	dom := s.dominated()
	rows, scripts := make(map[place]Closure), s.scriptNames()
	for _, l := range s.locations {
		name, ok := scripts[l.script]
		if s.kind(l.node) != kindClosure || !ok {
			continue
		}
		at := place{l.script, l.line, l.column}
		row, met := rows[at]
		if !met {
			row = Closure{
				Function: shorten(functionName(s.name(l.node)), maxNameLength), Script: name,
				Line: int(l.line) + 1, Column: int(l.column) + 1,
			}
		}
		row.Count++
		row.Bytes += s.selfSize[l.node]
		if above := dom.of[l.node]; above == none || s.kind(above) != kindClosure {
			row.Retained += dom.retained[l.node]
		}
		rows[at] = row
	}
	return rows
}

// scriptNames are the URLs of the scripts that have functions, by V8's number. A script that is
// not known by a node is left out: it is V8's own.
func (s *Snapshot) scriptNames() map[uint32]string {
	names := make(map[uint32]string)
	shared, script := s.stringIndex("shared"), s.stringIndex("script")
	for _, l := range s.locations {
		if _, known := names[l.script]; known {
			continue
		}
		node := l.scriptNode
		if node == none && s.kind(l.node) == kindClosure {
			node = s.follow(s.follow(l.node, shared), script)
		}
		if node != none {
			if name, ok := scriptURL(s.name(node)); ok {
				names[l.script] = shorten(name, 200)
			}
		}
	}
	return names
}

// follow returns where the internal edge with a name leads to, or none.
func (s *Snapshot) follow(node, label uint32) uint32 {
	if node == none || label == none {
		return none
	}
	for e, end := s.edges(node); e < end; e++ {
		if s.edgeName[e] == label && s.relation(e) == relationInternal {
			return s.edgeTo[e]
		}
	}
	return none
}

// scriptURL is the URL in the name of a script's node. That is "system / Script / URL", with no
// URL for eval, and "system / Script" for V8's own; earlier versions had the URL alone.
func scriptURL(name string) (string, bool) {
	const own = "system / Script"
	if name == own {
		return "", false
	}
	return strings.TrimPrefix(name, own+" / "), true
}
