package heap

import "strings"

// classes are the constructors of all nodes, as DevTools groups them.
type classes struct {
	names []string
	of    []uint32 // by node
}

// class returns the classes, worked out once.
func (s *Snapshot) class() *classes {
	if s.classes != nil {
		return s.classes
	}
	c := &classes{of: make([]uint32, s.Nodes())}
	type key struct {
		kind uint8
		name uint32
	}
	known, named := make(map[key]uint32), make(map[string]uint32)
	for n := range uint32(s.Nodes()) {
		k := key{s.nodeType[n], 0}
		switch s.kind(n) {
		case kindObject, kindNative, kindSynthetic:
			k.name = s.nodeName[n] // only these are told apart by name
		}
		class, ok := known[k]
		if !ok {
			name := s.className(n)
			if class, ok = named[name]; !ok {
				class = uint32(len(c.names))
				c.names, named[name] = append(c.names, name), class
			}
			known[k] = class
		}
		c.of[n] = class
	}
	s.classes = c
	return c
}

// kindClasses are the classes of nodes that are not told apart by name.
var kindClasses = map[kind]string{
	kindHidden: "(system)", kindCode: "(compiled code)", kindClosure: "Function", kindRegexp: "RegExp",
	kindShape: "(object shape)",
}

// className is the class of a node: the constructor of an object, the C++ class of a native one,
// the tag of an element.
func (s *Snapshot) className(n uint32) string {
	switch k := s.kind(n); k {
	case kindObject, kindNative, kindSynthetic:
		return plainClass(s.name(n))
	default:
		if name, ok := kindClasses[k]; ok {
			return name
		}
		return "(" + s.nodeTypes[s.nodeType[n]] + ")"
	}
}

// plainClass drops from a name what differs from object to object: the attributes of an element,
// and the number in "system / Context / scope @457".
func plainClass(name string) string {
	if tag := strings.TrimPrefix(name, "Detached "); strings.HasPrefix(tag, "<") {
		if end := strings.IndexAny(name[len(name)-len(tag):], " >"); end > 0 {
			return name[:len(name)-len(tag)+end] + ">"
		}
		return name
	}
	if at := strings.LastIndexByte(name, '@'); at > 0 && at+1 < len(name) && strings.Trim(name[at+1:], "0123456789") == "" {
		if cut := strings.LastIndex(name[:at], " / "); cut > 0 {
			return name[:cut]
		}
		return strings.TrimRight(name[:at], " ")
	}
	if name == "" {
		return "(unnamed)"
	}
	return name
}
