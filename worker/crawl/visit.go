package crawl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// visit is one try at one page. The goroutine that makes it owns it.
type visit struct {
	run    *run
	page   *queuedPage
	turn   *turn
	lease  tab
	result PageResult
	links  []sites.Link
	alone  bool    // in a page of its own, where a challenge may be waited for
	faults []Class // of records that were not taken
	single bool    // no other page of the run is open
	held   bool    // its answer is held, since without it was not understood
	plain  bool    // the page is expected to be one like those before it: its answer is not held
}

// errSame is why a page is skipped whose redirect leads to another page of the run.
var errSame = errors.New("same page as")

// errUntold is an answer that brings no page, and of which more is known where it is held.
var errUntold = errors.New("the answer is no page")

// make visits the page and fills in the result; the links are what it leads to.
func (v *visit) make(ctx context.Context) error {
	err := v.try(ctx, v.run.isolation())
	if errors.Is(err, errUntold) && ctx.Err() == nil {
		v.held = true
		v.turn.spend()
		err = v.try(ctx, v.run.isolation())
	}
	wait := v.run.site.Challenge.Mode == sites.ChallengeWait
	if errors.Is(err, errChallenge) && wait && ctx.Err() == nil {
		v.alone = true
		v.turn.spend()
		err = v.try(ctx, v.run.aloneIsolation())
	}
	return err
}

// lendError is what kept a visit from getting a tab: nothing is wrong with the page.
type lendError struct{ error }

func (e lendError) Unwrap() error { return e.error }

// try visits the page once in a tab with the isolation given.
func (v *visit) try(ctx context.Context, isolation sites.Isolation) (err error) {
	asked := time.Now()
	v.plain = v.plainly()
	options := v.run.leaseOptions(v.page, isolation, v.alone)
	options.Unheld = v.plain
	lease, err := v.run.lend(ctx, options)
	v.result.Stages.Lease += time.Since(asked)
	if err != nil {
		return lendError{err}
	}
	v.lease = lease
	v.turn.start()
	if v.result.Started.IsZero() {
		v.result.Started = time.Now()
	}
	limit := v.run.limits.page
	if v.alone {
		limit += v.run.limits.challenge
	}
	pageCtx, cancel := context.WithTimeoutCause(ctx, limit, errPageTimeout)
	defer cancel()
	err = v.open(pageCtx)
	if err != nil && pageCtx.Err() != nil && ctx.Err() == nil {
		err = late(err, limit)
	}
	v.result.Duration = time.Since(v.result.Started)
	visited := time.Now()
	v.run.cleanPage(ctx, lease)
	if releaseErr := v.run.giveBack(ctx, lease, v.cause(err)); releaseErr != nil {
		v.run.note(fmt.Sprintf("give back the tab of %s: %v", v.page.URL, releaseErr))
	}
	v.result.Stages.Cleanup += time.Since(visited)
	return err
}

// late is an error of a page whose time was up, unless it says more than that.
func late(err error, limit time.Duration) error {
	switch classOf(err) {
	case ClassCrash, ClassMemory, ClassHung, ClassBrowser, ClassSelector:
		return err
	}
	return &fault{class: ClassTimeout, err: fmt.Errorf("not done within %s: %w", limit, err)}
}

// errAlone is why a tab is closed that a page had for itself.
var errAlone = errors.New("the tab was for one page that waited for a challenge")

// cause is what the pool must know of an error: why the tab may be of no use any more.
// Faults of the page alone leave the tab as good as before, but a document that stays
// open is thrown away after any fault.
func (v *visit) cause(err error) error {
	if err == nil && v.alone {
		return errAlone
	}
	if err == nil {
		return nil
	}
	if v.run.site.Keep == sites.KeepPage {
		return fmt.Errorf("the kept page is of no use: %v", err) // not one that the pool knows as harmless
	}
	switch classOf(err) {
	case ClassHTTP, ClassBusy, ClassRobots, ClassMissing, ClassInvalid, ClassLimit, ClassSelector:
		return nil
	case ClassBlocked:
		if !errors.Is(err, errChallenge) {
			return nil
		}
	}
	if errors.Is(err, errSame) || errors.Is(err, errElsewhere) || errors.Is(err, errUntold) {
		return nil
	}
	return err
}

// open brings the page up and takes what the template says.
func (v *visit) open(ctx context.Context) error {
	began := time.Now()
	if !v.lease.Kept() {
		err := v.navigate(ctx)
		v.result.Stages.Navigate += time.Since(began)
		if err != nil {
			return err
		}
	} else {
		v.result.FinalURL = v.lease.URL()
	}
	program := v.run.programs[v.page.Template]
	if program == nil {
		return nil // a page without a template: nothing to take
	}
	if v.plain && v.result.Status == 0 {
		if done, err := v.takePlain(ctx, program); done {
			return err
		}
	}
	began = time.Now()
	if err := v.waitBefore(ctx, program.Before); err != nil {
		return err
	}
	if program.WaitExpression != "" {
		if err := v.waitInPage(ctx, program.Program); err != nil {
			return err
		}
	}
	if err := v.steps(ctx, program.template.Steps); err != nil {
		return err
	}
	v.result.Stages.Wait += time.Since(began)
	began = time.Now()
	defer func() { v.result.Stages.Extract += time.Since(began) }()
	raw, err := v.lease.Evaluate(ctx, program.Expression)
	if err != nil {
		return fmt.Errorf("take the items: %w", err)
	}
	return v.take(program, raw)
}

// plainly says whether the page can be expected to be one like the host's last ones, so that what its answer says
// besides the page is not asked for: it is what a page costs most beside the page itself. A page that failed is not.
func (v *visit) plainly() bool {
	program := v.run.programs[v.page.Template]
	return program != nil && program.PlainExpression != "" && !v.alone && !v.held && v.page.Attempts == 0 &&
		v.run.site.Keep == sites.KeepNone && !v.run.options.HoldDocuments && v.turn.trusted()
}

// takePlain takes the items of a page whose status is not known. It is not done where the page came with a status
// other than 200 that is no fault.
func (v *visit) takePlain(ctx context.Context, program *pageProgram) (done bool, err error) {
	began := time.Now()
	raw, err := v.lease.Extract(ctx, program.PlainExpression)
	if err != nil {
		v.result.Stages.Extract += time.Since(began)
		return true, fmt.Errorf("take the items: %w", err)
	}
	err = v.take(program, raw)
	v.result.Stages.Extract += time.Since(began)
	var other *sites.StatusError
	if !errors.As(err, &other) {
		v.turn.fine()
		v.turn.trust()
		return true, err
	}
	v.turn.distrust()
	if other.Status == 0 {
		return true, errUntold
	}
	err = v.judge(ctx, browser.Response{URL: v.lease.URL(), Status: other.Status})
	return err != nil, err
}

// navigate asks for the page and judges the answer, as far as it is known.
func (v *visit) navigate(ctx context.Context) error {
	response, err := v.lease.Navigate(ctx, v.page.URL)
	if err != nil {
		return err
	}
	v.result.Status = response.Status
	if err := v.landed(ctx, response.URL); err != nil {
		return err
	}
	if response.Status == 0 {
		return nil
	}
	return v.judge(ctx, response)
}

// judge judges an answer by its status, and notes whether the host can be expected to go on answering with pages.
func (v *visit) judge(ctx context.Context, response browser.Response) error {
	status, err := v.challenge(ctx, response)
	if err != nil {
		return err
	}
	v.result.Status = status
	if err := statusFault(status, retryAfter(response.Header, time.Now())); err != nil {
		v.turn.distrust()
		return err
	}
	v.turn.fine()
	if status == http.StatusOK {
		v.turn.trust()
	}
	return nil
}

// statusFault is the fault that a status is; nil for one that is none.
func statusFault(status int, after time.Duration) error {
	class := ClassHTTP
	switch {
	case status < 400:
		return nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		class = ClassBlocked
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		class = ClassBusy
	}
	text := http.StatusText(status)
	if text == "" {
		text = "no status that is known"
	}
	return &fault{class: class, status: status, retryAfter: after, err: fmt.Errorf("the server answers %d %s", status, text)}
}

// errElsewhere is why a page is not taken whose redirect leaves what the site follows.
var errElsewhere = errors.New("redirected to a page that the site does not follow")

// landed checks where redirects led: not out of the site, not to what robots.txt
// forbids, and not to another page of the run, whose items would be taken twice.
func (v *visit) landed(ctx context.Context, final string) error {
	key, err := v.run.site.Canonical(final, nil)
	if err != nil {
		return &fault{class: ClassType, err: fmt.Errorf("%w: %s: %w", errElsewhere, final, err)}
	}
	v.result.FinalURL = key
	if key == v.page.Key {
		return nil
	}
	u, err := url.Parse(key)
	if err != nil {
		return fmt.Errorf("read the URL of page %s: %w", key, err)
	}
	if ok, reason := v.run.site.MayFollow(u); !ok {
		err := fmt.Errorf("%w: %s (%s)", errElsewhere, key, reason)
		if v.page.Parent == "" {
			err = fmt.Errorf("%w; start there, or allow it under follow.origins", err)
		}
		return &fault{class: ClassNone, err: err}
	}
	if err := v.run.allowed(ctx, u); err != nil {
		return fmt.Errorf("redirected to %s: %w", key, err)
	}
	v.run.mu.Lock()
	defer v.run.mu.Unlock()
	if v.page.landed != key {
		if !v.run.frontier.claim(key) {
			return &fault{class: ClassNone, err: fmt.Errorf("%w %s, to which it redirects", errSame, key)}
		}
		v.page.landed = key // a second try at this page may land there again
	}
	return nil
}

// take reads what the program returned.
func (v *visit) take(program *pageProgram, raw json.RawMessage) error {
	final := v.lease.URL()
	extract, err := program.Decode(raw, sites.PageInfo{URL: final, Now: v.result.Started})
	var selectorErr *sites.SelectorError
	if err != nil && !errors.As(err, &selectorErr) {
		return waitFault(err)
	}
	v.result.Title, v.result.Bytes = extract.Title, extract.Bytes
	v.result.Stages.Wait += extract.Waited // the program waits itself, before it takes anything
	v.result.Stages.Extract -= extract.Waited
	if v.result.Status == 0 {
		v.result.Status = extract.Status
	}
	if extract.Bytes > v.run.limits.pageSize {
		return fmt.Errorf("%w: %d bytes, the limit is %d", browser.ErrTooLarge, extract.Bytes, v.run.limits.pageSize)
	}
	v.result.Items, v.links = extract.Items, extract.Links
	if selectorErr != nil { // the rest of the page was taken all the same
		extract.Faults = append(extract.Faults, sites.ItemFault{Class: sites.FaultInvalid, Message: selectorErr.Error()})
	}
	return v.itemFaults(extract.Faults, len(program.template.Items) > 0)
}

// itemFaults counts what could not be taken. A page that gives no item because of it has
// failed; others are done, with the class of the worst.
func (v *visit) itemFaults(faults []sites.ItemFault, wanted bool) error {
	if len(faults) == 0 {
		return nil
	}
	v.result.Faults = faults
	first := faults[0]
	for _, f := range faults {
		v.faults = append(v.faults, Class(f.Class))
		if Class(f.Class) == ClassMissing && Class(first.Class) != ClassMissing {
			first = f
		}
	}
	err := errors.New(FaultText(first))
	if more := len(faults) - 1; more > 0 {
		err = fmt.Errorf("%w (and %d more)", err, more)
	}
	if wanted && len(v.result.Items) == 0 {
		return &fault{class: Class(first.Class), err: err}
	}
	v.result.Class, v.result.Error = Class(first.Class), bounded(err.Error())
	return nil
}

// FaultText says in one line what is wrong with a page's data, and where.
func FaultText(f sites.ItemFault) string {
	switch {
	case f.Kind == "":
		return f.Message
	case f.Field == "":
		return f.Kind + ": " + f.Message
	}
	return f.Kind + ", field " + f.Field + ": " + f.Message
}
