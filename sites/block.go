package sites

import "slices"

// BlockedByAll are the kinds that each of some sites blocks, in the order of the first.
func BlockedByAll(list []*Site) (kinds []ResourceKind) {
	if len(list) == 0 {
		return nil
	}
	for _, kind := range list[0].Block.Kinds {
		if !slices.ContainsFunc(list[1:], func(s *Site) bool { return !slices.Contains(s.Block.Kinds, kind) }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// ResourceKind is a kind of resource that a page loads.
type ResourceKind string

const (
	KindImage      ResourceKind = "image"
	KindFont       ResourceKind = "font"
	KindMedia      ResourceKind = "media"
	KindStylesheet ResourceKind = "stylesheet"
	KindScript     ResourceKind = "script"
	KindXHR        ResourceKind = "xhr"
	KindWebSocket  ResourceKind = "websocket"
	KindOther      ResourceKind = "other"
)
