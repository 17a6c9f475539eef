package sites

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// waitSite waits for all of waits and takes #late.
func waitSite(waits ...Wait) *Site {
	return siteOf(Template{Wait: waits, Items: []ItemRule{{Fields: []Field{{Name: "late", Source: Source{CSS: "#late"}}}}}})
}

func TestWaitSelector(t *testing.T) {
	// The element comes by script, in an attribute, long after the document.
	html := `<p id=x>late</p><script>setTimeout(() => document.getElementById("x").id = "late", 200)</script>`
	e, err := extract(t, waitSite(Wait{Selector: "#late"}), html)
	require.Equal(t, `{"late":"late"}`, one(t, e, err))
}

func TestWaitSelectorTimesOut(t *testing.T) {
	site := waitSite(Wait{Event: WaitLoad}, Wait{Selector: "#late", Timeout: Duration(50 * time.Millisecond)})
	_, err := extract(t, site, "<p>x")
	var wait *WaitError
	require.ErrorAs(t, err, &wait)
	require.Equal(t, 1, wait.Index)
	require.Equal(t, "#late", wait.Wait.Selector)
	require.EqualError(t, err, `wait for selector "#late": not there in time`)
}

func TestWaitOptional(t *testing.T) {
	site := waitSite(Wait{Selector: "#late", Timeout: Duration(50 * time.Millisecond), Optional: true}, Wait{Event: WaitDOM})
	e, err := extract(t, site, "<p>x")
	require.Equal(t, `{"late":null}`, one(t, e, err))
}

func TestWaitBrokenSelector(t *testing.T) {
	_, err := extract(t, waitSite(Wait{Selector: "p:nope("}), "<p>x")
	var wait *WaitError
	require.ErrorAs(t, err, &wait)
	require.Contains(t, wait.Message, "p:nope(")
}

// The expression is evaluated while the document or its image is still on the way;
// the server lets them go only after that.
func TestWaitEvents(t *testing.T) {
	for _, c := range []struct {
		event WaitEvent
		hold  string
	}{{WaitDOM, "/script.js"}, {WaitLoad, "/image.png"}, {"", "/script.js"}} {
		t.Run(string(c.event)+c.hold, func(t *testing.T) {
			asked, release := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/":
					w.Header().Set("Content-Type", "text/html")
					_, _ = w.Write([]byte(`<p>x<img src=/image.png onerror="this.outerHTML='<b id=late>image</b>'"><script defer src=/script.js></script>`))
				case c.hold:
					close(asked)
					<-release
					fallthrough
				default:
					w.Header().Set("Content-Type", "text/javascript")
					_, _ = w.Write([]byte(`document.body.insertAdjacentHTML("beforeend", "<b id=late>script</b>")`))
				}
			}))
			t.Cleanup(server.Close)
			site := waitSite(Wait{Event: c.event})
			if c.event == "" {
				site = waitSite() // no wait at all is one for the DOM
			}
			program, err := site.Compile(&site.Templates[0])
			require.NoError(t, err)
			b := newTab(t)
			b.navigate(server.URL)
			<-asked
			time.AfterFunc(100*time.Millisecond, func() { close(release) })
			raw := b.evaluate(program.Expression)
			select {
			case <-release:
			default:
				t.Fatal("the expression did not wait")
			}
			e, err := program.Decode(raw, PageInfo{URL: server.URL})
			require.NoError(t, err)
			require.Len(t, e.Items, 1)
			require.NotEqual(t, `{"late":null}`, string(e.Items[0].Data))
		})
	}
}

func TestWaitsBeforeSteps(t *testing.T) {
	site := waitSite(Wait{Function: "window.ready"}, Wait{Selector: "#late"}, Wait{Event: WaitNetworkIdle})
	site.Templates[0].Steps = []Step{{Click: "#late"}}
	program, err := site.Compile(&site.Templates[0])
	require.NoError(t, err)
	require.Equal(t, []Wait{{Function: "window.ready"}, {Event: WaitNetworkIdle}}, program.Before)

	b := newTab(t)
	b.navigate(serve(t, "text/html", `<p>x</p><script>setTimeout(() => document.querySelector("p").id = "late", 100)</script>`))
	require.NoError(t, program.DecodeWait(b.evaluate(program.WaitExpression)))
	e, err := program.Decode(b.evaluate(program.Expression), PageInfo{URL: "http://x.org/"})
	require.Equal(t, `{"late":"x"}`, one(t, e, err))
}

func TestCompileWait(t *testing.T) {
	site := waitSite()
	program := site.CompileWait(Wait{Selector: "#never", Timeout: Duration(20 * time.Millisecond)})
	require.Empty(t, program.Before)
	b := newTab(t)
	b.navigate(serve(t, "text/html", "<p>x"))
	var wait *WaitError
	require.ErrorAs(t, program.DecodeWait(b.evaluate(program.WaitExpression)), &wait)

	program = site.CompileWait(Wait{Function: "x"})
	require.Empty(t, program.WaitExpression)
	require.Len(t, program.Before, 1)
}
