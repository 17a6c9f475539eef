package heap

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// kind is what sort of thing a node is.
type kind uint8

// The kinds of nodes of which something is known. All others are kindOther: Chrome adds some
// every few years.
const (
	kindOther kind = iota
	kindHidden
	kindArray
	kindString
	kindObject
	kindCode
	kindClosure
	kindRegexp
	kindNumber
	kindNative
	kindSynthetic
	kindConsString
	kindSlicedString
	kindShape
)

// nodeKinds are the kinds by V8's names.
var nodeKinds = map[string]kind{
	"hidden": kindHidden, "array": kindArray, "string": kindString, "object": kindObject, "code": kindCode,
	"closure": kindClosure, "regexp": kindRegexp, "number": kindNumber, "native": kindNative,
	"synthetic": kindSynthetic, "concatenated string": kindConsString, "sliced string": kindSlicedString,
	"object shape": kindShape,
}

// relation is what sort of reference an edge is.
type relation uint8

// The relations of which something is known.
const (
	relationOther    relation = iota
	relationContext           // a variable of a function's scope
	relationElement           // an index of an array, or any reference of a C++ object
	relationProperty          // a property of an object
	relationInternal          // a named field that scripts do not see
	relationHidden            // a numbered field that scripts do not see
	relationShortcut          // leads past what lies between
	relationWeak              // keeps nothing alive
)

// edgeRelations are the relations by V8's names.
var edgeRelations = map[string]relation{
	"context": relationContext, "element": relationElement, "property": relationProperty,
	"internal": relationInternal, "hidden": relationHidden, "shortcut": relationShortcut, "weak": relationWeak,
}

// numbered tells whether the edges of a relation have a number for a name.
func (r relation) numbered() bool { return r == relationElement || r == relationHidden }

// header is the part of a snapshot that says how to read the others.
type header struct {
	Meta struct {
		NodeFields     []string          `json:"node_fields"`
		NodeTypes      []json.RawMessage `json:"node_types"`
		EdgeFields     []string          `json:"edge_fields"`
		EdgeTypes      []json.RawMessage `json:"edge_types"`
		LocationFields []string          `json:"location_fields"`
	} `json:"meta"`
	NodeCount        uint64 `json:"node_count"`
	EdgeCount        uint64 `json:"edge_count"`
	ExtraNativeBytes uint64 `json:"extra_native_bytes"`
}

// maxFields is how many fields a node or an edge may have, and maxTypes how many types.
const (
	maxFields = 64
	maxTypes  = 255
)

// parseHeader reads the value of "snapshot".
func parseHeader(text []byte) (*header, error) {
	h := &header{}
	if err := json.Unmarshal(text, h); err != nil {
		return nil, err
	}
	m := &h.Meta
	for _, required := range []struct {
		list   string
		fields []string
		names  []string
	}{
		{"node_fields", m.NodeFields, []string{"type", "name", "id", "self_size", "edge_count"}},
		{"edge_fields", m.EdgeFields, []string{"type", "name_or_index", "to_node"}},
	} {
		for _, name := range required.names {
			if !slices.Contains(required.fields, name) {
				return nil, fmt.Errorf("meta.%s has no %q", required.list, name)
			}
		}
	}
	for _, fields := range [][]string{m.NodeFields, m.EdgeFields, m.LocationFields} {
		if len(fields) > maxFields {
			return nil, fmt.Errorf("meta has a list of %d fields", len(fields))
		}
		if len(slices.Compact(slices.Sorted(slices.Values(fields)))) != len(fields) {
			return nil, errors.New("meta lists a field twice")
		}
	}
	if h.NodeCount == 0 {
		return nil, errors.New("node_count is 0")
	}
	if h.NodeCount >= 1<<32-1 || h.EdgeCount >= 1<<32-1 {
		return nil, fmt.Errorf("it has %d nodes and %d edges, more than 32 bits count", h.NodeCount, h.EdgeCount)
	}
	return h, nil
}

// typeNames are the names of the types of nodes or edges: the entry of their "type" field.
func typeNames(fields []string, types []json.RawMessage) ([]string, error) {
	at := slices.Index(fields, "type")
	var names []string
	if at >= len(types) || json.Unmarshal(types[at], &names) != nil {
		return nil, errors.New("meta does not list the types of nodes and edges")
	}
	if len(names) > maxTypes {
		return nil, fmt.Errorf("meta lists %d types", len(names))
	}
	return names, nil
}

// columns says of each field which of the wanted it is; -1 for none of them.
func columns(fields []string, wanted ...string) []int {
	at := make([]int, len(fields))
	for i, field := range fields {
		at[i] = slices.Index(wanted, field)
	}
	return at
}
