//go:build studies

package heap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/memprof/heap"
)

func TestARealPagesLeaks(t *testing.T) {
	url := serve(t)
	tab := browsertest.Lease(t)
	for name, c := range map[string]struct {
		script string
		path   string
		class  string // what the path holds most of
	}{
		"a Map":           {"keepEntries(50)", "window.cache : Map -> table : (array)", "Entry"},
		"detached nodes":  {"keepDetached(50)", "window.lost : Array", "<section>"},
		"a list":          {"keepList(50)", "window.head : Object", "(array)"},
		"functions":       {"keepCallbacks(50)", "top level -> variable callbacks : Array", "(array)"},
		"nothing, busily": {script: "churn(50)"},
	} {
		t.Run(name, func(t *testing.T) {
			open(t, tab, url)
			evaluate(t, tab, strings.Repeat(c.script+";", 2)+"0") // compiles the code
			d := grow(t, tab, func(int) { evaluate(t, tab, c.script+"; 0") })
			require.False(t, d.ByPath)
			var own []heap.GrowingPath
			for _, p := range d.Paths {
				if p.Artefact == "" && p.Share > 1000 {
					own = append(own, p)
				}
			}
			if c.path == "" {
				require.Empty(t, own)
				require.Zero(t, d.Detached.Count)
				require.Empty(t, d.Closures)
				return
			}
			require.Len(t, own, 1)
			require.Equal(t, c.path, own[0].Path)
			var holds []string
			for _, h := range own[0].Holds {
				holds = append(holds, h.Class)
			}
			require.Contains(t, holds, c.class)
		})
	}
}
