package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// livePages are what the server of the live scripts serves.
var livePages = map[string]string{
	"/shop": `<title>Shop of good things</title>
<script type="application/ld+json">{"@type":"Product","name":"Lamp","offers":{"price":"12.50"}}</script>
<script id="state">window.state = {"stock":[{"id":1},{"id":2}]};</script>
<h1>Good   things
 here</h1>
<p class="price">1.299,00 €</p><p class="price">free</p><p class="price"> 12,50 € </p>
<p class="evil">&#27;[31mred&#x202e;rtl</p>
<a href="/late?x=1">B</a><a href="shop#top">top</a><a>none</a><a href="https://other.example/">other</a>
<ul>` + manyRows(25) + `</ul>`,
	"/late": `<title>Late</title><script>
fetch("/ready").then(() => { document.body.innerHTML = "<h1>arrived</h1>" })
</script><body></body>`,
	"/ready":      "ready",
	"/robots.txt": "User-agent: *\nDisallow: /\n",
}

func manyRows(n int) string {
	rows := ""
	for i := range n {
		rows += fmt.Sprintf("<li>row %d</li>", i+1)
	}
	return rows
}

// liveServer serves livePages and counts what it was asked; /slow never answers.
type liveServer struct {
	*httptest.Server
	slow chan struct{} // one for each time that /slow was asked for

	mu    sync.Mutex // guards asked
	asked map[string]int
}

func newLiveServer(t *testing.T) *liveServer {
	s := &liveServer{slow: make(chan struct{}, 10), asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.URL.Path]++
		s.mu.Unlock()
		if r.URL.Path == "/slow" {
			s.slow <- struct{}{}
			<-r.Context().Done()
			return
		}
		page, ok := livePages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	}))
	t.Cleanup(s.Close)
	return s
}

// liveScript is what one script works with.
type liveScript struct {
	*liveServer
	temp string // its temporary folder
}

func newLiveScript(t *testing.T, env *testscript.Env) *liveScript {
	temp, err := os.MkdirTemp("", "ebb-live-")
	require.NoError(t, err)
	env.Defer(func() { _ = os.RemoveAll(temp) })
	require.NoError(t, os.Chmod(temp, 0o777|os.ModeSticky)) // Chrome runs as another user than root
	s := &liveScript{newLiveServer(t), temp}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TMPDIR", temp)
	env.Setenv("URL", s.URL)
	return s
}

// liveCommands are the commands of live scripts: `asked N PATH`, how often the server
// was asked; `slow`, which waits until /slow is asked for; and `nothing-left`, which
// looks for files of Chrome.
func liveCommands() map[string]func(*testscript.TestScript, bool, []string) {
	script := func(ts *testscript.TestScript) *liveScript { return ts.Value("live").(*liveScript) }
	return map[string]func(*testscript.TestScript, bool, []string){
		"exitcode": exitCode,
		"asked": func(ts *testscript.TestScript, _ bool, args []string) {
			s := script(ts)
			s.mu.Lock()
			defer s.mu.Unlock()
			if got := fmt.Sprint(s.asked[args[1]]); got != args[0] {
				ts.Fatalf("%s was asked for %s times, not %s", args[1], got, args[0])
			}
		},
		"slow": func(ts *testscript.TestScript, _ bool, _ []string) { <-script(ts).slow },
		"nothing-left": func(ts *testscript.TestScript, _ bool, _ []string) {
			entries, err := os.ReadDir(script(ts).temp)
			ts.Check(err)
			if len(entries) > 0 {
				ts.Fatalf("%d entries are left in the temporary folder, the first is %s", len(entries), entries[0].Name())
			}
		},
	}
}

// TestLive runs the real main against a real Chrome and a server on loopback.
func TestLive(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/live",
		RequireExplicitExec: true,
		Cmds:                liveCommands(),
		Setup: func(env *testscript.Env) error {
			env.Values["live"] = newLiveScript(t, env)
			return nil
		},
	})
}
