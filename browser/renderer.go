package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
)

// renderer is the process that draws a tab, and what is known of its memory. Who has the tab has it.
type renderer struct {
	pid    int       // 0 while it is not known
	origin string    // what the tab showed when its process was asked for: another may have another
	asked  time.Time // when it was last asked for
}

const (
	// askRendererEvery is the time between two questions of a tab for its process.
	askRendererEvery = time.Second
	// askRendererTimeout bounds the wait for an answer: a page that is busy for longer is asked another time.
	askRendererTimeout = time.Second
)

// rendererAnon returns the anonymous memory of the tab's renderer in bytes; known says whether it could be
// told. It costs the reading of one file, and a question to the page where that shows another origin than
// before, at most each second.
func (t *Tab) rendererAnon(ctx context.Context) (anon int64, known bool) {
	r := &t.renderer
	origin, _ := originOf(t.URL())
	if r.pid != 0 && r.origin == origin {
		if anon, err := readAnon(r.pid); err == nil {
			return anon, true
		}
	}
	r.pid = 0
	if time.Since(r.asked) < askRendererEvery {
		return 0, false
	}
	r.asked = time.Now()
	ctx, cancel := context.WithTimeout(ctx, askRendererTimeout)
	defer cancel()
	pid, err := t.RendererPID(ctx)
	if err != nil {
		return 0, false
	}
	if anon, err = readAnon(pid); err != nil {
		return 0, false
	}
	r.pid, r.origin = pid, origin
	return anon, true
}

// noText is looked for in the page, and is not there.
const noText = "\u2063ebb\u2063"

// errNoRenderer says that what Chrome answered names no process of its own.
var errNoRenderer = errors.New("the renderer of a tab is not told")

// RendererPID asks the tab's page for the pid of its process, which stands in the name of every search in a
// document (Chromium 156: "16321.0"). Neither the page nor its server can see it. The page's main thread answers,
// for the document that is open then: the next one may have another process.
func (t *Tab) RendererPID(ctx context.Context) (int, error) {
	s := t.session
	s.post(dom.CommandEnable, cdp.Empty{})
	found, err := cdp.Call(ctx, s, dom.PerformSearch, dom.PerformSearchParams{Query: noText})
	if err == nil {
		s.post(dom.CommandDiscardSearchResults, dom.DiscardSearchResultsParams{SearchID: found.SearchID})
	}
	s.post(dom.CommandDisable, cdp.Empty{})
	if err != nil {
		return 0, fmt.Errorf("ask a tab for its renderer: %w", err)
	}
	return rendererOf(found.SearchID, t.browser.PID())
}

// rendererOf is the pid in the name of a search, of a renderer of the Chrome with a pid.
func rendererOf(searchID string, chrome int) (int, error) {
	pid, err := parseSearchID(searchID)
	if err != nil {
		return 0, err
	}
	if st, err := readStat(pid); err != nil || st.pgid != chrome {
		return 0, fmt.Errorf("%w: process %d is none of its own", errNoRenderer, pid)
	}
	return pid, nil
}

// foreignPID is what Chrome adds to the pid of a renderer that cannot see its own.
const foreignPID = 1_000_000_000

// parseSearchID is the pid in the name of a search, "16321.0".
func parseSearchID(id string) (int, error) {
	text, _, ok := strings.Cut(id, ".")
	pid, err := strconv.Atoi(text)
	if pid > foreignPID {
		pid -= foreignPID
	}
	if !ok || err != nil || pid <= 0 {
		return 0, fmt.Errorf("%w: no pid in the search ID %q", errNoRenderer, id)
	}
	return pid, nil
}

// readAnon reads the anonymous memory of a process in bytes, without shared memory.
func readAnon(pid int) (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	pages, err := parseStatm(b)
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// parseStatm reads /proc/PID/statm: its second field are resident pages, its third those of them that are of
// files or shared. The rest is anonymous: RssAnon of /proc/PID/status. A process that is ending has none.
func parseStatm(b []byte) (anonPages int64, err error) {
	f := bytes.Fields(b)
	if len(f) < 3 {
		return 0, fmt.Errorf("%d fields in %q", len(f), b)
	}
	resident, err1 := strconv.ParseInt(string(f[1]), 10, 64)
	shared, err2 := strconv.ParseInt(string(f[2]), 10, 64)
	switch {
	case err1 != nil || err2 != nil || shared > resident:
		return 0, fmt.Errorf("no numbers in %q", b)
	case resident == 0:
		return 0, fmt.Errorf("nothing resident in %q", b)
	}
	return resident - shared, nil
}
