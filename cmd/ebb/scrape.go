package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/report"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

func newScrapeCommand(a *app) *cobra.Command {
	var format string
	var cleanup cleanupFlag
	cmd := &cobra.Command{
		Use:   "scrape SITE|FILE|URL",
		Short: "Run one site once and print its items",
		Long: `Run one site once: a site of the configuration by its name, a site file by its path,
or a single page by its URL (then its title, description, headings and JSON-LD are
taken, and nothing is kept).

The items go to standard output as their pages are stored; progress, the log and the
memory table go to standard error.`,
		Example: `  ebb scrape shop
  ebb scrape sites/examples/postgresql-doc.yaml > manual.jsonl
  ebb scrape https://example.com --format table`,
		Args: oneArgument("a site, a site file or a URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			form, err := output.ParseFormat(format)
			if err != nil {
				return usageErrorf("%w", err)
			}
			cleaned, err := cleanup.parse()
			if err != nil {
				return err
			}
			return a.stoppable(cmd.Context(), func(ctx context.Context, stop *stopper) error {
				return a.scrape(ctx, stop, args[0], form, cleaned)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", string(output.FormatJSONL), "`format` of the items: jsonl, csv or table")
	cleanup.add(cmd)
	return cmd
}

func (a *app) scrape(ctx context.Context, stop *stopper, what string, format output.Format, cleanup sites.Cleanup) (err error) {
	site, passing, err := a.siteOf(what)
	if err != nil {
		return err
	}
	o := rigOptions{sites: []*sites.Site{site}, cleanup: cleanup, stop: stop, ahead: true, retries: promptRetries()}
	if passing {
		kept, tempErr := newTemporary("ebb-scrape-")
		if tempErr != nil {
			return tempErr
		}
		defer func() { err = errors.Join(err, kept.remove()) }()
		o.database, o.recordings = filepath.Join(kept.path, "ebb.db"), kept.path
	}
	records, err := output.NewRecords(a.out(), output.RecordOptions{Format: format, Columns: columnsOf(site, format)})
	if err != nil {
		return err
	}
	p := &printer{records: records, table: format == output.FormatTable, seen: map[[2]string]bool{}}
	var summary memprof.Summary
	o.onItems = p.page
	o.onEnd = func(_ queue.Ended, memory memprof.Summary) { summary = memory }
	return a.withRig(ctx, o, func(ctx context.Context, r *rig) error {
		runs, err := r.worker.Once(ctx, site.Name)
		if err != nil {
			return errors.Join(err, p.records.Close())
		}
		// Another process on the same database may have done the work.
		if err := errors.Join(p.rest(ctx, r.store, runs[0]), p.err, p.records.Close()); err != nil {
			return fmt.Errorf("print the items: %w", err)
		}
		r.board.progress.Close()
		printRun(a.err(), runs[0])
		if len(summary.Phases) > 0 {
			fmt.Fprintln(a.stderr)
			if err := report.CycleTable(a.stderr, summary, a.err().Width); err != nil {
				return err
			}
		}
		return runError(runs[0])
	})
}

// siteOf finds what a person named: a URL, a site file, or a site of the
// configuration. passing says that nothing of it is to be kept.
func (a *app) siteOf(what string) (site *sites.Site, passing bool, err error) {
	if strings.HasPrefix(what, "http://") || strings.HasPrefix(what, "https://") {
		site, err = pageSite(what)
		return site, true, err
	}
	if scheme, _, found := strings.Cut(what, "://"); found {
		return nil, false, usageErrorf("%s: there is no scraping of %s; http and https only", what, scheme)
	}
	info, statErr := os.Stat(what)
	if statErr == nil && !info.IsDir() {
		site, err = sites.Load(what)
		return site, false, withCode(exitUsage, err)
	}
	if strings.ContainsAny(what, "/.") {
		if statErr == nil {
			return nil, false, usageErrorf("%s is a folder; name one of its site files", what)
		}
		return nil, false, usageErrorf("there is no site file %s", what)
	}
	all, err := a.siteFiles(nil)
	for _, s := range all {
		if s.Name == what {
			return s, false, nil
		}
	}
	if err != nil {
		return nil, false, err
	}
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return nil, false, usageErrorf("there is no site %q: no site file was found; name a file, or its folder with --sites", what)
	}
	return nil, false, usageErrorf("there is no site %q; there are: %s", what, strings.Join(names, ", "))
}

// pageSite is a site of one page, for a URL that no site file is about.
func pageSite(address string) (*sites.Site, error) {
	if _, err := url.Parse(address); err != nil {
		return nil, usageErrorf("%w", err)
	}
	depth := 0
	site := sites.New("page", address)
	site.Limits.Pages, site.Limits.Depth = 1, &depth
	site.Templates = []sites.Template{{
		Name: "page", Wait: []sites.Wait{{Event: sites.WaitLoad}},
		Items: []sites.ItemRule{{Fields: []sites.Field{
			{Name: "title", Source: sites.Source{CSS: "title"}},
			{Name: "description", Source: sites.Source{CSS: `meta[name="description"]`}, Attr: "content"},
			{Name: "headings", Source: sites.Source{CSS: "h1, h2"}, Many: true},
			{Name: "json_ld", Source: sites.Source{CSS: `script[type="application/ld+json"]`}, Many: true, Type: sites.TypeJSON},
			{Name: "links", Source: sites.Source{CSS: "a[href]"}, Attr: "href", Many: true, Type: sites.TypeURL},
		}}},
	}}
	if err := site.Complete(); err != nil {
		return nil, withCode(exitUsage, err)
	}
	return site, nil
}

// columnsOf are the fields of a site whose items are all of one kind: they can be
// written as rows as they come.
func columnsOf(site *sites.Site, format output.Format) []string {
	if format == output.FormatJSONL {
		return nil
	}
	var columns []string
	rules := 0
	for _, t := range site.Templates {
		for _, rule := range t.Items {
			rules++
			for _, f := range rule.Fields {
				columns = append(columns, f.Name)
			}
		}
	}
	if rules != 1 {
		return nil
	}
	return columns
}

// printer prints each item once, as its page is stored.
type printer struct {
	mu      sync.Mutex // owns what follows
	records output.Records
	table   bool
	seen    map[[2]string]bool
	err     error
}

func (p *printer) page(site string, _ int64, page crawl.PageResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, item := range page.Items {
		p.print(site, item, page.FinalURL, page.Started)
	}
}

// print prints an item. The caller holds mu.
func (p *printer) print(site string, item sites.Item, page string, at time.Time) {
	key := [2]string{item.Kind, item.Key}
	if p.err != nil || p.seen[key] {
		return
	}
	p.seen[key] = true
	head := []output.HeadField{{Name: "kind", Value: item.Kind}, {Name: "key", Value: item.Key}}
	if !p.table {
		head = slices.Insert(head, 0, output.HeadField{Name: "site", Value: site})
		head = append(head, output.HeadField{Name: "url", Value: page}, output.HeadField{Name: "scraped_at", Value: at.UTC().Format(time.RFC3339)})
	}
	p.err = p.records.Write(output.Record{Head: head, Data: item.Data})
}

// rest prints the items of a run that this process did not see being stored.
func (p *printer) rest(ctx context.Context, s *store.Store, run store.Run) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for item, err := range s.Items(ctx, store.ItemFilter{Site: run.Site, Run: run.ID}) {
		if err != nil {
			return err
		}
		p.print(item.Site, sites.Item{Kind: item.Kind, Key: item.Key, Data: item.Data}, item.URL, item.LastSeen)
	}
	return nil
}

// printRun says in one line what came of a run.
func printRun(out output.Terminal, run store.Run) {
	took := run.Finished.Sub(run.Started)
	fmt.Fprintf(out, "%s: %s, %s in %s", run.Site, run.State, output.Counted(int64(run.Pages.Done), "page", "pages"), output.Duration(took))
	if n := run.Pages.Failed; n > 0 {
		fmt.Fprintf(out, ", %s failed", output.Count(int64(n)))
	}
	if n := run.Pages.Skipped; n > 0 {
		fmt.Fprintf(out, ", %s skipped", output.Count(int64(n)))
	}
	if n := run.Killed; n > 0 {
		fmt.Fprintf(out, ", %s killed for want of memory", output.Counted(int64(n), "page was", "pages were"))
	}
	i := run.Items
	fmt.Fprintf(out, "; %s: %s new, %s changed, %s as before\n", output.Counted(int64(i.New+i.Changed+i.Same), "item", "items"),
		output.Count(int64(i.New)), output.Count(int64(i.Changed)), output.Count(int64(i.Same)))
	if run.Error != "" {
		fmt.Fprintf(out, "  %s: %s\n", run.Class, output.CleanLine(run.Error))
	}
}

// runError is the error of a run that did not succeed.
func runError(run store.Run) error {
	switch {
	case run.State == store.RunDone:
		return nil
	case run.State == store.RunFailed && run.Class == crawl.ClassBrowser && strings.Contains(run.Error, "no usable Chrome"):
		return withCode(exitNoBrowser, fmt.Errorf("the run of %s failed: %s", run.Site, output.CleanLine(run.Error)))
	}
	return fmt.Errorf("the run of %s is %s; `ebb runs show %d` lists its pages", run.Site, run.State, run.ID)
}
