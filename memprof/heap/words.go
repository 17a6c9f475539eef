package heap

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Step is one reference of a chain, and what it leads to.
type Step struct {
	// Edge is the name of the reference: a property, an index, a variable, a field of V8; ""
	// for those of C++ objects, which have none, and for the root.
	Edge string `json:"edge,omitempty"`
	// Type is V8's word for the sort of reference: property, element, context, internal, hidden;
	// root for the first.
	Type string `json:"type"`
	// Class and ID are those of the object.
	Class string `json:"class"`
	ID    uint32 `json:"id"`
}

// Chain is the shortest way from a root to an object.
type Chain struct {
	// Words is the chain for people: "window.cache : Map -> table -> [1234] : Entry". What can
	// be written as JavaScript is; an arrow leads over what scripts do not see.
	Words string `json:"words"`
	// Steps are all of it, of a long one the first and last twenty.
	Steps []Step `json:"steps"`
}

const (
	maxSteps      = 40 // of Chain.Steps
	maxWordSteps  = 12 // of Chain.Words
	maxNameLength = 60 // of a name in Chain, in characters
)

// Chain is the way to a node.
func (s *Snapshot) chainTo(n uint32) Chain {
	root, edges := s.chain(n)
	steps := make([]Step, 1, len(edges)+1)
	steps[0] = Step{Type: "root", Class: s.display(root), ID: s.nodeID[root]}
	from := root
	for _, e := range edges {
		steps = append(steps, s.step(from, e))
		from = s.edgeTo[e]
	}
	c := Chain{Words: s.words(root, edges)}
	if len(steps) > maxSteps {
		steps = append(steps[:maxSteps/2:maxSteps/2], steps[len(steps)-maxSteps/2:]...)
	}
	c.Steps = steps
	return c
}

// step describes an edge of a node and its target.
func (s *Snapshot) step(from, e uint32) Step {
	to := s.edgeTo[e]
	step := Step{Type: s.edgeTypes[s.edgeType[e]], Class: s.display(to), ID: s.nodeID[to]}
	if !s.isNameless(from, e) {
		step.Edge = s.edgeText(e)
	}
	return step
}

// isNameless tells of the references of C++ objects, whose numbers say nothing.
func (s *Snapshot) isNameless(from, e uint32) bool {
	return s.relation(e) == relationElement && s.kind(from) == kindNative
}

// edgeText is the name or the number of an edge.
func (s *Snapshot) edgeText(e uint32) string {
	if s.relation(e).numbered() {
		return strconv.FormatUint(uint64(s.edgeName[e]), 10)
	}
	return shorten(s.label(e), maxNameLength)
}

// display is the class of a node, or a closer name of a function.
func (s *Snapshot) display(n uint32) string {
	if s.kind(n) == kindClosure {
		return shorten(functionName(s.name(n)), maxNameLength) + "()"
	}
	return shorten(s.class().names[s.class().of[n]], maxNameLength)
}

// functionName stands for functions without one, too.
func functionName(name string) string {
	if name == "" {
		return "(anonymous)"
	}
	return name
}

// link is an edge with the nodes that it leads from and to.
type link struct{ from, edge, to uint32 }

// words writes a chain for people.
func (s *Snapshot) words(root uint32, edges []uint32) string {
	var b strings.Builder
	b.WriteString(s.rootWord(root))
	links := s.worthSaying(root, edges)
	last, said := root, true // said: the class of last need not be named
	for i, l := range links {
		if len(links) > maxWordSteps && i == maxWordSteps/2 {
			b.WriteString(" (" + strconv.Itoa(len(links)-maxWordSteps) + " more)")
		}
		if len(links) <= maxWordSteps || i < maxWordSteps/2 || i >= len(links)-maxWordSteps/2 {
			access, ok := s.access(l.from, l.edge)
			if !ok {
				if !said && s.kind(last) != kindArray {
					b.WriteString(" : " + s.display(last))
				}
				access = " -> " + s.arrow(l.from, l.edge)
			}
			b.WriteString(access)
			said = s.isNameless(l.from, l.edge)
		}
		last = l.to
	}
	if !said {
		b.WriteString(" : " + s.display(last))
	}
	return b.String()
}

// worthSaying leaves out what lies between a function and a variable that it sees: its scopes,
// and the cell that V8 may keep the value in.
func (s *Snapshot) worthSaying(root uint32, edges []uint32) []link {
	var links []link
	from := root
	for i, e := range edges {
		isScope := s.relation(e) == relationInternal && (s.label(e) == "context" || s.label(e) == "previous")
		isCell := i > 0 && s.relation(edges[i-1]) == relationContext && s.name(from) == "system / ContextCell"
		switch to := s.edgeTo[e]; {
		case isCell:
			links[len(links)-1].to = to
		case !isScope || !s.entersScope(edges[i+1:]):
			links = append(links, link{from, e, to})
		}
		from = s.edgeTo[e]
	}
	return links
}

// entersScope tells whether a chain goes on through outer scopes to a variable.
func (s *Snapshot) entersScope(edges []uint32) bool {
	for _, e := range edges {
		if s.relation(e) != relationInternal || s.label(e) != "previous" {
			return s.relation(e) == relationContext
		}
	}
	return false
}

// access writes an edge as JavaScript does: .name or [3]. false for one that scripts do not see.
func (s *Snapshot) access(from, e uint32) (string, bool) {
	switch r := s.relation(e); {
	case r == relationElement && s.kind(from) != kindNative:
		return "[" + s.edgeText(e) + "]", true
	case r == relationProperty:
		if name := s.edgeText(e); isIdentifier(name) {
			return "." + name, true
		}
		return "[" + strconv.Quote(s.edgeText(e)) + "]", true
	}
	return "", false
}

// arrow writes an edge that scripts do not see.
func (s *Snapshot) arrow(from, e uint32) string {
	text := s.edgeText(e)
	switch r := s.relation(e); {
	case s.isNameless(from, e):
		return s.display(s.edgeTo[e])
	case r == relationContext:
		return "variable " + text
	case r == relationHidden:
		return "[hidden " + text + "]"
	case text != "" && strings.Trim(text, "0123456789") == "":
		return "[" + text + "]"
	}
	return text
}

// rootWord names a root: window or another global object, the top level of scripts, or V8's root.
func (s *Snapshot) rootWord(root uint32) string {
	switch {
	case root == 0:
		return "(root)"
	case s.hasVariables(root):
		return "top level"
	}
	name, where, _ := strings.Cut(s.name(root), " / ")
	name = strings.TrimSuffix(name, " [JSGlobalObject]")
	switch {
	case name == "Window":
		name = "window"
	case name == "" || name == "Object":
		name = "globalThis"
	default:
		name = "globalThis(" + shorten(name, maxNameLength) + ")"
	}
	if where != "" && s.hasSeveralGlobals() {
		return name + "(" + shorten(where, maxNameLength) + ")"
	}
	return name
}

// hasSeveralGlobals tells of global objects with more than one name. Isolated worlds, in which
// tools evaluate, have another one of the same name.
func (s *Snapshot) hasSeveralGlobals() bool {
	p := s.ways()
	for _, n := range p.order[:min(p.global, len(p.order))] {
		if s.nodeName[n] != s.nodeName[p.order[0]] {
			return true
		}
	}
	return false
}

// isIdentifier tells of a name that JavaScript takes behind a dot.
func isIdentifier(name string) bool {
	for i, r := range name {
		if !unicode.IsLetter(r) && r != '_' && r != '$' && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

// shorten cuts a text to so many characters and makes it valid UTF-8 without control characters.
func shorten(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-3]) + "..."
}
