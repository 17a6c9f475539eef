package bench

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/demo"
)

// Job is what each arm does: the same pages of the demo shop, of which is known what they hold.
type Job struct {
	// Site has the pages as its start; no link is followed.
	Site *sites.Site
	// truth are the items of each page, by kind and key.
	truth map[string]map[string]json.RawMessage
}

// Page is what was taken from a page.
type Page struct {
	URL   string
	Items []sites.Item
}

// MostPages is how many pages the demo shop has as it is. A job with more makes it larger.
const MostPages = 199

// ShopProducts is how large the demo shop must be for a job of so many pages, as demo.Options has it.
func ShopProducts(pages int) int {
	if pages <= MostPages {
		return 0
	}
	return demo.ProductsFor(pages)
}

// A list of the shop has so many products.
const listProducts = 10

// NewJob is the first pages of the demo shop that is served at base, which is as large as ShopProducts
// says, with as many of them open at once as concurrency says.
func NewJob(base string, pages, concurrency int) (*Job, error) {
	shop := demo.New(demo.Options{Products: ShopProducts(pages)}) // the same content as that which is served
	site, err := sites.Parse("shop.yaml", shop.SiteFiles(base)["shop.yaml"])
	if err != nil {
		return nil, err
	}
	home := site.Start[0]
	j := &Job{Site: site, truth: map[string]map[string]json.RawMessage{home: {}}}
	order, err := j.read(shop.Truth(base), home)
	if err != nil {
		return nil, err
	}
	if pages < 1 || pages > len(order) {
		return nil, fmt.Errorf("the demo shop has %d pages, not %d", len(order), pages)
	}
	site.Start, site.Schedule = slices.Clip(order[:pages]), ""
	site.Limits.Pages, site.Timeout = max(site.Limits.Pages, pages), max(site.Timeout, sites.Duration(RoundTimeout(pages)))
	site.Limits.Tabs, site.Limits.PerHost = concurrency, concurrency
	site.Limits.Depth, site.Limits.Retries = new(0), new(0)
	for _, template := range site.Templates {
		for i := range template.Links {
			template.Links[i].Pagination = false // which has no depth
		}
	}
	return j, nil
}

// read notes what each page holds, and returns the pages in the order in which a crawl comes to them.
func (j *Job) read(truth []demo.Truth, home string) ([]string, error) {
	type category struct {
		url      string
		products []string
	}
	var categories []*category
	byName := map[string]*category{}
	for _, t := range truth {
		var data struct{ URL, Category string }
		if err := json.Unmarshal(t.Data, &data); err != nil {
			return nil, fmt.Errorf("read what the demo shop holds: %w", err)
		}
		switch t.Kind {
		case "category": // they stand on the home page
			j.truth[home][itemName(t.Kind, t.Key)] = t.Data
			byName[t.Key] = &category{url: data.URL}
			categories = append(categories, byName[t.Key])
		case "product":
			j.truth[data.URL] = map[string]json.RawMessage{itemName(t.Kind, t.Key): t.Data}
			byName[data.Category].products = append(byName[data.Category].products, data.URL)
		}
	}
	order := []string{home}
	for _, c := range categories {
		list := 0
		for products := range slices.Chunk(c.products, listProducts) {
			list++
			at := c.url
			if list > 1 {
				at = fmt.Sprintf("%s?page=%d", c.url, list)
			}
			order = append(append(order, at), products...)
		}
	}
	return order, nil
}

func itemName(kind, key string) string { return kind + " " + key }

// Check compares what was taken with what the pages hold, and counts it. Each page must have been visited
// once.
func (j *Job) Check(taken []Page) (items int, wrong []string) {
	c := j.Begin()
	for _, page := range taken {
		c.Page(page)
	}
	return c.End()
}
