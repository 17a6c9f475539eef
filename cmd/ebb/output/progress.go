package output

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
)

// Status is how far work has come.
type Status struct {
	// Label says what is being done; "" says nothing.
	Label string
	// Done and Found count pages; Found grows while links are found. Failed are those
	// of Done that failed. While both are 0 a label stands without them.
	Done, Found, Failed int64
	// Items counts what was taken.
	Items int64
	// MemoryBytes is what Chrome holds; 0 where unknown.
	MemoryBytes int64
}

// ProgressOptions says how progress is shown.
type ProgressOptions struct {
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Repaint is the shortest time between two paintings of the line on a terminal.
	// Default: 100 ms.
	Repaint time.Duration
	// Every is the longest time between two plain lines where there is no terminal, as
	// long as updates come. Default: 10 s.
	Every time.Duration
}

// Progress shows how far work has come: on a terminal one line that is painted over in
// place, elsewhere a plain line now and then. It has no clock of its own: call Update
// as things change, or each second. It is a writer as well, for logs that go to the
// same terminal: the line makes way for them. Its methods may be called concurrently.
type Progress struct {
	out     Terminal
	options ProgressOptions

	mu       sync.Mutex // owns what follows
	start    time.Time
	before   int64     // Done at the start
	painted  time.Time // last painting, or last plain line
	shown    bool      // the terminal's line holds our text
	said     int64     // Done at the last plain line
	lastLine string
	status   Status
	closed   bool
	partial  bytes.Buffer // a log line whose end is still to come
}

// plainStep is the smallest number of pages between two plain lines.
const plainStep = 10

// NewProgress shows progress on out.
func NewProgress(out Terminal, options ProgressOptions) *Progress {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Repaint <= 0 {
		options.Repaint = 100 * time.Millisecond
	}
	if options.Every <= 0 {
		options.Every = 10 * time.Second
	}
	now := options.Now()
	return &Progress{out: out, options: options, start: now}
}

// Update shows a new status, unless it is too early for another painting.
func (p *Progress) Update(status Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.start.IsZero() || status.Done < p.status.Done { // a new piece of work
		p.start, p.before, p.said = p.options.Now(), status.Done, 0
	}
	p.status = status
	now := p.options.Now()
	if p.out.TTY {
		if p.painted.IsZero() || now.Sub(p.painted) >= p.options.Repaint {
			p.paint(now)
		}
		return
	}
	step := max(plainStep, (status.Found+9)/10)
	since := p.painted
	if since.IsZero() {
		since = p.start
	}
	if status.Done-p.said >= step || now.Sub(since) >= p.options.Every {
		p.say(now)
	}
}

// Terminal tells whether progress is shown as one line that is painted over.
func (p *Progress) Terminal() bool { return p.out.TTY }

// Printf writes a line of its own above the progress.
func (p *Progress) Printf(format string, args ...any) {
	_, _ = fmt.Fprintf(p, "%s\n", strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
}

// Write writes text above the progress, whole lines at a time. The error is the
// writer's below.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.out.TTY || p.closed {
		return p.out.Write(text)
	}
	p.partial.Write(text)
	end := bytes.LastIndexByte(p.partial.Bytes(), '\n')
	if end < 0 {
		return len(text), nil
	}
	repaint := p.shown
	p.erase()
	if _, err := p.out.Write(p.partial.Next(end + 1)); err != nil {
		return 0, err
	}
	if repaint {
		p.paint(p.options.Now())
	}
	return len(text), nil
}

// Close removes the line from a terminal, and elsewhere writes the last status if it
// has not been written yet.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	if p.out.TTY {
		p.erase()
		_, _ = p.out.Write(p.partial.Bytes())
		return
	}
	if p.status.Done != p.said {
		p.say(p.options.Now())
	}
}

// paint puts the line in place of the one before.
func (p *Progress) paint(now time.Time) {
	p.painted, p.shown = now, true
	line := Shorten(p.line(now), p.out.columns()-1)
	if p.out.Color {
		line = lipgloss.NewStyle().Faint(true).Render(line)
	}
	_, _ = fmt.Fprint(p.out, "\r"+line+eraseRest)
}

// eraseRest erases from the cursor to the end of the line.
const eraseRest = "\x1b[K"

func (p *Progress) erase() {
	if p.shown {
		_, _ = fmt.Fprint(p.out, "\r"+eraseRest)
		p.shown = false
	}
}

// say writes a plain line, unless it would say the same again.
func (p *Progress) say(now time.Time) {
	p.painted, p.said = now, p.status.Done
	line := p.line(now)
	if line == p.lastLine {
		return
	}
	p.lastLine = line
	_, _ = fmt.Fprintln(p.out, line)
}

// line is the status in words.
func (p *Progress) line(now time.Time) string {
	s := p.status
	var parts []string
	if s.Label == "" || s.Done > 0 || s.Found > 0 {
		pages := fmt.Sprintf("%s/%s pages", Count(s.Done), Count(s.Found))
		if s.Failed > 0 {
			pages += fmt.Sprintf(" (%s failed)", Count(s.Failed))
		}
		parts = append(parts, pages, Counted(s.Items, "item", "items"))
	}
	elapsed := now.Sub(p.start)
	if rate := perSecond(s.Done-p.before, elapsed); rate > 0 {
		parts = append(parts, strings.Replace(PerSecond(rate), "/", " pages/", 1))
		if left := s.Found - s.Done; left > 0 {
			parts = append(parts, "ETA "+Seconds(time.Duration(float64(left)/rate*float64(time.Second))))
		}
	}
	if s.MemoryBytes > 0 {
		parts = append(parts, Bytes(s.MemoryBytes))
	}
	line := strings.Join(parts, " · ")
	switch {
	case s.Label == "":
		return line
	case line == "":
		return CleanLine(s.Label)
	}
	return CleanLine(s.Label) + ": " + line
}

func perSecond(done int64, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(done) / elapsed.Seconds()
}
