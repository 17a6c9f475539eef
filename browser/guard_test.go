package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

const busyFor = `const busy = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };`

// TestScriptThatDoesNotEnd holds that a script that does not pause is ended, wherever it stands, and
// that one which pauses, or which is ours, is not.
func TestScriptThatDoesNotEnd(t *testing.T) {
	srv := serve(t, map[string]string{
		"/":       `<p>fine`,
		"/load":   `<p>x<script>while (true);</script>`,
		"/later":  `<p>x<script>setTimeout(() => { while (true); }, 400)</script>`,
		"/micro":  `<p>x<script>const on = () => Promise.resolve().then(on); setTimeout(on, 50)</script>`,
		"/click":  `<button id=b onclick="while (true);">b</button>`,
		"/pauses": `<p>x<script>` + busyFor + `let n = 0; const on = () => { busy(150); if (++n < 12) setTimeout(on, 0); else document.title = "end" }; on()</script>`,
		"/alert":  `<p>x<script>setTimeout(() => { while (true) alert(1) })</script>`,
	})
	p := browsertest.Pool(t, 1)
	ctx := within(t, 2*time.Minute)
	visit := func(path string, do func(*browser.Lease) error) (time.Duration, error) {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", MaxScript: 700 * time.Millisecond})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL+path)
		require.NoError(t, err)
		begun := time.Now()
		err = do(l)
		took := time.Since(begun)
		require.NoError(t, l.Release(ctx, err), path)
		return took, err
	}
	_, err := visit("/", func(l *browser.Lease) error {
		_, err := l.Evaluate(ctx, `new Promise(() => setTimeout(() => { while (true); }, 20))`)
		return err
	})
	require.ErrorIs(t, err, browser.ErrScript, "what an expression waits for is not its own")
	never := func(l *browser.Lease) error { return l.WaitFor(ctx, browser.Condition{Selector: "#never"}) }
	for path, do := range map[string]func(*browser.Lease) error{
		"/load": never, "/later": never, "/micro": never, "/alert": never,
		"/click": func(l *browser.Lease) error { return l.Click(ctx, "#b") },
	} {
		took, err := visit(path, do)
		require.ErrorIs(t, err, browser.ErrScript, path)
		t.Logf("%s: %v after %s", path, err, took.Round(time.Millisecond))
	}
	_, err = visit("/pauses", func(l *browser.Lease) error {
		return l.WaitFor(ctx, browser.Condition{Function: `document.title === "end"`})
	})
	require.NoError(t, err, "it pauses")
	_, err = visit("/", func(l *browser.Lease) error {
		_, err := l.Evaluate(ctx, `(() => { `+busyFor+` busy(2500); return 1 })()`)
		return err
	})
	require.NoError(t, err, "an expression of ours may take as long as its caller lets it")
	require.Len(t, p.Browsers(), 1)
	require.NoError(t, p.EndRun(ctx, "r"))
	require.Eventually(t, func() bool { return pagesOf(p.Browsers()[0]) == 0 }, 20*time.Second, 10*time.Millisecond)
}

// TestCrashIsKnownSoon holds that whoever waits for a tab knows of its renderer's death within 250 ms.
func TestCrashIsKnownSoon(t *testing.T) {
	srv := serve(t, map[string]string{"/": `<p>x`})
	p := browsertest.Pool(t, 1)
	ctx := within(t, time.Minute)
	best := time.Hour // of a few: the machine may be busy
	for n := 0; n < 5 && best > 250*time.Millisecond; n++ {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL+"/")
		require.NoError(t, err)
		pids := renderers(l.Browser().PID())
		go func() {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}()
		killed := time.Now()
		_, err = l.Evaluate(ctx, `new Promise(() => {})`)
		best = min(best, time.Since(killed))
		require.ErrorIs(t, err, browser.ErrCrashed)
		require.NoError(t, l.Release(ctx, err))
	}
	require.LessOrEqual(t, best, 250*time.Millisecond)
}

// TestStoppedChromeIsReplaced holds that a Chrome that stands still is gone within ten seconds although
// nobody asked for it, and that the next lease gets another.
func TestStoppedChromeIsReplaced(t *testing.T) {
	t.Parallel()
	o, dir := inFolder(t)
	p := browser.NewPool(browser.PoolOptions{Launch: o, Tabs: 1})
	ctx := within(t, time.Minute)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	stopped := l.Browser()
	require.NoError(t, syscall.Kill(stopped.PID(), syscall.SIGSTOP))
	begun := time.Now()
	_, err = l.Evaluate(ctx, `1`)
	require.ErrorIs(t, err, browser.ErrGone)
	require.ErrorContains(t, err, "it was stopped for 5s")
	require.Less(t, time.Since(begun), 10*time.Second)
	require.NoError(t, l.Release(ctx, err))
	l, err = p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r"})
	require.NoError(t, err)
	require.NotEqual(t, stopped.PID(), l.Browser().PID())
	require.NoError(t, l.Release(ctx, nil))
	require.NoError(t, p.Close(ctx))
	nothingLeft(t, dir)
}

// TestDocumentWithoutEnd holds that a document is bounded although its server announces no length.
func TestDocumentWithoutEnd(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintf(w, "<!-- %4000d -->", 1); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	p := browsertest.Pool(t, 1)
	ctx := within(t, time.Minute)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", MaxDocument: 1_000_000})
	require.NoError(t, err)
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = l.WaitFor(limited, browser.Condition{Event: "dom"})
	require.ErrorIs(t, err, browser.ErrTooLarge)
	require.NoError(t, l.Release(ctx, err))
}

// TestAScriptIsNotHeldToTheTimeOfOthers holds that a script which takes little of the processor, though it does not
// pause, is not ended for what another page takes; it was.
func TestAScriptIsNotHeldToTheTimeOfOthers(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { time.Sleep(90 * time.Millisecond) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<p>x<script>`+busyFor+`
for (const end = performance.now() + 4000; performance.now() < end;) {
	const ask = new XMLHttpRequest();
	ask.open("GET", "/slow", false);
	ask.send();
	busy(5);
}
document.title = "end"</script>`)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	p := browsertest.Pool(t, 2)
	ctx := within(t, time.Minute)
	other, err := p.Acquire(ctx, browser.LeaseOptions{Site: "other", Run: "other"})
	require.NoError(t, err)
	l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", MaxScript: 700 * time.Millisecond})
	require.NoError(t, err)
	busy := make(chan error, 1)
	go func() {
		_, err := other.EvaluateMain(ctx, `(() => { `+busyFor+` busy(5000) })()`)
		busy <- err
	}()
	_, err = l.Navigate(ctx, srv.URL+"/")
	require.NoError(t, err)
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: `document.title === "end"`}))
	require.NoError(t, <-busy)
	require.NoError(t, l.Release(ctx, nil))
	require.NoError(t, other.Release(ctx, nil))
}

// TestScriptThatDoesNotEndAmongOthers holds that a script is ended which runs in another process than the tab's
// document before, while other pages take the processor and the network; and that these go on.
func TestScriptThatDoesNotEndAmongOthers(t *testing.T) {
	srv := serve(t, map[string]string{
		"/":      `<p>fine`,
		"/load":  `<p>x<script>while (true);</script>`,
		"/fetch": `<p>x<script>let n = 0; setInterval(() => { fetch("/"); n++ }, 10)</script>`,
		"/busy":  `<p>x<script>` + busyFor + `let n = 0; setInterval(() => { busy(100); n++ }, 1)</script>`,
	})
	p := browsertest.Pool(t, 3)
	ctx := within(t, time.Minute)
	lend := func(path string) *browser.Lease {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: path, Run: path, MaxScript: 700 * time.Millisecond})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, srv.URL+path)
		require.NoError(t, err)
		return l
	}
	others := []*browser.Lease{lend("/fetch"), lend("/busy")}
	l := lend("/")
	before := told(ctx, t, l.Tab)
	_, err := l.Navigate(ctx, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)+"/load")
	require.NoError(t, err)
	begun := time.Now()
	err = l.WaitFor(ctx, browser.Condition{Selector: "#never"})
	require.ErrorIs(t, err, browser.ErrScript)
	t.Logf("%v after %s", err, time.Since(begun).Round(time.Millisecond))
	require.NotContains(t, renderers(l.Browser().PID()), before, "the document had another process")
	require.NoError(t, l.Release(ctx, err))
	for _, other := range others {
		_, err := other.EvaluateMain(ctx, `new Promise(ok => { const was = n, id = setInterval(() => { if (n > was) ok(clearInterval(id)) }, 10) })`)
		require.NoError(t, err, other.URL())
		require.NoError(t, other.Release(ctx, nil))
	}
}
