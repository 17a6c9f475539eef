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

// words writes a chain for people.
func (s *Snapshot) words(root uint32, edges []uint32) string {
	var b strings.Builder
	b.WriteString(s.rootWord(root))
	from, said := root, true // said: the class of from need not be named
	for i, e := range edges {
		to := s.edgeTo[e]
		if len(edges) > maxWordSteps && i == maxWordSteps/2 {
			b.WriteString(" (" + strconv.Itoa(len(edges)-maxWordSteps) + " more)")
		}
		if len(edges) <= maxWordSteps || i < maxWordSteps/2 || i >= len(edges)-maxWordSteps/2 {
			access, ok := s.access(from, e)
			if !ok {
				if !said && s.kind(from) != kindArray {
					b.WriteString(" : " + s.display(from))
				}
				access = " -> " + s.arrow(from, e)
			}
			b.WriteString(access)
			said = s.isNameless(from, e)
		}
		from = to
	}
	if !said {
		b.WriteString(" : " + s.display(from))
	}
	return b.String()
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

// rootWord names a root: window, another global object, or V8's own word.
func (s *Snapshot) rootWord(root uint32) string {
	if root == 0 {
		return "(root)"
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
	if s.ways().global > 1 && where != "" {
		return name + "(" + shorten(where, maxNameLength) + ")"
	}
	return name
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
