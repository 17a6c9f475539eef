package sites

import "strings"

// findLD returns the JSON-LD objects of a schema.org type, in document order: those
// at the top of a script, in its arrays and in @graph; only where there is none, also
// those within other objects (the mainEntity of a WebPage, say).
func findLD(roots []*jsonValue, ldType string) []*jsonValue {
	want := shortType(ldType)
	var found []*jsonValue
	for _, root := range roots {
		found = topLD(root, want, found)
	}
	if len(found) > 0 {
		return found
	}
	for _, root := range roots {
		found = deepLD(root, want, found)
	}
	return found
}

func topLD(v *jsonValue, want string, found []*jsonValue) []*jsonValue {
	switch v.kind {
	case jsonArray:
		for i := range v.items {
			found = topLD(&v.items[i], want, found)
		}
	case jsonObject:
		if isLD(v, want) {
			found = append(found, v)
		}
		if graph := v.get("@graph"); graph != nil {
			found = topLD(graph, want, found)
		}
	}
	return found
}

func deepLD(v *jsonValue, want string, found []*jsonValue) []*jsonValue {
	if isLD(v, want) {
		return append(found, v)
	}
	for i := range v.items {
		found = deepLD(&v.items[i], want, found)
	}
	return found
}

// isLD tells whether v has the type; @type is a string or an array of them.
func isLD(v *jsonValue, want string) bool {
	types := v.get("@type")
	switch {
	case types == nil:
		return false
	case types.kind == jsonString:
		return shortType(types.text) == want
	}
	for i := range types.items {
		if types.items[i].kind == jsonString && shortType(types.items[i].text) == want {
			return true
		}
	}
	return false
}

// shortType is the name of a type without its vocabulary: https://schema.org/Product
// and schema:Product are Product.
func shortType(name string) string {
	return name[strings.LastIndexAny(name, "/#:")+1:]
}
