package sites

import "time"

// The values that a site file leaves out.
const (
	defaultTimezone    = "UTC"
	defaultTimeout     = Duration(30 * time.Minute)
	defaultChallenge   = Duration(30 * time.Second)
	defaultPages       = 1000
	defaultDepth       = 10
	defaultPageTimeout = Duration(30 * time.Second)
	defaultHang        = Duration(time.Second)
	defaultPageSize    = Size(20_000_000)
	defaultItemSize    = Size(1_000_000)
	defaultRate        = Rate(5)
	defaultBurst       = 1
	defaultPerHost     = 2
	defaultTabs        = 2
	defaultRetries     = 2
	defaultLocale      = "en"
	defaultLinkAttr    = "href"
)

// New gives a site made in memory with the rate that a site file would have; the
// caller adds templates, changes what it likes, and calls Complete.
func New(name string, start ...string) *Site {
	return &Site{Name: name, Start: start, Limits: Limits{Rate: defaultRate}}
}

// Complete fills in the defaults of a site made in memory and checks it, as Parse does
// for a file. A zero value counts as left out, but for Limits.Rate, of which 0 means no
// limit. The error is Faults without positions.
func (s *Site) Complete() error {
	c := newChecker(s, nil, nil)
	c.check()
	return c.faults.inOrder().or()
}

// orElse sets a value that was left out.
func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

func (s *Site) fillDefaults() {
	orElse(&s.Timezone, defaultTimezone)
	orElse(&s.Timeout, defaultTimeout)
	orElse(&s.Overlap, OverlapSkip)
	orElse(&s.Missed, MissedLatest)
	orElse(&s.Keep, KeepNone)
	if s.Keep == KeepPage {
		orElse(&s.Isolation, IsolationTab)
	}
	orElse(&s.Isolation, IsolationContext)
	orElse(&s.Challenge.Mode, ChallengeFail)
	orElse(&s.Challenge.Limit, min(defaultChallenge, s.Timeout))
	orElse(&s.Frames, FramesLazy)
	orElse(&s.Robots, RobotsObey)
	s.Limits.fillDefaults(s.Timeout)
	if s.at != nil && !s.at.given("limits.rate") {
		s.Limits.Rate = defaultRate
	}
	for i := range s.Templates {
		s.Templates[i].fillDefaults(s)
	}
}

func (l *Limits) fillDefaults(timeout Duration) {
	orElse(&l.Pages, defaultPages)
	if l.Depth == nil {
		l.Depth = new(int(defaultDepth))
	}
	orElse(&l.PageTimeout, min(defaultPageTimeout, timeout))
	orElse(&l.Hang, defaultHang)
	orElse(&l.PageSize, defaultPageSize)
	orElse(&l.ItemSize, defaultItemSize)
	orElse(&l.Burst, defaultBurst)
	orElse(&l.PerHost, defaultPerHost)
	orElse(&l.Tabs, defaultTabs)
	if l.Retries == nil {
		l.Retries = new(int(defaultRetries))
	}
}

func (t *Template) fillDefaults(s *Site) {
	if len(t.Wait) == 0 {
		t.Wait = []Wait{{Event: WaitDOM}}
	}
	for i := range t.Wait {
		orElse(&t.Wait[i].Timeout, s.Limits.PageTimeout)
	}
	for i := range t.Steps {
		step := &t.Steps[i]
		orElse(&step.Times, 1)
		orElse(&step.Timeout, s.Limits.PageTimeout)
		if step.Wait != nil {
			orElse(&step.Wait.Timeout, step.Timeout)
		}
	}
	for i := range t.Items {
		orElse(&t.Items[i].Name, t.Name)
		fillFieldDefaults(t.Items[i].Fields, s.Timezone)
	}
	for i := range t.Links {
		if link := &t.Links[i]; !link.isJSON() {
			orElse(&link.Attr, defaultLinkAttr)
		}
	}
}

func fillFieldDefaults(fields []Field, timezone string) {
	for i := range fields {
		f := &fields[i]
		if len(f.Fields) > 0 {
			fillFieldDefaults(f.Fields, timezone)
			continue
		}
		orElse(&f.Type, TypeText)
		if f.Type == TypeNumber || f.Type == TypeInteger || f.Type == TypeDate {
			orElse(&f.Locale, defaultLocale)
		}
		if f.Type == TypeDate {
			orElse(&f.Timezone, timezone)
		}
	}
}

// isJSON says whether the source yields JSON values, not elements.
func (s Source) isJSON() bool { return s.JSONLD != "" || s.JSON != "" }
