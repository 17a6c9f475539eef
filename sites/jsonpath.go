package sites

import (
	"fmt"
	"strconv"
	"strings"
)

// jsonPath goes down into JSON: a.b[0].c, [*] for each element, ["odd key"], [-1]
// from the end. A leading $ is allowed. A key that meets an array goes down into
// each of its elements, so that offers.price serves one offer and several.
type jsonPath []pathStep

type pathStep struct {
	kind  pathKind
	key   string
	index int
}

type pathKind uint8

const (
	pathKey pathKind = iota
	pathIndex
	pathAll
)

// maxPathValues bounds what one path takes from one value.
const maxPathValues = 100_000

// parseJSONPath reads a path; "" is the whole value.
func parseJSONPath(text string) (jsonPath, error) {
	var path jsonPath
	rest := strings.TrimPrefix(strings.TrimSpace(text), "$")
	for first := true; rest != ""; first = false {
		var step pathStep
		var err error
		switch {
		case rest[0] == '[':
			step, rest, err = parseBracket(rest)
		case rest[0] == '.' || first:
			step, rest, err = parseKey(strings.TrimPrefix(rest, "."))
		default:
			err = fmt.Errorf("a dot or a bracket should stand before %q", excerpt(rest))
		}
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		path = append(path, step)
	}
	return path, nil
}

func parseKey(rest string) (pathStep, string, error) {
	end := strings.IndexAny(rest, ".[")
	if end < 0 {
		end = len(rest)
	}
	key := strings.TrimSpace(rest[:end])
	switch {
	case key == "":
		return pathStep{}, "", fmt.Errorf("a key is missing before %q", excerpt(rest))
	case key == "*":
		return pathStep{kind: pathAll}, rest[end:], nil
	case strings.ContainsAny(key, "]\"'"):
		return pathStep{}, "", fmt.Errorf("the key %q needs brackets and quotes", key)
	}
	return pathStep{key: key}, rest[end:], nil
}

func parseBracket(rest string) (pathStep, string, error) {
	inner := strings.TrimLeft(rest[1:], " ")
	if inner != "" && (inner[0] == '"' || inner[0] == '\'') {
		p := jsonParser{text: inner, script: true}
		key, err := p.quoted(inner[0])
		if err != nil {
			return pathStep{}, "", fmt.Errorf("the quotes in %q do not close", excerpt(rest))
		}
		after, closed := strings.CutPrefix(strings.TrimLeft(inner[p.pos:], " "), "]")
		if !closed {
			return pathStep{}, "", fmt.Errorf("] should stand after %q", key)
		}
		return pathStep{key: key}, after, nil
	}
	text, after, closed := strings.Cut(inner, "]")
	if !closed {
		return pathStep{}, "", fmt.Errorf("the bracket in %q does not close", excerpt(rest))
	}
	text = strings.TrimSpace(text)
	if text == "*" {
		return pathStep{kind: pathAll}, after, nil
	}
	index, err := strconv.Atoi(text)
	if err != nil {
		return pathStep{}, "", fmt.Errorf("[%s] is neither an index, nor *, nor a key in quotes", text)
	}
	return pathStep{kind: pathIndex, index: index}, after, nil
}

// find returns what the path leads to, in order; null counts as not there.
func (path jsonPath) find(v *jsonValue) []*jsonValue {
	found := []*jsonValue{v}
	for _, step := range path {
		var next []*jsonValue
		for _, v := range found {
			next = step.down(v, next)
			if len(next) > maxPathValues {
				next = next[:maxPathValues]
				break
			}
		}
		found = next
	}
	kept := found[:0]
	for _, v := range found {
		if v.kind != jsonNull {
			kept = append(kept, v)
		}
	}
	return kept
}

func (s pathStep) down(v *jsonValue, found []*jsonValue) []*jsonValue {
	switch s.kind {
	case pathAll:
		for i := range v.items {
			found = append(found, &v.items[i])
		}
	case pathIndex:
		at := s.index
		if at < 0 {
			at += len(v.items)
		}
		if v.kind == jsonArray && at >= 0 && at < len(v.items) {
			found = append(found, &v.items[at])
		}
	case pathKey:
		if v.kind == jsonArray {
			for i := range v.items {
				if w := v.items[i].get(s.key); w != nil {
					found = append(found, w)
				}
			}
		} else if w := v.get(s.key); w != nil {
			found = append(found, w)
		}
	}
	return found
}
