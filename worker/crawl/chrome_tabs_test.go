package crawl

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
	"github.com/ebbworker/ebb/sites"
)

// TestTabsInChrome proves what pages share, what is done in them, and what they may load.
func TestTabsInChrome(t *testing.T) {
	p := browsertest.Pool(t, 2)
	for name, test := range map[string]func(*testing.T, *browser.Pool){
		"isolation": chromeIsolation, "kept page": chromeKeptPage, "kept page fails": chromeKeptPageFails,
		"steps": chromeSteps, "steps that fail": chromeStepsThatFail,
		"blocked": chromeBlocked, "user agent": chromeUserAgent,
	} {
		t.Run(name, func(t *testing.T) { test(t, p) })
	}
}

// countVisits makes a page's heading say how many pages of its cookie jar and of its tab
// were there before it, itself included. Cookies know no ports: each server names its own.
func countVisits(name string) string {
	return fmt.Sprintf(`<script>
const jar = 1 + +(document.cookie.match(/\b%[1]s=(\d+)/) || [0, 0])[1];
document.cookie = "%[1]s=" + jar;
sessionStorage.n = 1 + +(sessionStorage.n || 0);
document.querySelector("h1").textContent = location.pathname + " " + jar + " " + sessionStorage.n;
</script>`, name)
}

func chromeIsolation(t *testing.T, p *browser.Pool) {
	for isolation, want := range map[sites.Isolation]struct {
		first, second []string
		chromes, idle int // while a run runs; tabs after the runs
	}{
		sites.IsolationTab:     {[]string{"/ 1 1", "/2 2 2"}, []string{"/ 3 3", "/2 4 4"}, 1, 1},
		sites.IsolationPage:    {[]string{"/ 1 1", "/2 2 1"}, []string{"/ 3 1", "/2 4 1"}, 1, 0},
		sites.IsolationContext: {[]string{"/ 1 1", "/2 2 2"}, []string{"/ 1 1", "/2 2 2"}, 1, 0},
		sites.IsolationBrowser: {[]string{"/ 1 1", "/2 2 2"}, []string{"/ 1 1", "/2 2 2"}, 2, 0},
	} {
		t.Run(string(isolation), func(t *testing.T) {
			require.NoError(t, p.Start(t.Context()))
			w := newWeb(t)
			w.html("/", countVisits(string(isolation)), "/2")
			second := document("/2", countVisits(string(isolation)))
			chromes := map[int]bool{}
			w.handle("/2", func(out http.ResponseWriter, _ *http.Request) {
				for _, b := range p.Browsers() {
					chromes[b.PID()] = true
				}
				fmt.Fprint(out, second)
			})
			before := len(p.Tabs())
			for i, titles := range [][]string{want.first, want.second} {
				clear(chromes)
				r := w.visit(t, p, func(s *sites.Site) { s.Name, s.Isolation = string(isolation), isolation },
					func(o *Options) { o.RunID = fmt.Sprint(t.Name(), i) })
				require.NoError(t, r.err)
				require.Equal(t, titles, r.titles(), "run %d: pages that the cookies, then the tab, have seen", i+1)
				require.Len(t, chromes, want.chromes)
				require.Len(t, p.Browsers(), 1, "a run's own Chrome ends with it")
			}
			require.Len(t, p.Tabs(), before+want.idle)
			for _, open := range p.Tabs() {
				if open.Site == string(isolation) {
					require.Equal(t, "about:blank", open.Tab.URL(), "no document stays")
				}
			}
		})
	}
}

func chromeKeptPage(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<button onclick="document.querySelector('h1').textContent = ++n">+</button><script>let n = 0</script>`)
	kept := func(s *sites.Site) {
		s.Name, s.Keep, s.Templates[0].Links = "kept", sites.KeepPage, nil
		s.Templates[0].Steps = []sites.Step{{Click: "button"}, {Wait: &sites.Wait{Selector: "h1"}}}
	}
	before := len(p.Tabs())
	for run := range 3 {
		r := w.visit(t, p, kept, func(o *Options) { o.RunID = fmt.Sprint("kept", run) })
		require.NoError(t, r.err)
		require.Equal(t, []string{fmt.Sprint(run + 1)}, r.titles(), "the document goes on where it was")
		require.Len(t, p.Tabs(), before+1, "the tab stays open, and it alone")
	}
	require.Equal(t, []string{"/"}, w.documents(), "asked for once, in the first run")
}

// chromeKeptPageFails holds a kept page on which a step fails to being thrown away: the
// next run opens it anew.
func chromeKeptPageFails(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<button onclick="this.remove()">once</button>`)
	kept := func(s *sites.Site) {
		s.Name, s.Keep, s.Templates[0].Links = "broken", sites.KeepPage, nil
		s.Templates[0].Steps = []sites.Step{{Click: "button", Timeout: sites.Duration(time.Second)}}
	}
	before := len(p.Tabs())
	for run, want := range []struct {
		class Class
		tabs  int
		asked int
	}{{ClassNone, 1, 1}, {ClassSelector, 0, 1}, {ClassNone, 1, 2}} {
		r := w.visit(t, p, kept, func(o *Options) { o.RunID = fmt.Sprint("broken", run) })
		require.NoError(t, r.err)
		require.Equal(t, want.class, r.page(t, "/").Class, "run %d", run+1)
		require.Len(t, p.Tabs(), before+want.tabs)
		require.Equal(t, want.asked, w.count("/"))
	}
}

func chromeSteps(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<form onsubmit="said.push('sent ' + this.q.value); setTimeout(() => document.body.append(document.createElement('b')), 50); return false">
<input name=q></form><select><option value=s>Small<option value=l>Large</select><button>more</button><div id=list></div>
<script>
const said = [], tell = () => document.querySelector("h1").textContent = said.join("; ");
document.querySelector("button").onclick = e => said.push("clicked " + e.isTrusted);
document.querySelector("select").onchange = e => said.push("chose " + e.target.value);
document.onkeydown = e => e.key === "ArrowDown" && said.push("down");
let grown = 0;
onscroll = () => { if (grown < 3) { grown++; said.push("grew"); list.append(Object.assign(document.createElement("div"), {style: "height: 3000px"})) } };
</script>`)
	w.page("/aside")
	w.html("/history", `<script>document.querySelector("h1").textContent = "back " + (performance.getEntriesByType("navigation")[0].type)</script>`)
	r := w.visit(t, p, func(s *sites.Site) {
		s.Start = append(s.Start, w.URL+"/history")
		first, second := s.Templates[0], s.Templates[0]
		first.Name, first.Match = "first", []sites.Pattern{"/"}
		first.Steps = []sites.Step{
			{Click: "button", Times: 2},
			{Type: &sites.Input{Into: "[name=q]", Text: "a ${WORD}"}},
			{Press: "ArrowDown"},
			{Press: "Enter"},
			{Wait: &sites.Wait{Selector: "b"}},
			{Select: &sites.Input{Into: "select", Text: "Large"}},
			{Evaluate: `list.style.height = "3000px"`},
			{Scroll: "end"},
			{Click: "#none", Optional: true, Timeout: sites.Duration(time.Second)},
			{Evaluate: "tell()"},
		}
		second.Name, second.Match = "second", []sites.Pattern{"/history"}
		second.Steps = []sites.Step{{Goto: "aside"}, {Wait: &sites.Wait{Function: `location.pathname === "/aside"`}}, {Back: true}, {Wait: &sites.Wait{Event: sites.WaitLoad}}}
		s.Templates = []sites.Template{first, second}
	}, func(o *Options) {
		o.Secret = func(name string) (string, bool) { return "secret", name == "WORD" }
	})
	require.NoError(t, r.err)
	require.Equal(t, 2, r.Done, r.FirstError)
	titles := r.titles()
	require.Equal(t, "clicked true; clicked true; down; sent a secret; chose l; grew; grew; grew", titles[1])
	require.Equal(t, "back back_forward", titles[0])
	require.Equal(t, 1, w.count("/aside"))
}

func chromeStepsThatFail(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.page("/")
	second := sites.Duration(time.Second)
	for name, test := range map[string]struct {
		step  sites.Step
		class Class
		text  string
	}{
		"click":    {sites.Step{Click: "#none", Timeout: second}, ClassSelector, "#none"},
		"wait":     {sites.Step{Wait: &sites.Wait{Selector: "#none", Timeout: second}}, ClassSelector, "#none"},
		"evaluate": {sites.Step{Evaluate: "nothing.at.all"}, ClassScript, "nothing is not defined"},
		"loop":     {sites.Step{Evaluate: "for (;;) {}", Timeout: second}, ClassTimeout, "not within 1s"},
		"secret":   {sites.Step{Type: &sites.Input{Into: "#none", Text: "${SECRET}"}, Timeout: second}, ClassSelector, "#none"},
		"goto":     {sites.Step{Goto: "/missing"}, ClassHTTP, "404"},
		"back":     {sites.Step{Back: true, Times: 5}, ClassSelector, "no earlier entry"},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.visit(t, p, func(s *sites.Site) { s.Templates[0].Steps = []sites.Step{test.step} }, func(o *Options) {
				o.Secret = func(string) (string, bool) { return "hunter2", true }
			})
			require.NoError(t, r.err)
			page := r.page(t, "/")
			require.Equal(t, test.class, page.Class, page.Error)
			require.Contains(t, page.Error, test.text)
			require.Contains(t, page.Error, "step 1")
			require.NotContains(t, page.Error, "hunter2")
		})
	}
}

func chromeBlocked(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.html("/", `<img src=/picture.png><link rel=stylesheet href=/style.css><script src=/track/a.js></script>
<script src=/app.js></script><script>fetch("/data").catch(() => {})</script>`)
	loads := func(change func(*sites.Site)) []string {
		w.mu.Lock()
		w.asked = nil
		w.mu.Unlock()
		r := w.visit(t, p, func(s *sites.Site) {
			s.Robots = sites.RobotsIgnore
			s.Templates[0].Wait = []sites.Wait{{Event: sites.WaitNetworkIdle}}
			change(s)
		})
		require.NoError(t, r.err)
		require.Equal(t, 1, r.Done, r.FirstError)
		var paths []string
		for _, a := range w.asked {
			paths = append(paths, a.path)
		}
		slices.Sort(paths)
		return slices.Compact(paths) // Chrome may ask twice, where what it loaded ahead came late
	}
	require.Equal(t, []string{"/", "/app.js", "/data", "/picture.png", "/style.css", "/track/a.js"}, loads(func(*sites.Site) {}))
	require.Equal(t, []string{"/", "/app.js", "/style.css"}, loads(func(s *sites.Site) {
		s.Block.Kinds = []sites.ResourceKind{sites.KindImage, sites.KindXHR}
		s.Block.URLs = []string{"*/track/*"}
	}))
}

func chromeUserAgent(t *testing.T, p *browser.Pool) {
	w := newWeb(t)
	w.robots(http.StatusOK, "User-agent: otherbot\nDisallow: /2\n\nUser-agent: *\nAllow: /\n")
	var agents []string
	text := document("/", "", "/2")
	w.handle("/", func(out http.ResponseWriter, in *http.Request) {
		agents = append(agents, in.UserAgent())
		fmt.Fprint(out, text)
	})
	r := w.visit(t, p, func(s *sites.Site) { s.UserAgent = "OtherBot/1.0 (+https://other.example/)" })
	require.NoError(t, r.err)
	require.Equal(t, []string{"OtherBot/1.0 (+https://other.example/)"}, agents)
	require.Zero(t, w.count("/2"), "robots.txt names it")
}
