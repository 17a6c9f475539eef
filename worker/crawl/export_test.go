package crawl

import (
	"context"
	"encoding/json"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// Tab is a tab of a test's own.
type Tab = tab

// lend makes a lender of a function.
type lend func() Tab

func (l lend) lend(context.Context, browser.LeaseOptions) (tab, error) { return l(), nil }

// Acquire is never called: the run borrows by lend.
func (l lend) Acquire(context.Context, browser.LeaseOptions) (*browser.Lease, error) { return nil, nil }

func (l lend) EndRun(context.Context, string) error { return nil }

// RunWithTabs is Run with tabs of a test's own.
func RunWithTabs(ctx context.Context, options Options, tabs func() Tab) (Summary, error) {
	options.Tabs = lend(tabs)
	r, err := newRun(options)
	if err != nil {
		return Summary{}, err
	}
	r.lender = lend(tabs)
	return r.run(ctx)
}

// Decoder returns what reads the results of a site's only template.
func Decoder(site *sites.Site) (func(raw json.RawMessage, page sites.PageInfo) (sites.Extract, error), error) {
	programs, err := compile(site)
	if err != nil {
		return nil, err
	}
	program := programs[site.Templates[0].Name]
	return func(raw json.RawMessage, page sites.PageInfo) (sites.Extract, error) {
		return program.Decode(raw, page)
	}, nil
}
