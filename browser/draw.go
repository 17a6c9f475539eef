package browser

import (
	"context"
	"sync"
	"time"

	"github.com/chromedp/cdproto/headlessexperimental"
)

// Frames. A tab that draws lazily is made with BeginFrameControl (Chromium 156, headless-shell): Chrome lays it
// out, runs its scripts, timers and MutationObservers, and draws no frame unless one is asked for. What it
// saves `ebb bench --frames` tells. What waits for a frame (requestAnimationFrame, IntersectionObserver, scroll
// events, transitions) waits until one is. So when something has waited for the page for a while, frames are asked
// for, until it waits no more. Other tabs of the same Chrome draw as always.

// drawFlag lets frames be asked for. A tab that draws by itself then draws sixty frames a second, also when nothing
// changes: some hundredths of a processor for one that is idle. So Chrome opens no page of its own (see flags).
const drawFlag = "--run-all-compositor-stages-before-draw"

const (
	// drawPatience is how long somebody waits for a page before frames are drawn.
	drawPatience = 300 * time.Millisecond
	// drawFirst and drawLast are the shortest and the longest time between two frames for one who waits.
	drawFirst, drawLast = 100 * time.Millisecond, 250 * time.Millisecond
	// drawSparse is for how long frames are so few; then they come as on a screen: what two frames in a row
	// must show, such as that something has left the view and come back, few frames miss.
	drawSparse = time.Second
	// drawScreen is the time between two frames of a screen.
	drawScreen = 16 * time.Millisecond
	// frameTimeout bounds the wait for a frame; a page that keeps its thread longer gets no other meanwhile.
	frameTimeout = 10 * time.Second
	// drawProof is how soon after the first frame, sparse or of a screen, a wait ends that waited for it.
	drawProof = 80 * time.Millisecond
	// drawProofs is how many pages in a row prove that a site needs frames, and drawAgain after how many
	// pages it has to prove it again.
	drawProofs, drawAgain = 3, 100
)

// drawing asks for frames until it is stopped.
type drawing struct {
	tab *Tab

	mu    sync.Mutex // owns what follows
	timer *time.Timer
	gap   time.Duration // to the next frame
	took  time.Duration // by the last frame
	first time.Time     // when the first frame was asked for
	over  bool
}

// draw begins to ask for frames after a time, sparse ones first, or as on a screen.
func (t *Tab) draw(after time.Duration, screen bool) *drawing {
	d := &drawing{tab: t, gap: drawFirst}
	if screen {
		d.gap = drawScreen
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer = time.AfterFunc(after, d.tick)
	return d
}

func (d *drawing) tick() {
	d.frame()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.timer.Reset(d.gap)
	switch {
	case d.gap == drawScreen:
	case time.Since(d.first) >= drawSparse:
		d.gap = drawScreen
	default:
		d.gap = min(2*d.gap, drawLast)
	}
}

// begin notes when the first frame was asked for. It says in what time the frame after this one is likely to be asked
// for, and whether somebody still waits for this one.
func (d *drawing) begin() (next time.Duration, wanted bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over && d.first.IsZero() {
		d.first = time.Now()
	}
	return d.took + d.gap, !d.over
}

// frame asks for a frame and waits until it is there. In each Chrome one frame is made at a time: where two tabs
// make theirs at once, the GPU process of Chromium 156 ends at a check, and after some times Chrome with it. So a
// page that keeps its thread holds up the frames of others, for frameTimeout at most. The frame is shown, though
// nobody looks: after four that are not (noDisplayUpdates) a page gets one in a second. The page is told when the next
// one comes: what is left until then is its idle time (requestIdleCallback), and none was where frames took longer than
// those of a screen.
func (d *drawing) frame() {
	b, s := d.tab.browser, d.tab.session
	ctx, cancel := context.WithTimeout(context.Background(), frameTimeout)
	defer cancel()
	select {
	case b.framing <- struct{}{}:
		defer func() { <-b.framing }()
	case <-s.done:
		return
	case <-ctx.Done():
		return
	}
	next, wanted := d.begin()
	if !wanted {
		return
	}
	asked := time.Now()
	interval := headlessexperimental.BeginFrameParams{Interval: float64(next) / float64(time.Millisecond)}
	_ = b.conn.call(ctx, s, headlessexperimental.CommandBeginFrame, interval, nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.took = time.Since(asked)
}

// stop ends it, and says for how long frames were drawn; 0 where none was.
func (d *drawing) stop() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.timer.Stop()
	if d.first.IsZero() {
		return 0
	}
	return max(1, time.Since(d.first))
}

// drawFor draws frames for one who waits for the page, until done is called with what came of it.
func (t *Tab) drawFor() (done func(err error)) {
	if !t.lazy {
		return func(error) {}
	}
	after, screen := t.need.patience()
	d := t.draw(after, screen)
	return func(err error) {
		if drew := d.stop(); err == nil && after > 0 {
			t.need.note(drew)
		}
	}
}

// frameNeed is what is known of a site's need of frames.
type frameNeed struct {
	mu      sync.Mutex
	proofs  int // pages in a row whose wait ended with its first frame
	screens int // pages in a row whose wait ended when frames came as on a screen
	pages   int // since the need was proved
}

// patience is how long somebody waits for a page of the site before frames are drawn, and whether they
// then come as on a screen.
func (n *frameNeed) patience() (after time.Duration, screen bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proofs < drawProofs && n.screens < drawProofs {
		return drawPatience, false
	}
	if n.pages++; n.pages > drawAgain {
		n.pages, n.proofs, n.screens = 0, min(n.proofs, drawProofs-1), min(n.screens, drawProofs-1) // one more page decides
		return drawPatience, false
	}
	return 0, n.screens >= drawProofs
}

// note takes for how long frames were drawn until a wait ended. What took longer than the first frame, and did
// not take frames as on a screen, says nothing.
func (n *frameNeed) note(drew time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case drew == 0:
		n.proofs, n.screens = 0, 0
	case drew < drawProof:
		n.proofs++
	case drew > drawSparse && drew < drawSparse+drawLast+2*drawProof:
		n.screens++
	}
}

// needOf is what the pool knows of a site's need of frames. The caller holds mu.
func (p *Pool) needOf(site string) *frameNeed {
	n := p.needs[site]
	if n == nil {
		n = &frameNeed{}
		p.needs[site] = n
	}
	return n
}
