package crawl

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

func TestSecretsAreInNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(1)
		var events []Event
		site := fakeSite(t, func(s *sites.Site) {
			s.Templates[0].Steps = []sites.Step{
				{Type: &sites.Input{Into: "#name", Text: "me:${PASSWORD}"}},
				{Type: &sites.Input{Into: "#none", Text: "${PASSWORD}"}},
			}
		}, home)
		r := w.start(t, site, func(o *Options) {
			o.Secret = func(name string) (string, bool) { return "s3cret", name == "PASSWORD" }
			o.On = func(e Event) { events = append(events, e) }
			o.Final = true
		})
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Contains(t, w.typed, "me:s3cret")
		page := r.ledger().pages[home]
		require.Equal(t, ClassSelector, page.Class)
		require.Equal(t, "step 2: type *** into #none: no such element", page.Error)
		require.NotContains(t, s.FirstError, "s3cret")
		for _, event := range events {
			require.NotContains(t, event.Page.Error+event.Text, "s3cret")
		}
	})
}

func TestASecretThatIsNotSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.star(0)
		r := w.start(t, fakeSite(t, func(s *sites.Site) {
			s.Templates[0].Steps = []sites.Step{{Type: &sites.Input{Into: "#name", Text: "${PASSWORD}"}}}
		}, home), nil)
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Empty(t, w.typed)
		require.Equal(t, home+": step 1: the text for #name needs PASSWORD, which is not set", s.FirstError)
	})
}

func TestStepsAndWaitsAreBounded(t *testing.T) {
	second := sites.Duration(time.Second)
	tests := map[string]struct {
		change func(*sites.Template)
		class  Class
		takes  time.Duration
	}{
		"click": {func(p *sites.Template) { p.Steps = []sites.Step{{Click: "#x", Timeout: second}} }, ClassSelector, time.Second},
		"optional click three times": {func(p *sites.Template) {
			p.Steps = []sites.Step{{Click: "#x", Timeout: second, Optional: true, Times: 3}}
		}, ClassNone, time.Second},
		"sleep twice":   {func(p *sites.Template) { p.Steps = []sites.Step{{Sleep: second, Times: 2}} }, ClassNone, 2 * time.Second},
		"evaluate":      {func(p *sites.Template) { p.Steps = []sites.Step{{Evaluate: "x"}} }, ClassScript, 0},
		"wait":          {func(p *sites.Template) { p.Wait = []sites.Wait{{Event: sites.WaitNetworkIdle, Timeout: second}} }, ClassTimeout, time.Second},
		"optional wait": {func(p *sites.Template) { p.Wait = []sites.Wait{{Function: "f()", Timeout: second, Optional: true}} }, ClassNone, time.Second},
		"page's end":    {func(p *sites.Template) { p.Wait = []sites.Wait{{Function: "f()"}} }, ClassSelector, 27 * time.Second},
		"wait step": {func(p *sites.Template) {
			p.Steps = []sites.Step{{Wait: &sites.Wait{Event: sites.WaitNetworkIdle, Timeout: second}}}
		}, ClassTimeout, time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.star(0)
				site := fakeSite(t, func(s *sites.Site) { s.Limits.Retries = new(0); test.change(&s.Templates[0]) }, home)
				r := w.start(t, site, func(o *Options) { o.Final = true })
				_, err := r.run(t.Context())
				require.NoError(t, err)
				page := r.ledger().pages[home]
				require.Equal(t, test.class, page.Class, page.Error)
				require.Equal(t, test.takes, page.Duration)
			})
		})
	}
}

func TestGoToObeysRobotsAndRate(t *testing.T) {
	for target, want := range map[string]PageState{"two": PageDone, "no": PageSkipped} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.robots["shop.test"] = "User-agent: *\nDisallow: /no\n"
			w.star(0)
			w.add(home+"two", &place{})
			w.add(home+"next", &place{})
			w.pages[home].links = []string{home + "next"}
			site := fakeSite(t, func(s *sites.Site) {
				s.Limits.Rate = 1
				first := s.Templates[0]
				first.Name, first.Match = "first", nil
				first.Steps = []sites.Step{{Goto: target}}
				s.Templates[0].Match = []sites.Pattern{"/next", "/two"}
				s.Templates = append([]sites.Template{first}, s.Templates...)
				s.Templates[0].Links = []sites.LinkRule{{Source: sites.Source{CSS: "a"}}, {Source: sites.Source{CSS: "b"}}}
			}, home)
			r := w.start(t, site, nil)
			_, err := r.run(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, r.ledger().pages[home].State, r.ledger().pages[home].Error)
			if target == "no" {
				require.Equal(t, []string{home}, w.urls())
			} else {
				require.Equal(t, []string{home, home + "two"}, w.urls())
			}
		})
	}
}

func TestRedactKeepsWhatCallersTestFor(t *testing.T) {
	err := redact(&browser.NetError{Code: "net::ERR_NAME_NOT_RESOLVED", URL: "http://x/?k=abc"}, []string{"abc"})
	require.Equal(t, ClassDNS, classOf(err))
	require.NotContains(t, err.Error(), "abc")
	require.ErrorIs(t, redact(browser.ErrCrashed, []string{"abc"}), browser.ErrCrashed)
}
