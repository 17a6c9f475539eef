package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/ebbworker/ebb/memprof"
)

func diagnosisHTML(t *testing.T, d memprof.Diagnosis, trace memprof.Trace) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, DiagnosisHTML(&out, d, trace))
	return out.String()
}

func TestDiagnosisHTML(t *testing.T) {
	d, trace := leaking(6)
	means := regexp.MustCompile(`<span title="[^"]*">`) // from the table of metrics, which tests of its own hold
	file(t, "diagnosis-leak.html", []byte(means.ReplaceAllString(diagnosisHTML(t, d, trace), `<span title="">`)))
	file(t, "diagnosis-nothing.html", []byte(diagnosisHTML(t, memprof.Diagnosis{}, memprof.Trace{})))
}

// requireInert holds a page to elements and attributes that neither fetch nor run anything.
func requireInert(t *testing.T, text string) {
	t.Helper()
	elements := []string{
		"html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "h3", "p", "div", "span", "b", "i", "em", "br",
		"dl", "dt", "dd", "ul", "ol", "li", "label", "input", "figure", "figcaption", "details", "summary", "code",
		"table", "thead", "tbody", "tr", "th", "td", "svg", "path", "rect",
	}
	attributes := []string{
		"lang", "charset", "http-equiv", "content", "name", "class", "style", "title", "type", "checked", "open", "role", "aria-label",
		"viewbox", "preserveaspectratio", "d", "x", "y", "width", "height",
	}
	page := html.NewTokenizer(strings.NewReader(text))
	for {
		switch page.Next() {
		case html.ErrorToken:
			require.ErrorIs(t, page.Err(), io.EOF)
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := page.Token()
			require.Contains(t, elements, token.Data)
			for _, a := range token.Attr {
				require.Contains(t, attributes, a.Key)
				require.NotContains(t, a.Val, "url(")
			}
		}
	}
}

var drawings = regexp.MustCompile(`(?s)<svg.*?</svg>`)

func TestDiagnosisHTMLStandsAlone(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(fixtures())) {
		t.Run(name, func(t *testing.T) {
			d, trace := fixtures()[name]()
			text := diagnosisHTML(t, d, trace)
			require.Equal(t, text, diagnosisHTML(t, d, trace), "the same bytes")
			require.Contains(t, text, `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`)
			requireInert(t, text)
			require.NotRegexp(t, `url\(|@import`, htmlStyle)
			for _, never := range []string{"NaN", "Inf", "ZgotmplZ", "%!", "\x1b", "\x07", "\u009b", "\u202e"} {
				require.NotContains(t, text, never)
			}
			for _, drawing := range drawings.FindAllString(text, -1) {
				requireXML(t, drawing)
			}
		})
	}
}

func requireXML(t *testing.T, text string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

// All that the text says stands in the page too.
func TestDiagnosisHTMLHasTheAnswers(t *testing.T) {
	d, trace := leaking(30)
	text := diagnosisHTML(t, d, trace)
	for _, part := range []string{
		"LEAK: js-heap, site shop, phase scrape, process renderer", "&#43;1.142 MB (1.101 to 1.183) a cycle", "5.4 h",
		"window.catalogue.seen[]", "a1b2c3d4e5f6 KNOWN", "00aa11bb22cc GONE", "planted 262,144 bytes a cycle", "blink_gc",
		"2 other Chromes ran on this host", "permission denied (14 times)", "--disable-features=Translate,&lt;i&gt;&amp;amp;",
		"Cycles 1, 2 and 3: warm-up", "Cycle 9: a gap", "cycle 9: a gap, it could not be read", "linux/processes", "go1.26.1",
	} {
		require.Contains(t, text, part)
	}
	require.Equal(t, 1+3+1, strings.Count(text, `class="slope"`), "the headline, three others that grow, and the control")
	require.Equal(t, 6*30, strings.Count(text, `<b class="k-`), "each phase is drawn")
}

// A cycle's changes by phase add up to its change as they are written.
func TestDiagnosisHTMLAddsUp(t *testing.T) {
	d, _ := leaking(30)
	read := func(text string) float64 {
		value := 0.0
		for _, r := range text {
			if r >= '0' && r <= '9' {
				value = 10*value + float64(r-'0')
			}
		}
		if strings.HasPrefix(text, "-") {
			return -value
		}
		return value
	}
	table := cycleRows(d)
	require.Equal(t, []string{"scrape", "cleanup", "settle", "idle"}, table.Phases)
	require.Len(t, table.Rows, 30)
	for _, row := range table.Rows {
		require.Len(t, row.Phases, len(table.Phases))
		sum := 0.0
		for _, cell := range row.Phases {
			sum += read(cell)
		}
		require.InDelta(t, read(row.Change), sum, 0)
	}
}

// A night of 30 cycles that was read ten times a second stays a file that one can send.
func TestDiagnosisHTMLIsSmall(t *testing.T) {
	d, trace := leaking(30)
	random := 0.0
	trace.Points = nil
	trace.Series = append(trace.Series, memprof.Series{Metric: "process.anon", Group: "gpu-process"}, memprof.Series{Metric: "process.anon", Group: "network"}, goHeap)
	for at := time.Duration(0); at < 30*time.Minute; at += 100 * time.Millisecond {
		random = math.Mod(random*7.3+1.1e6, 9e6)
		values := make([]float64, len(trace.Series))
		for i := range values {
			values[i] = 1e8 + random
		}
		trace.Points = append(trace.Points, memprof.TracePoint{At: at, Tick: true, Values: values})
	}
	require.Less(t, len(diagnosisHTML(t, d, trace)), 1_000_000)
}

// Readings are recorded in the order in which they end, which is not that of their times.
func TestDiagnosisHTMLSortsReadings(t *testing.T) {
	d, trace := leaking(6)
	want := diagnosisHTML(t, d, trace)
	trace.Points[7], trace.Points[8] = trace.Points[8], trace.Points[7]
	require.Equal(t, want, diagnosisHTML(t, d, trace))
	require.Greater(t, trace.Points[7].At, trace.Points[8].At, "the caller's trace stays as it was")
}

func TestDiagnosisHTMLReturnsTheWritersError(t *testing.T) {
	require.EqualError(t, DiagnosisHTML(broken{}, memprof.Diagnosis{}, memprof.Trace{}), "write the diagnosis: pipe closed")
}
