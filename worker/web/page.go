package web

import (
	"bytes"
	"cmp"
	_ "embed" // the page's files
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/ebbworker/ebb/memprof"
)

//go:embed page.tmpl
var pageText string

//go:embed page.css
var style []byte

var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })

// page is what the template shows: texts only.
type page struct {
	State, Version, Up string
	Memory             []bar
	Limit              string
	Alarms             []alarmRow
	Work               []workRow
	Sites              []siteRow
	Browsers           []browserRow
	Now                string
}

// bar is memory in use, as a part of the limit.
type bar struct {
	Name, Value string
	Percent     int
}

type alarmRow struct{ At, Says, Fingerprint string }

type workRow struct{ Site, Run, Since, Pages, Items string }

type siteRow struct{ Name, Schedule, Next, Last, State, Took, Error string }

type browserRow struct{ At, What string }

// servePage answers with the page.
func (o Options) servePage(w http.ResponseWriter, _ *http.Request) {
	var out bytes.Buffer
	if err := pageTemplate().Execute(&out, o.Activity.page(time.Now())); err != nil {
		o.OnFault(fmt.Sprintf("render the page: %v", err))
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes())
}

// page is the state of things.
func (a *Activity) page(now time.Time) page {
	p := page{State: cmp.Or(string(a.NotReady()), "ready"), Version: a.o.Version, Up: span(now.Sub(a.began)), Now: stamp(now)}
	p.Memory, p.Limit = a.memory()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alarm := range slices.Backward(a.alarms) {
		p.Alarms = append(p.Alarms, alarmRow{stamp(alarm.Time), plain(alarm.Says), alarm.Fingerprint.ID})
	}
	for _, e := range slices.Backward(a.browsers) {
		p.Browsers = append(p.Browsers, browserRow{stamp(e.At), plain(e.What)})
	}
	for _, s := range a.o.Sites {
		known := a.sites[s.Name]
		row := siteRow{Name: s.Name, Schedule: cmp.Or(plain(s.Schedule), "only when asked")}
		if next := s.Next(now, 1); len(next) > 0 {
			row.Next = "in " + span(next[0].Sub(now))
		}
		if e := known.last; e != nil {
			row.Last, row.State, row.Took = span(now.Sub(known.at))+" ago", string(e.Run.State), span(e.Duration)
			if !e.Run.State.Finished() {
				row.State = "to be tried again"
			}
			row.Error = plain(e.Run.Error)
		}
		p.Sites = append(p.Sites, row)
		for _, run := range slices.Sorted(maps.Keys(known.work)) {
			work := known.work[run]
			p.Work = append(p.Work, workRow{s.Name, fmt.Sprint(run), span(now.Sub(work.since)), fmt.Sprint(work.progress.Visited), fmt.Sprint(work.progress.Items)})
		}
	}
	return p
}

// memory is what Chrome and this program hold, against the limit.
func (a *Activity) memory() (bars []bar, limit string) {
	total := 0.0
	if a.o.Limit != nil {
		if bytes, used, err := a.o.Limit(); err == nil {
			total, limit = bytes, mb(bytes)
			bars = append(bars, newBar("all that counts against the limit", used, total))
		}
	}
	if a.o.Latest == nil {
		return bars, limit
	}
	sample, ok := a.o.Latest()
	for _, of := range []struct{ name, group string }{{"Chrome, anonymous", memprof.Chrome}, {"the worker, anonymous", memprof.Worker}} {
		if value, known := sample.Totals.At(memprof.Series{Metric: "process.anon", Group: of.group}); ok && known {
			bars = append(bars, newBar(of.name, value, total))
		}
	}
	return bars, limit
}

func newBar(name string, value, total float64) bar {
	b := bar{Name: name, Value: mb(value)}
	if total > 0 {
		b.Percent = min(100, max(0, int(100*value/total)))
	}
	return b
}

func mb(bytes float64) string { return fmt.Sprintf("%.1f MB", bytes/memprof.MB) }

// stamp is a time as the page shows it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// span is a duration in words of a glance.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", max(d, 0).Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// maxText bounds a text on the page, in characters.
const maxText = 300

// plain makes a text that may hold text of a page one bounded line without characters that turn or
// hide what stands beside them. The template makes it harmless in HTML.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + " ..."
	}
	return text
}
