package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

// startTab starts a Chrome with its sandbox, and ends it with the test.
func startTab(t *testing.T) context.Context {
	t.Helper()
	folder := t.TempDir()
	path := os.Getenv("EBB_BROWSER_PATH")
	if path == "" {
		path = "/usr/lib/chromium/chromium-headless-shell"
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Getuid() == 0 { // Chrome keeps its sandbox, so it runs as somebody else
		const nobody = 65534
		var err error
		folder, err = os.MkdirTemp("", "ebb-demo-test-") // T.TempDir is for its owner only
		require.NoError(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(folder) })
		require.NoError(t, os.Chown(folder, nobody, nobody))
		options = append(options, chromedp.Flag("no-sandbox", false), chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL,
			}
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), "HOME="+folder, "TMPDIR="+folder)
		}))
	}
	options = append(options, chromedp.UserDataDir(filepath.Join(folder, "profile")))
	ctx, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx), "the test needs Chrome")
	return ctx
}

// take visits a page and evaluates a program on it, in an isolated world.
func take(ctx context.Context, address, expression string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (json.RawMessage, error) {
		if _, err := cdp.Call(ctx, t, page.Navigate, page.NavigateParams{URL: address}); err != nil {
			return nil, err
		}
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
			Expression: expression, ContextID: world.ExecutionContextID, AwaitPromise: new(true), ReturnByValue: new(true),
		})
		if err != nil {
			return nil, err
		}
		if result.ExceptionDetails != nil {
			return nil, errors.New(result.ExceptionDetails.Text)
		}
		return json.RawMessage(result.Result.Value), nil
	})
}

// run is a run of one site file, page after page.
type run struct {
	t       *testing.T
	ctx     context.Context
	site    *sites.Site
	robots  *sites.Robots
	seen    map[string]bool
	queue   []target
	visited int
	items   []sites.Item
}

type target struct{ address, template string }

// add queues an address if the rules let the run follow it, once.
func (r *run) add(raw, template string, base *url.URL) {
	address, err := r.site.Canonical(raw, base)
	require.NoError(r.t, err)
	parsed, err := url.Parse(address)
	require.NoError(r.t, err)
	follow, _ := r.site.MayFollow(parsed)
	if r.seen[address] || !follow || !r.robots.Allowed("ebb", parsed) {
		return
	}
	r.seen[address] = true
	r.queue = append(r.queue, target{address, template})
}

// all visits every page.
func (r *run) all() {
	for _, start := range r.site.Start {
		r.add(start, "", nil)
	}
	for len(r.queue) > 0 {
		next := r.queue[0]
		r.queue = r.queue[1:]
		parsed, err := url.Parse(next.address)
		require.NoError(r.t, err)
		template := r.site.TemplateFor(parsed, next.template)
		require.NotNil(r.t, template, next.address)
		program, err := r.site.Compile(template)
		require.NoError(r.t, err)
		require.Empty(r.t, program.Before)
		raw, err := take(r.ctx, next.address, program.Expression)
		require.NoError(r.t, err, next.address)
		extract, err := program.Decode(raw, sites.PageInfo{URL: next.address, Now: time.Now()})
		require.NoError(r.t, err, next.address)
		require.Empty(r.t, extract.Faults, next.address)
		r.visited++
		r.items = append(r.items, extract.Items...)
		for _, link := range extract.Links {
			r.add(link.URL, link.Template, parsed)
		}
	}
}

// The demo's own site files take the truth from the demo's pages, in Chrome.
func TestSiteFilesYieldTheTruth(t *testing.T) {
	s, ctx := newServe(t, Options{Seed: 11}), startTab(t)
	base := s.server.URL
	_, robots := s.get("/robots.txt")
	got := map[string]string{}
	for _, name := range []string{"shop", "news"} {
		site, err := sites.Parse(name+".yaml", s.demo.SiteFiles(base)[name+".yaml"])
		require.NoError(t, err)
		r := run{t: t, ctx: ctx, site: site, robots: sites.ParseRobots([]byte(robots)), seen: map[string]bool{}}
		r.all()
		require.Equal(t, s.demo.PagesOf(name), r.visited)
		for _, item := range r.items {
			id := fmt.Sprint(name, " ", item.Kind, " ", item.Key)
			require.NotContains(t, got, id, "taken twice")
			got[id] = string(item.Data)
		}
	}
	truth := s.demo.Truth(base)
	require.Len(t, got, len(truth))
	for _, want := range truth {
		require.JSONEq(t, string(want.Data), got[fmt.Sprint(want.Site, " ", want.Kind, " ", want.Key)], want.Key)
	}
	s.checkHits()
}

// checkHits holds that each page was asked for as often as it has lists, and that
// nothing was that may not be.
func (s *serve) checkHits() {
	s.t.Helper()
	for path, count := range s.demo.Hits() {
		require.False(s.t, denied(path), path)
		if strings.HasPrefix(path, "/shop/c/") {
			require.Equal(s.t, listsOf(categoryProducts), count, path)
		} else if strings.HasPrefix(path, "/shop/p/") || strings.HasSuffix(path, ".html") || strings.HasSuffix(path, "/") {
			require.Equal(s.t, 1, count, path)
		}
	}
}
