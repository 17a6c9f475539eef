package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
	"github.com/ebbworker/ebb/sites/leaky"
	"github.com/ebbworker/ebb/worker/crawl"
)

// soakPage is a site of a soak: the items that it holds, or how its runs fail.
type soakPage struct {
	// key is the field that names an item; items holds the data of each, nil where only the key is known.
	key   string
	items map[string]json.RawMessage
	fails []crawl.Class
}

// soakLeaks are the leaky pages of a soak, each with its isolation. They leak in each run, into the browser
// context of the run, or into what runs share.
var soakLeaks = []struct {
	name      string
	isolation sites.Isolation
}{
	{"array-buffers", sites.IsolationContext},
	{"array-buffers-clean", sites.IsolationContext},
	{"detached-nodes", sites.IsolationContext},
	{"event-listeners", sites.IsolationTab},
	{"event-listeners-clean", sites.IsolationTab},
	{"blob-urls", sites.IsolationContext},
	{"service-worker-memory", sites.IsolationContext},
	{"indexed-db", sites.IsolationTab},
	{"indexed-db-clean", sites.IsolationTab},
	{"console", sites.IsolationPage},
}

// soakOwn are pages of our own: one that leaves a window open, and pages that fail, since what a worker
// keeps of runs that fail is seen only where some do.
var soakOwn = []struct {
	name, path, file string
	refused          bool
	fails            []crawl.Class
}{
	{"windows", "/windows", "isolation: context", false, nil},
	{"faulty", "/faulty", "isolation: tab\nrobots: ignore", false, []crawl.Class{crawl.ClassHTTP, crawl.ClassMissing, crawl.ClassScript, crawl.ClassBlocked}},
	{"late", "/late", "isolation: context", false, []crawl.Class{crawl.ClassTimeout}},
	{"refused", "/", "isolation: tab\nrobots: ignore", true, []crawl.Class{crawl.ClassConnect}},
	{"down", "/", "isolation: tab", true, []crawl.Class{crawl.ClassConnect}}, // by its robots.txt, without Chrome
}

// soakOwnFile is the site file of such a page.
const soakOwnFile = `name: %s
start: %s
%s
limits: {rate: none, retries: 0, page_timeout: %s}
templates:
- name: page
  steps: [{evaluate: "check()"}]
  items:
  - fields: {title: {css: h1, required: true}}
`

// soakProducts is how many products of the demo shop a cycle visits.
const soakProducts = 4

// soakSites are the sites of a soak, in the order in which they are asked for, with what their pages hold.
func soakSites(bases soakBases) ([]*sites.Site, *soakTruth, error) {
	truth := newSoakTruth()
	shop, err := soakShop(bases.Demo, truth)
	if err != nil {
		return nil, nil, err
	}
	list := []*sites.Site{shop}
	pages := leaky.New(leaky.Options{})
	for _, l := range soakLeaks {
		site, err := sites.Parse(l.name+".yaml", pages.SiteFile(l.name, bases.Leaky))
		if err != nil {
			return nil, nil, err
		}
		site.Keep, site.Isolation = sites.KeepNone, l.isolation
		list = append(list, site)
		truth.pages[l.name] = soakPage{key: "case", items: map[string]json.RawMessage{l.name: nil}}
	}
	for _, f := range soakOwn {
		base, limit := bases.Faulty, "30s"
		if f.refused {
			base = bases.Refused
		}
		if f.name == "late" {
			limit = "100ms"
		}
		site, err := sites.Parse(f.name+".yaml", fmt.Appendf(nil, soakOwnFile, f.name, base+f.path, f.file, limit))
		if err != nil {
			return nil, nil, err
		}
		list = append(list, site)
		truth.pages[f.name] = soakPage{fails: f.fails}
		if f.fails == nil {
			truth.pages[f.name] = soakPage{key: "title", items: map[string]json.RawMessage{f.name: nil}}
		}
	}
	return list, truth, nil
}

// soakShop is the demo shop, of which a few products are visited.
func soakShop(base string, truth *soakTruth) (*sites.Site, error) {
	server := demo.New(demo.Options{}) // the same content as that which is served
	site, err := sites.Parse("shop.yaml", server.SiteFiles(base)["shop.yaml"])
	if err != nil {
		return nil, err
	}
	page := soakPage{key: "sku", items: map[string]json.RawMessage{}}
	var start []string
	for _, t := range server.Truth(base) {
		var product struct{ SKU, URL string }
		if t.Kind != "product" || json.Unmarshal(t.Data, &product) != nil || len(start) == soakProducts {
			continue
		}
		start = append(start, product.URL)
		page.items[product.SKU] = t.Data
	}
	site.Start, site.Schedule = slices.Clip(start), ""
	truth.pages[site.Name] = page
	return site, nil
}
