package sites

import "slices"

// Frames is when a page is drawn.
type Frames string

const (
	FramesLazy Frames = "lazy" // once a wait has not held for 300 ms, and as long as it does not
	FramesOn   Frames = "on"   // always
)

// DrawsLazily says whether the site's pages are drawn only where something waits for it: those that
// are not interacted with.
func (s *Site) DrawsLazily() bool {
	if s.Frames == FramesOn || s.Keep == KeepPage {
		return false
	}
	return !s.Interacts()
}

// Interacts says whether a template of the site has steps.
func (s *Site) Interacts() bool {
	return slices.ContainsFunc(s.Templates, func(t Template) bool { return len(t.Steps) > 0 })
}
