package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// bare is the limit: tabs that are used again and again, and for each page one Page.navigate and one
// Runtime.evaluate, which waits and takes. No domain is enabled, no event is read. Garbage is collected as
// often as Ebb has it collected: pages are the cheaper for it.
type bare struct {
	BareOptions
	chrome *browser.Raw
	pipe   *pipe
	tabs   []*bareTab
	visits []bareVisit
	ended  sync.WaitGroup // of the reader
}

// BareOptions say how the loop goes.
type BareOptions struct {
	// Launch starts Chrome. Its Path must be set.
	Launch browser.LaunchOptions
	// Job is what is visited. Needed.
	Job *Job
	// Collect is after how many pages the garbage of a tab is collected. Default: 0, never.
	Collect int
	// Viewport is that of Arm. Default: "", Chrome's window.
	Viewport string
}

// bareTab is a tab of the loop. Who is at work with it has it.
type bareTab struct {
	session  string
	renderer int // the pid; 0 while it is not known
}

// bareVisit is a page with all that can be made ready before the clock runs.
type bareVisit struct {
	url, navigate, evaluate string
	program                 *sites.Program
}

// Bounds of what the bare loop waits for.
const (
	barePage  = 30 * time.Second
	bareStart = 30 * time.Second
	bareMoves = 10 // how often a document may be replaced under the evaluation
)

// NewBare starts Chrome and opens the tabs. close must be called.
func NewBare(ctx context.Context, o BareOptions) (arm Runner, closeArm func() error, err error) {
	b := &bare{BareOptions: o}
	if err := b.compile(); err != nil {
		return nil, nil, err
	}
	if b.chrome, err = browser.StartRaw(b.Launch); err != nil {
		return nil, nil, err
	}
	b.pipe = newPipe(b.chrome.In)
	b.ended.Go(func() { b.pipe.run(b.chrome.Out) })
	closeArm = func() error {
		err := b.chrome.Close()
		b.ended.Wait()
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bareStart)
	defer cancel()
	for range b.Job.Site.Limits.Tabs {
		session, err := b.open(ctx)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%w: %w", browser.ErrStart, err), closeArm())
		}
		b.tabs = append(b.tabs, &bareTab{session: session})
	}
	return b, closeArm, nil
}

// compile makes the pages ready. The expression is that of the template, held back until the document is
// the page's: Chrome answers Page.navigate a moment before, and what meets the old document fails when
// that goes.
func (b *bare) compile() error {
	programs, literals := map[*sites.Template]*sites.Program{}, map[*sites.Template]string{}
	for _, page := range b.Job.Site.Start {
		u, err := url.Parse(page)
		if err != nil {
			return err
		}
		template := b.Job.Site.TemplateFor(u, "")
		if template == nil {
			return fmt.Errorf("no template is for %s", page)
		}
		if programs[template] == nil {
			if programs[template], err = b.Job.Site.Compile(template); err != nil {
				return err
			}
			literal, err := json.Marshal(programs[template].Expression)
			if err != nil {
				return err
			}
			literals[template] = string(literal[1 : len(literal)-1])
		}
		if len(programs[template].Before) > 0 || len(template.Steps) > 0 {
			return fmt.Errorf("template %s needs more than one evaluation", template.Name)
		}
		b.visits = append(b.visits, bareVisit{
			url: page, program: programs[template], navigate: `{"url":"` + page + `"}`,
			evaluate: `{"expression":"location.href===\"` + page + `\"?` + literals[template] +
				`:new Promise(()=>{})","awaitPromise":true,"returnByValue":true}`,
		})
	}
	return nil
}

// open opens a tab.
func (b *bare) open(ctx context.Context) (session string, err error) {
	params := `{"url":"about:blank"}`
	if b.Job.Site.DrawsLazily() {
		params = `{"url":"about:blank","enableBeginFrameControl":true}` // and no frame is ever asked for
	}
	frame, err := b.pipe.call(ctx, "", "Target.createTarget", params)
	if err != nil {
		return "", err
	}
	made, err := result[struct{ TargetID string }](frame)
	if err != nil {
		return "", fmt.Errorf("open a tab: %w", err)
	}
	frame, err = b.pipe.call(ctx, "", "Target.attachToTarget", `{"targetId":"`+made.TargetID+`","flatten":true}`)
	if err != nil {
		return "", err
	}
	attached, err := result[struct{ SessionID string }](frame)
	if err != nil {
		return "", fmt.Errorf("open a tab: %w", err)
	}
	return attached.SessionID, b.resize(ctx, attached.SessionID)
}

// resize overrides the viewport of a tab, where that is asked for.
func (b *bare) resize(ctx context.Context, session string) error {
	if b.Viewport == "" {
		return nil
	}
	width, height, _ := strings.Cut(b.Viewport, "x")
	params := `{"width":` + width + `,"height":` + height + `,"deviceScaleFactor":1,"mobile":false}`
	frame, err := b.pipe.call(ctx, session, "Emulation.setDeviceMetricsOverride", params)
	if err == nil {
		_, err = result[struct{}](frame)
	}
	if err != nil {
		return fmt.Errorf("make a viewport of %q: %w", b.Viewport, err)
	}
	return nil
}

// Round visits all pages.
func (b *bare) Round(ctx context.Context) (Round, error) {
	taken := make([]Page, len(b.visits))
	stages, errs := make([]Stages, len(b.tabs)), make([]error, len(b.tabs))
	var next atomic.Int64
	var working sync.WaitGroup
	began := time.Now()
	for i, tab := range b.tabs {
		stages, failed := &stages[i], &errs[i]
		working.Go(func() {
			for visited := 1; ; visited++ {
				i := int(next.Add(1)) - 1
				if i >= len(b.visits) {
					return
				}
				items, err := b.visit(ctx, tab.session, &b.visits[i], stages)
				if err == nil && b.Collect > 0 && visited%b.Collect == 0 {
					err = b.tidy(ctx, tab, stages)
				}
				if err != nil {
					*failed = fmt.Errorf("%s: %w", b.visits[i].url, err)
					return
				}
				taken[i] = Page{b.visits[i].url, items}
			}
		})
	}
	working.Wait()
	round := Round{Pages: len(taken), Took: time.Since(began)}
	if err := errors.Join(errs...); err != nil {
		return Round{}, err
	}
	for _, s := range stages {
		round.Stages.Navigate += s.Navigate
		round.Stages.Wait += s.Wait
		round.Stages.Extract += s.Extract
		round.Stages.Cleanup += s.Cleanup
	}
	round.Items, round.Wrong = b.Job.Check(taken)
	return round, nil
}

// evaluated is what Runtime.evaluate returns.
type evaluated struct {
	Result           struct{ Value json.RawMessage }
	ExceptionDetails *struct {
		Text      string
		Exception struct{ Description string }
	}
}

// visit takes the items of one page.
func (b *bare) visit(ctx context.Context, session string, v *bareVisit, stages *Stages) ([]sites.Item, error) {
	ctx, cancel := context.WithTimeout(ctx, barePage)
	defer cancel()
	began := time.Now()
	frame, err := b.pipe.call(ctx, session, "Page.navigate", v.navigate)
	if err != nil {
		return nil, err
	}
	navigated, err := result[struct{ ErrorText string }](frame)
	if err == nil && navigated.ErrorText != "" {
		err = errors.New(navigated.ErrorText)
	}
	if err != nil {
		return nil, err
	}
	there := time.Now()
	stages.Navigate += there.Sub(began)
	var value evaluated
	for moves := 0; ; moves++ {
		if frame, err = b.pipe.call(ctx, session, "Runtime.evaluate", v.evaluate); err != nil {
			return nil, err
		}
		if value, err = result[evaluated](frame); err == nil {
			break
		}
		if !isRefusal(err) || moves == bareMoves {
			return nil, err
		}
	}
	if ex := value.ExceptionDetails; ex != nil {
		return nil, fmt.Errorf("%s %s", ex.Text, ex.Exception.Description)
	}
	extract, err := v.program.Decode(value.Result.Value, sites.PageInfo{URL: v.url, Now: began})
	if err != nil {
		return nil, err
	}
	stages.Wait += extract.Waited
	stages.Extract += time.Since(there) - extract.Waited
	return extract.Items, nil
}

// tidy has V8 collect the garbage of a tab once, as Ebb does, and where Ebb does.
func (b *bare) tidy(ctx context.Context, tab *bareTab, stages *Stages) error {
	ctx, cancel := context.WithTimeout(ctx, barePage)
	defer cancel()
	began := time.Now()
	defer func() { stages.Cleanup += time.Since(began) }()
	if err := b.findRenderer(ctx, tab); err != nil {
		return err
	}
	if b.chrome.HoldsLittle(tab.renderer) {
		return nil
	}
	_, err := b.pipe.send(nil, tab.session, "HeapProfiler.startSampling", `{"samplingInterval":1073741824,"stackDepth":1}`)
	var frame []byte
	if err == nil {
		frame, err = b.pipe.call(ctx, tab.session, "HeapProfiler.stopSampling", `{}`)
	}
	if err == nil {
		_, err = result[struct{}](frame)
	}
	if err != nil {
		return fmt.Errorf("collect garbage: %w", err)
	}
	return nil
}

// findRenderer asks a tab for its renderer, once: all pages are of one site, so it keeps it.
func (b *bare) findRenderer(ctx context.Context, tab *bareTab) error {
	if tab.renderer != 0 {
		return nil
	}
	_, err := b.pipe.send(nil, tab.session, "DOM.enable", `{}`)
	var frame []byte
	if err == nil {
		frame, err = b.pipe.call(ctx, tab.session, "DOM.performSearch", `{"query":"\u2063"}`)
	}
	if err == nil {
		_, err = b.pipe.send(nil, tab.session, "DOM.disable", `{}`)
	}
	var found struct{ SearchID string }
	if err == nil {
		found, err = result[struct{ SearchID string }](frame)
	}
	if err == nil {
		tab.renderer, err = b.chrome.RendererPID(found.SearchID)
	}
	if err != nil {
		return fmt.Errorf("find the renderer of a tab: %w", err)
	}
	return nil
}
