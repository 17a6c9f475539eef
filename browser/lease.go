package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Isolation is what a lease's tab shares with others.
type Isolation string

const (
	// IsolateTab lends a tab that later leases of the same site use again, cookies and
	// storage included.
	IsolateTab Isolation = "tab"
	// IsolatePage lends a new tab each time; it is closed by Release.
	IsolatePage Isolation = "page"
	// IsolateContext lends a tab in a browser context that the leases of one run share.
	IsolateContext Isolation = "context"
	// IsolateBrowser lends a tab in a Chrome that the leases of one run share.
	IsolateBrowser Isolation = "browser"
)

// LeaseOptions say what tab is wanted and what it may load.
type LeaseOptions struct {
	// Site is the site's name: its leases get tabs that it used before.
	Site string
	// Run identifies the run. Needed.
	Run string
	// Isolation is what the tab shares. Default: IsolateContext.
	Isolation Isolation
	// Keep names a tab whose document stays open between leases. Default: "".
	Keep string
	// UserAgent is sent instead of the pool's. Default: "", the pool's.
	UserAgent string
	// BlockKinds are resource kinds that are not loaded: image, font, media,
	// stylesheet, script, xhr, websocket, other. Default: none.
	BlockKinds []string
	// BlockURLs are URL patterns, * standing for any characters, that are not loaded.
	// Default: none.
	BlockURLs []string
	// MaxDocument is the largest document that is taken, in bytes, as far as the server
	// announces it. Default: 0, no limit.
	MaxDocument int64
	// MaxScript is how much processor time a script of the page may take without a pause while somebody
	// waits for the page. Then it is ended, the tab with it, and who waits gets ErrScript. Default: 0, any.
	MaxScript time.Duration
	// OwnContext puts a site's tabs of isolation tab, kept ones too, into a browser context of the
	// site's own, which stays between runs. Default: false, the default browser context.
	OwnContext bool
	// Proxy is the only way to the network for the tab, other than its Chrome's: its site, or
	// its run, then has a browser context of its own. Default: nil, that of its Chrome.
	Proxy Proxy
	// LeaveDocuments leaves the documents of a run's tabs (isolation tab) open at its end. Default:
	// false, EndRun leaves them for empty ones.
	LeaveDocuments bool
	// LazyFrames lets the tab draw no frame until somebody has waited for its page for 300 ms; what needs
	// frames waits until then. Interactive steps have frames all the same. Where headless-shell is not what
	// runs, it does nothing. Default: false.
	LazyFrames bool
	// Unheld lets documents come without being held at their answer, which costs round trips and a detour for all of a page's requests:
	// Navigate then does not know their status, headers and redirects. Default: false.
	Unheld bool
	// CountBytes counts what the tab's pages fetch; see Browser.Fetched. It slows them down. Default: false.
	CountBytes bool

	// Renew lets the run go on in another tab (PoolOptions.TabPages), without sessionStorage, and with isolation context
	// in another browser context, which has the cookies of the one before and nothing else of it
	// (PoolOptions.ContextPages). Default: false, it keeps its own.
	Renew bool

	otherProxy bool // Proxy is not that of the pool's Chrome
}

// proxied fills in the proxy of the pool's Chrome.
func (o *LeaseOptions) proxied(pools Proxy) error {
	switch {
	case o.Proxy == nil || o.Proxy == pools:
		o.Proxy = pools
	case pools == nil:
		return errNoGuard
	case o.Site == "":
		return errors.New("lend a tab: a proxy of a site's own needs a site")
	default:
		o.otherProxy = true
	}
	return nil
}

func (o *LeaseOptions) check() error {
	if o.Isolation == "" {
		o.Isolation = IsolateContext
	}
	switch o.Isolation {
	case IsolateTab, IsolatePage, IsolateContext, IsolateBrowser:
	default:
		return fmt.Errorf("lend a tab: isolation %q is none of tab, page, context, browser", o.Isolation)
	}
	if o.Run == "" {
		return errors.New("lend a tab: the lease names no run")
	}
	if o.OwnContext && (o.Isolation != IsolateTab || o.Site == "") {
		return errors.New("lend a tab: a site's own browser context needs isolation tab and a site")
	}
	for _, k := range o.BlockKinds {
		if kinds[k] == nil {
			return fmt.Errorf("lend a tab: no resource kind is called %q", k)
		}
	}
	return nil
}

func (o LeaseOptions) rules() rules {
	return rules{UserAgent: o.UserAgent, BlockKinds: o.BlockKinds, BlockURLs: o.BlockURLs, MaxDocument: o.MaxDocument, CountBytes: o.CountBytes, Proxy: o.Proxy, LazyFrames: o.LazyFrames}
}

func (r rules) equal(other rules) bool {
	return r.UserAgent == other.UserAgent && r.MaxDocument == other.MaxDocument && r.CountBytes == other.CountBytes && r.Proxy == other.Proxy && r.LazyFrames == other.LazyFrames &&
		slices.Equal(r.BlockKinds, other.BlockKinds) && slices.Equal(r.BlockURLs, other.BlockURLs)
}

// Lease is a tab lent to one job until Release.
type Lease struct {
	*Tab
	pool    *Pool
	at      spot
	options LeaseOptions
	kept    *keptTab
	reused  bool
	spent   atomic.Bool // the tab is closed by Release
	trace   *trace
	touched touched
	once    sync.Once
	err     error
}

// Kept says that the document of an earlier lease is still open in the tab.
func (l *Lease) Kept() bool { return l.reused }

// lendKept lends the tab that is kept under a name, or opens it. A second lease of the
// same name waits for the first.
func (p *Pool) lendKept(ctx context.Context, o LeaseOptions) (*Lease, error) {
	for {
		p.mu.Lock()
		k := p.kept[o.Keep]
		if k == nil {
			k = &keptTab{site: o.Site, free: make(chan struct{}, 1)}
			p.kept[o.Keep] = k
			p.mu.Unlock()
			return p.openKept(ctx, k, o)
		}
		p.mu.Unlock()
		select {
		case <-k.free:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		p.mu.Lock()
		current := p.kept[o.Keep] == k && k.fits(o) && k.at.enter()
		reused := !k.blanked
		k.blanked = false
		if current {
			p.coming++
		} else if p.kept[o.Keep] == k {
			delete(p.kept, o.Keep)
		}
		p.mu.Unlock()
		if current {
			return p.leased(&Lease{Tab: k.tab, pool: p, at: k.at, options: o, kept: k, reused: reused}), nil
		}
		if k.tab != nil {
			_ = k.tab.close(ctx) // one that has crashed is open until then
		}
		k.free <- struct{}{} // whoever waits for it sees that it is no longer current
	}
}

// fits says whether a kept tab can be lent. The caller holds the pool's mu.
func (k *keptTab) fits(o LeaseOptions) bool {
	own := o.siteOwn()
	return k.tab != nil && k.tab.Err() == nil && k.tab.rules.equal(o.rules()) && own == (k.at.run != nil) && !k.at.member.retired
}

// openKept opens the tab of a new keptTab.
func (p *Pool) openKept(ctx context.Context, k *keptTab, o LeaseOptions) (*Lease, error) {
	in := o
	if o.Isolation != IsolateTab {
		in.Isolation = IsolatePage // a kept page outlives its run, so it cannot live in the run's context
	}
	at, err := p.place(ctx, in)
	if err == nil {
		var tab *Tab
		if tab, err = p.open(ctx, at, o); err == nil {
			p.mu.Lock()
			k.tab, k.at = tab, at
			p.mu.Unlock()
			return p.leased(&Lease{Tab: tab, pool: p, at: at, options: o, kept: k}), nil
		}
		p.leave(ctx, at)
	}
	p.mu.Lock()
	delete(p.kept, o.Keep)
	p.mu.Unlock()
	k.free <- struct{}{}
	return nil, err
}

// Release gives the tab back. cause is why the visit failed, nil when it did not: a
// tab that crashed, hung, or failed for a reason that is not known to be harmless is
// replaced; others are used again as the lease's isolation says. The lease's place is
// free when Release returns, whatever happened; calling it again does nothing.
func (l *Lease) Release(ctx context.Context, cause error) error {
	l.once.Do(func() { l.err = l.release(ctx, cause) })
	return l.err
}

func (l *Lease) release(ctx context.Context, cause error) error {
	p := l.pool
	defer func() {
		p.mu.Lock()
		delete(p.leases, l)
		l.at.member.speaks(l, cause)
		p.mu.Unlock()
		p.leave(ctx, l.at)
		p.places.free()
	}()
	l.noteVisit(cause)
	l.endSteps()
	usable := l.Tab.Err() == nil && harmless(cause) && !l.spent.Load() && !p.replacedTab(l)
	if l.kept != nil {
		return l.releaseKept(ctx, usable)
	}
	if usable && l.options.Isolation != IsolatePage {
		visited := l.tidiness.visited() // whoever gets the tab next changes that
		if !l.tidy(ctx) && p.putIdle(l) {
			l.succeed(ctx, visited)
			return nil
		}
	}
	return l.discard(ctx)
}

// harmless says whether a tab may be used again after an error: those that the page or
// its server made, and after which Chrome has answered, are harmless.
func harmless(err error) bool {
	var netErr *NetError
	var scriptErr *ScriptError
	return err == nil || errors.As(err, &netErr) || errors.As(err, &scriptErr) ||
		errors.Is(err, ErrTooLarge) || errors.Is(err, ErrNotPage) || errors.Is(err, ErrNoElement) ||
		errors.Is(err, ErrNoEntry) || errors.Is(err, ErrScheme) || errors.Is(err, ErrRedirects) || errors.Is(err, ErrForbidden)
}

// replacedTab says whether another place has taken that of the lease's run, or another tab that of its tab.
func (p *Pool) replacedTab(l *Lease) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.Tab.replaced || l.at.run != nil && l.at.run.retired
}

// putIdle keeps the tab for the next lease; false where its run has ended.
func (p *Pool) putIdle(l *Lease) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, fits := p.idleOf(l, l.Tab)
	if fits {
		p.idle = append(p.idle, i)
	}
	return fits
}

// idleOf is a tab in the place of a lease's, waiting for the next one; false where its run has ended. The caller
// holds mu.
func (p *Pool) idleOf(l *Lease, tab *Tab) (*idleTab, bool) {
	i := &idleTab{tab: tab, at: l.at.ground}
	switch {
	case p.shut:
		return nil, false
	case l.options.Isolation == IsolateTab:
		i.site = l.options.Site
		if l.at.member.retired {
			return nil, false
		}
	default:
		i.run = l.options.Run
	}
	if r := l.at.run; r != nil && p.runs[r.owner] != r {
		return nil, false
	}
	return i, true
}

// discard closes the tab. A Chrome in which a tab cannot be closed is retired.
func (l *Lease) discard(ctx context.Context) error {
	if l.at.member.browser.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := l.Tab.close(ctx)
	if err == nil || errors.Is(err, ErrGone) {
		return nil
	}
	l.pool.retire(l.at.member, "a tab could not be closed")
	return err
}

func (l *Lease) releaseKept(ctx context.Context, usable bool) error {
	p := l.pool
	var err error
	if !usable {
		p.mu.Lock()
		if p.kept[l.options.Keep] == l.kept {
			delete(p.kept, l.options.Keep)
		}
		p.mu.Unlock()
		err = l.discard(ctx)
	}
	l.kept.free <- struct{}{}
	return err
}
