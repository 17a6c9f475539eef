package browser_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// drawnPages need frames in all ways there are; each shows #done when it has what it waits for.
var drawnPages = map[string]string{
	"nothing":               `<script>document.body.innerHTML += "<p id=done>1</p>"</script>`,
	"requestAnimationFrame": `<script>let n = 0; (function f() { if (++n === 3) show(n); else requestAnimationFrame(f) })()</script>`,
	"IntersectionObserver":  `<div id=seen style="height: 10px"></div><script>new IntersectionObserver(e => e[0].isIntersecting && show("seen")).observe(seen)</script>`,
	"ResizeObserver":        `<div id=box></div><script>new ResizeObserver(e => box.offsetWidth === 77 && show(77)).observe(box); setTimeout(() => box.style.width = "77px", 10)</script>`,
	"lazy-image":            `<img id=i loading=lazy width=5 height=5 src="/image"><script>i.onload = i.onerror = () => show("asked for")</script>`,
	"transition":            `<style>#t { opacity: 0; transition: opacity 100ms } .on { opacity: 1 !important }</style><div id=t>x</div><script>t.ontransitionend = () => show(getComputedStyle(t).opacity); requestAnimationFrame(() => t.classList.add("on"))</script>`,
	"animation":             `<style>@keyframes a { from { opacity: 0 } } #t { animation: a 100ms }</style><div id=t>x</div><script>t.onanimationend = () => show("ended")</script>`,
	"visibility":            `<script>show(document.visibilityState + " " + document.hidden)</script>`,
	"scroll":                `<div style="height: 5000px"></div><script>let n = 0; onscroll = () => { if (++n === 3) show(n); else scrollBy(0, 500) }; scrollBy(0, 500)</script>`,
	"web-font":              `<style>@font-face { font-family: none; src: url(/nofont) } p { font-family: none }</style><p>x</p><script>document.fonts.ready.then(() => show(document.fonts.status))</script>`,
}

const drawnShow = `<!doctype html><body><script>function show(v) { document.body.insertAdjacentHTML("beforeend", "<p id=done>" + v + "</p>") }</script>`

// drawnWait waits as a site's program does, and takes what there is.
const drawnWait = `new Promise(r => {
  const take = () => { const d = document.querySelector("#done"); if (d) { watch.disconnect(); r(d.textContent) } };
  const watch = new MutationObserver(take);
  watch.observe(document, {childList: true, subtree: true});
  take();
})`

// TestLazyFrames: whatever a page waits for, it yields the same with frames and without.
func TestLazyFrames(t *testing.T) {
	pages := map[string]string{"/image": "no image"}
	for name, page := range drawnPages {
		pages["/"+name] = drawnShow + page
	}
	url := serve(t, pages).URL
	p := browsertest.Pool(t, 1)
	ctx := within(t, 2*time.Minute)
	take := func(t *testing.T, name string, lazy bool) string {
		t.Helper()
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: name, Run: fmt.Sprint(name, lazy), LazyFrames: lazy})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, url+"/"+name)
		require.NoError(t, err)
		raw, err := l.Evaluate(within(t, 10*time.Second), drawnWait)
		require.NoError(t, l.Release(ctx, err))
		require.NoError(t, err, "lazy %t", lazy)
		return string(raw)
	}
	for name := range drawnPages {
		t.Run(name, func(t *testing.T) { require.Equal(t, take(t, name, false), take(t, name, true)) })
	}
}

// lazyPage is a page in a tab that draws lazily.
func lazyPage(t *testing.T, url string) (context.Context, *browser.Lease) {
	t.Helper()
	ctx := within(t, time.Minute)
	l, err := browsertest.Pool(t, 1).Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", LazyFrames: true})
	require.NoError(t, err)
	_, err = l.Navigate(ctx, url)
	require.NoError(t, err)
	return ctx, l
}

// TestIdleTimeBetweenFrames: a page is idle before its next frame, also one whose frames take longer than those of a
// screen. (A page that draws by itself may never be, where it or the machine is slow: Chromium's frames then come one
// after the other.)
func TestIdleTimeBetweenFrames(t *testing.T) {
	const idle = `<script>requestIdleCallback(() => show("idle"))</script>`
	const slow = `<script>(function slow() { const from = performance.now(); while (performance.now() - from < 30); requestAnimationFrame(slow) })()</script>`
	url := serve(t, map[string]string{"/plain": drawnShow + idle, "/slow": drawnShow + slow + idle}).URL
	for _, page := range []string{"/plain", "/slow"} {
		ctx, l := lazyPage(t, url+page)
		raw, err := l.Evaluate(within(t, 20*time.Second), drawnWait)
		require.NoError(t, err, page)
		require.Equal(t, `"idle"`, string(raw), page)
		require.NoError(t, l.Release(ctx, nil))
	}
}

// TestLazyFramesAreFew: nothing is drawn for a page that does not wait for it, and other tabs of the same Chrome
// draw as always.
func TestLazyFramesAreFew(t *testing.T) {
	url := serve(t, map[string]string{"/": drawnShow + `<script>frames_ = 0; (function f() { frames_++; requestAnimationFrame(f) })(); show(1)</script>`}).URL + "/"
	p := browsertest.Pool(t, 2)
	ctx := within(t, time.Minute)
	visit := func(lazy bool, then func(l *browser.Lease)) {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", LazyFrames: lazy})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, url)
		require.NoError(t, err)
		then(l)
		require.NoError(t, l.Release(ctx, nil))
	}
	drawn := func(l *browser.Lease) string {
		time.Sleep(500 * time.Millisecond)
		raw, err := l.EvaluateMain(ctx, `String(frames_ > 1)`)
		require.NoError(t, err)
		return string(raw)
	}
	visit(true, func(l *browser.Lease) { require.Equal(t, `"false"`, drawn(l)) })
	visit(false, func(l *browser.Lease) { require.Equal(t, `"true"`, drawn(l)) })
}

// TestScrollingHasFrames: a list that grows when its end comes into view grows to its end.
func TestScrollingHasFrames(t *testing.T) {
	url := serve(t, map[string]string{"/": `<div id=list></div><div id=end>end</div><script>
const watch = new IntersectionObserver(e => { if (e.at(-1).isIntersecting && list.children.length < 100) setTimeout(grow, 10) });
const grow = () => {
  for (let i = 0; i < 20; i++) list.insertAdjacentHTML("beforeend", "<p style='height: 100px'>x</p>");
  watch.unobserve(end);
  watch.observe(end);
};
grow();
</script>`}).URL + "/"
	p := browsertest.Pool(t, 1)
	ctx := within(t, time.Minute)
	for _, lazy := range []bool{false, true} {
		l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", LazyFrames: lazy})
		require.NoError(t, err)
		_, err = l.Navigate(ctx, url)
		require.NoError(t, err)
		require.NoError(t, l.ScrollEnd(ctx))
		raw, err := l.Evaluate(ctx, `document.querySelectorAll("#list p").length`)
		require.NoError(t, err)
		require.Equal(t, "100", string(raw), "lazy %t", lazy)
		require.NoError(t, l.Release(ctx, nil))
	}
}

// TestStepsHaveFrames: interactive steps in a tab that draws lazily go as in others.
func TestStepsHaveFrames(t *testing.T) {
	url := serve(t, map[string]string{"/": `<button id=go onclick="requestAnimationFrame(() => { this.dataset.n = 1 + (this.dataset.n | 0) })">Go</button><input id=in>`}).URL + "/"
	ctx, l := lazyPage(t, url)
	for range 3 {
		require.NoError(t, l.Click(ctx, "#go"))
	}
	require.NoError(t, l.Type(ctx, "#in", "abc"))
	require.NoError(t, l.WaitFor(ctx, browser.Condition{Function: `document.querySelector("#go").dataset.n === "3"`}))
	raw, err := l.EvaluateMain(ctx, `document.querySelector("#in").value`)
	require.NoError(t, err)
	require.Equal(t, `"abc"`, string(raw))
	require.NoError(t, l.Release(ctx, nil))
}

// Frames of several tabs come one after the other: Chrome's GPU process ends where two are made at once, and Chrome
// with it when that has happened some times.
func TestFramesOfSeveralTabs(t *testing.T) {
	const tabs = 4
	heavy := drawnShow + `<style>@keyframes a { from { opacity: 0 } } div { animation: a 1s infinite; box-shadow: 0 0 5px red }</style>` + strings.Repeat("<div>x</div>", 1500) +
		`<script>let n = 0; (function f() { if (++n === 60) show(n); else requestAnimationFrame(f) })()</script>`
	url := serve(t, map[string]string{"/": heavy}).URL
	p := browsertest.Pool(t, tabs)
	ctx := within(t, 2*time.Minute)
	require.NoError(t, p.Start(ctx))
	b := p.Browsers()[0]
	var gpu []int
	require.Eventually(t, func() bool { gpu = gpuProcesses(b); return len(gpu) == 1 }, 10*time.Second, 10*time.Millisecond)
	var g errgroup.Group
	for range tabs {
		g.Go(func() error {
			l, err := p.Acquire(ctx, browser.LeaseOptions{Site: "s", Run: "r", LazyFrames: true})
			if err != nil {
				return err
			}
			if _, err = l.Navigate(ctx, url+"/"); err == nil {
				_, err = l.Evaluate(ctx, drawnWait)
			}
			return errors.Join(err, l.Release(ctx, err))
		})
	}
	require.NoError(t, g.Wait())
	require.NoError(t, b.Err())
	require.Equal(t, gpu, gpuProcesses(b))
}

// gpuProcesses are the pids of a Chrome's GPU processes.
func gpuProcesses(b *browser.Browser) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if group, err := syscall.Getpgid(pid); err == nil && group == b.PID() && bytes.Contains(text, []byte("--type=gpu-process")) {
			pids = append(pids, pid)
		}
	}
	return pids
}
