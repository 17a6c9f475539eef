package sites

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chromePath is the Chrome of the tests, unless EBB_BROWSER_PATH names another.
const chromePath = "/usr/lib/chromium/chromium-headless-shell"

// chrome is the one Chrome of this package's tests: TestMain closes it.
var chrome struct {
	once  sync.Once
	ctx   context.Context
	err   error
	close func()
}

func startChrome() {
	dir, err := os.MkdirTemp("", "ebb-sites-test-")
	if err != nil {
		chrome.err = err
		return
	}
	path := os.Getenv("EBB_BROWSER_PATH")
	if path == "" {
		path = chromePath
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Join(dir, "profile")))
	if os.Getuid() == 0 { // Chrome keeps its sandbox, so it runs as somebody else
		const nobody = 65534
		chrome.err = os.Chown(dir, nobody, nobody)
		opts = append(opts, chromedp.Flag("no-sandbox", false), chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
				Pdeathsig:  syscall.SIGKILL,
			}
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir)
		}))
	}
	ctx, cancelAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(ctx)
	chrome.ctx = ctx
	chrome.close = func() {
		cancel()
		cancelAllocator()
		_ = os.RemoveAll(dir)
	}
	if chrome.err == nil {
		chrome.err = chromedp.Do(ctx)
	}
}

// tab is a tab of the tests' Chrome.
type tab struct {
	t   testing.TB
	ctx context.Context
}

func newTab(t testing.TB) *tab {
	t.Helper()
	chrome.once.Do(startChrome)
	require.NoError(t, chrome.err, "tests need Chrome")
	ctx, cancel := chromedp.NewContext(chrome.ctx)
	t.Cleanup(cancel)
	ctx, cancelTimeout := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancelTimeout)
	return &tab{t: t, ctx: ctx}
}

// navigate begins to load a page and does not wait for it.
func (b *tab) navigate(url string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, page.Navigate, page.NavigateParams{URL: url})
	require.NoError(b.t, err)
}

// evaluate evaluates an expression as the worker does: in an isolated world of the
// main frame, its promise awaited, by value.
func (b *tab) evaluate(expression string) json.RawMessage {
	b.t.Helper()
	raw, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (json.RawMessage, error) {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return nil, err
		}
		world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{
			FrameID: tree.FrameTree.Frame.ID, WorldName: "ebb",
		})
		if err != nil {
			return nil, err
		}
		result, err := cdp.Call(ctx, t, cdpruntime.Evaluate, cdpruntime.EvaluateParams{
			Expression: expression, ContextID: world.ExecutionContextID,
			AwaitPromise: new(true), ReturnByValue: new(true),
		})
		if err != nil {
			return nil, err
		}
		if result.ExceptionDetails != nil {
			return nil, fmt.Errorf("evaluate: %s", result.ExceptionDetails.Exception.Description)
		}
		return json.RawMessage(result.Result.Value), nil
	})
	require.NoError(b.t, err)
	return raw
}

// serve serves one page.
func serve(t testing.TB, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// extract loads a page in Chrome and runs a template of a site on it.
func extract(t testing.TB, site *Site, html string) (Extract, error) {
	t.Helper()
	return extractFrom(t, site, serve(t, "text/html; charset=utf-8", html))
}

func extractFrom(t testing.TB, site *Site, url string) (Extract, error) {
	t.Helper()
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	b := newTab(t)
	b.navigate(url)
	raw := b.evaluate(program.Expression)
	return program.Decode(raw, PageInfo{URL: url, Now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)})
}

// siteOf is a site with one template.
func siteOf(t Template) *Site {
	t.Name = "page"
	return &Site{Name: "test", Templates: []Template{t}, Limits: Limits{ItemSize: 1e6, PageTimeout: Duration(20 * time.Second)}}
}
