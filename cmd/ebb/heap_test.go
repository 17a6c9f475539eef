package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// heapPages are the pages of the scripts in testdata/live_heap.
var heapPages = map[string]string{
	"/": `<title>Leaks</title><script src="/app.js"></script><button id="go" onclick="go()">go</button><button id="big" onclick="big()">big</button>`,
	"/app.js": `window.cache = new Map();
const lost = [];
let handlers = [];
function go() {
  cache.set('visit ' + cache.size, Array.from({length: 200}, (_, i) => ({i})));
  const seen = new Array(50).fill('seen');
  handlers.push(function onVisit() { return seen });
  lost.push(document.createElement('section'));
}
function big() { window.kept = Array.from({length: 400000}, (_, i) => ({i})) }
`,
	"/clean": `<title>Clean</title><button id="go" onclick="go()">go</button><script>
function go() { const all = Array.from({length: 200}, (_, i) => ({i})); document.title = 'Clean ' + all.length }
</script>`,
}

// TestHeapOfAPage runs the real main against a real Chrome and pages that leak.
func TestHeapOfAPage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := heapPages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		kind := "text/html; charset=utf-8"
		if r.URL.Path == "/app.js" {
			kind = "text/javascript"
		}
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/live_heap",
		RequireExplicitExec: true,
		Cmds:                liveCommands(),
		Setup: func(env *testscript.Env) error {
			env.Values["live"] = newLiveScript(t, env)
			env.Setenv("URL", server.URL)
			return nil
		},
	})
}
