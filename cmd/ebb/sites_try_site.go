package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
)

// trySite prints what a site's template takes from a page.
func (a *app) trySite(ctx context.Context, address string, o *tryOptions) error {
	picked, err := a.pickSites([]string{o.site})
	if err != nil {
		return err
	}
	site := picked[0]
	page, err := o.sitePage(site, address)
	if err != nil {
		return err
	}
	a.noteForeign(site, page.Key)
	alone := *site
	alone.Follow.Origins = append(site.Origins(), site.Follow.Origins...)
	alone.Limits.Pages = max(alone.Limits.Pages, maxTryLinks)
	result, err := a.tryPage(ctx, alone, page)
	if err != nil {
		return err
	}
	if o.format == "jsonl" {
		err = a.writeItems(result.page)
	} else {
		err = o.showSite(a.out(), result)
	}
	if err == nil && result.page.State != crawl.PageDone {
		err = fmt.Errorf("%s: %s", page.URL, result.page.Error)
	}
	return err
}

// maxTryLinks is at least how many links of the page are told.
const maxTryLinks = 10_000

// sitePage is the page with the template named, or with the one for its URL.
func (o *tryOptions) sitePage(site *sites.Site, address string) (crawl.PageRef, error) {
	page, err := pageRef(site, address, o.template)
	if err != nil {
		return page, err
	}
	u, err := url.Parse(page.Key)
	if err != nil {
		return page, withCode(exitUsage, err)
	}
	template := site.TemplateFor(u, o.template)
	names := templateNames(site)
	switch {
	case o.template != "" && (template == nil || template.Name != o.template):
		message := fmt.Sprintf("site %s has no template %q", site.Name, o.template)
		if near := nearest(o.template, names); near != "" {
			message += "; did you mean " + near + "?"
		} else {
			message += "; it has " + strings.Join(names, ", ")
		}
		return page, usageErrorf("%s", message)
	case template == nil:
		return page, usageErrorf("no template of site %s matches %s; name one of %s with --template",
			site.Name, page.Key, strings.Join(names, ", "))
	}
	page.Template = template.Name
	return page, nil
}

// noteForeign says when the site's own runs would not visit the page.
func (a *app) noteForeign(site *sites.Site, key string) {
	u, err := url.Parse(key)
	if err != nil {
		return
	}
	if ok, why := site.MayFollow(u); !ok {
		fmt.Fprintf(a.stderr, "note: runs of site %s do not visit this page: %s\n", site.Name, output.CleanLine(why))
	}
}

func (a *app) writeItems(page crawl.PageResult) error {
	records, err := output.NewRecords(a.out(), output.RecordOptions{})
	if err != nil {
		return err
	}
	for _, item := range page.Items {
		record := output.Record{Head: []output.HeadField{
			{Name: "kind", Value: item.Kind},
			{Name: "key", Value: item.Key},
			{Name: "url", Value: firstText(page.FinalURL, page.URL)},
		}, Data: item.Data}
		if err := records.Write(record); err != nil {
			return err
		}
	}
	return records.Close()
}

// showSite prints items, links and faults for a person.
func (o *tryOptions) showSite(out output.Terminal, result tried) error {
	text := &outline{out: out}
	page := result.page
	addPage(text, page)
	for i, item := range page.Items[:o.shown(len(page.Items))] {
		text.line("")
		text.add(0, 5, fmt.Sprintf("%3d", i+1), item.Kind+", key: "+keyText(item))
		o.addItem(text, item)
	}
	text.add(0, 0, "", o.moreText(len(page.Items)))
	if len(page.Found) > 0 {
		text.line("")
	}
	for _, link := range page.Found[:o.shown(len(page.Found))] {
		text.add(2, linkLabels(page.Found), firstText(link.Template, "-"), "→ "+link.URL)
	}
	text.add(2, 0, "", o.moreText(len(page.Found)))
	text.line("")
	text.line(paint(out, styleBold, siteVerdict(result)))
	for _, fault := range page.Faults {
		text.addStyled(styleWarn, 0, 7, "fault", crawl.FaultText(fault))
	}
	return text.write()
}

// keyText is an item's key; a hash says nothing to a person.
func keyText(item sites.Item) string {
	if item.Key == item.Hash {
		return "its content"
	}
	return quoted(item.Key, 60)
}

// linkLabels is the width of the links' templates.
func linkLabels(links []crawl.PageRef) int {
	longest := 1
	for _, link := range links {
		longest = max(longest, len(link.Template))
	}
	return longest + 1
}

func siteVerdict(result tried) string {
	page := result.page
	parts := []string{
		"template " + page.Template,
		plural(len(page.Items), "item"),
		plural(len(page.Found), "link") + " to follow",
	}
	if page.Duplicates > 0 {
		parts = append(parts, fmt.Sprintf("%d to the page itself", page.Duplicates))
	}
	if result.summary.Refused > 0 {
		parts = append(parts, fmt.Sprintf("%d that the site's rules refuse", result.summary.Refused))
	}
	return strings.Join(parts, ", ")
}

// addItem writes the fields of an item, in their order.
func (o *tryOptions) addItem(text *outline, item sites.Item) {
	names, values, err := itemFields(item.Data)
	if err != nil {
		text.add(5, 0, "", string(item.Data))
		return
	}
	longest := 0
	for _, name := range names {
		longest = max(longest, len(name))
	}
	labels := min(longest, 20) + 2
	for i, name := range names {
		text.add(5, labels, name, o.limit(text.out, values[i], 5+labels))
	}
}

// itemFields are the members of an item's object, in their order.
func itemFields(data json.RawMessage) (names, values []string, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if _, err := decoder.Token(); err != nil {
		return nil, nil, err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, nil, err
		}
		names, values = append(names, fmt.Sprint(name)), append(values, string(value))
	}
	return names, values, nil
}
