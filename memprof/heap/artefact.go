package heap

import "strings"

// An Artefact is a family of growth that the browser or the measurement itself brings about. It
// is named beside what grew, and ranked below the rest; it hides nothing and decides nothing,
// since a page can leak the same things.
type Artefact string

// The families. memlab's hunts (packages/mcp-server, artifact-classes.ts) and runs of Chromium 156
// showed them.
const (
	ArtefactNetworkLog  Artefact = "cdp-network-log"      // what the DevTools session keeps of requests and scripts
	ArtefactTimeline    Artefact = "performance-timeline" // entries of the performance timeline, up to its buffer's size
	ArtefactSoftNav     Artefact = "soft-navigation"      // about 8 KB for each navigation within a document
	ArtefactConsole     Artefact = "console"              // the last 1,000 console messages with their objects
	ArtefactCompilation Artefact = "jit-and-feedback"     // code, type feedback and hidden classes of warm functions
)

// artefactSigns are parts of names by which a family is known, the more special first.
var artefactSigns = []struct {
	family Artefact
	signs  []string
}{
	{ArtefactSoftNav, []string{"SoftNavigation", "InteractionContentfulPaint", "InteractionEffectsMonitor"}},
	{ArtefactNetworkLog, []string{"InspectorNetworkAgent", "NetworkResourcesData", "DevToolsSession", "v8_inspector", "InspectorPageAgent"}},
	{ArtefactConsole, []string{"V8ConsoleMessage", "ConsoleMessage", "V8InspectorImpl"}},
	{ArtefactTimeline, []string{"Performance", "LargestContentfulPaint", "LayoutShift", "EventTiming"}},
	{ArtefactCompilation, []string{
		"Feedback", "(compiled code)", "Bytecode", "SharedFunctionInfo", "(object shape)", "DependentCode", "ScopeInfo",
		"(Compilation cache)", "system / Code", "system / WeakArrayList", "TransitionArray", "optimized_code",
	}},
}

// artefactOf names the family to which one of the names points, or "".
func artefactOf(names ...string) Artefact {
	for _, row := range artefactSigns {
		for _, sign := range row.signs {
			for _, name := range names {
				if strings.Contains(name, sign) {
					return row.family
				}
			}
		}
	}
	return ""
}

// artefact names the family of a path by the classes on it. The names of properties do not
// count: a page chooses those.
func (c Chain) artefact() Artefact {
	var names []string
	for _, step := range c.Steps {
		if !strings.HasSuffix(step.Class, "()") { // a function's name is the page's, too
			names = append(names, step.Class)
		}
		if step.Type == "internal" {
			names = append(names, step.Edge)
		}
	}
	return artefactOf(names...)
}
