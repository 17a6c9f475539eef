package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Truth is one item that a run over the demo's own site files must yield.
type Truth struct {
	// Site is the site's name, Kind the item rule's, Key the item's key.
	Site, Kind, Key string
	// Data are the item's fields as a JSON object, in the order of the site file.
	Data json.RawMessage
}

// Truth is every item of both sites that are served at baseURL, as they are now: each
// exactly once, in the order shop before news, and within a site by page.
func (s *Server) Truth(baseURL string) []Truth {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Truth
	add := func(site, kind, key string, fields any) {
		all = append(all, Truth{site, kind, key, plainJSON(fields)})
	}
	for _, c := range s.shop.categories {
		add("shop", "category", c.Name, categoryTruth{c.Name, baseURL + c.Path(1), len(c.Products)})
	}
	for _, c := range s.shop.categories {
		for _, p := range c.Products {
			add("shop", "product", p.SKU, truthOfProduct(p, baseURL))
		}
	}
	for _, desk := range s.paper.sections {
		add("news", "section", desk.Name, sectionTruth{desk.Name, baseURL + desk.Path(1)})
	}
	for _, desk := range s.paper.sections {
		for _, a := range desk.Articles {
			add("news", "article", a.ID, truthOfArticle(a, baseURL))
		}
	}
	return all
}

// The fields of the items, in the order of the site files.
type (
	categoryTruth struct {
		Name     string `json:"name"`
		URL      string `json:"url"`
		Products int    `json:"products"`
	}
	productTruth struct {
		SKU         string         `json:"sku"`
		Name        string         `json:"name"`
		Brand       string         `json:"brand"`
		Released    string         `json:"released"`
		WeightGrams int            `json:"weight_grams"`
		Category    string         `json:"category"`
		GTIN        string         `json:"gtin"`
		Description string         `json:"description"`
		Image       string         `json:"image"`
		Features    []featureTruth `json:"features"`
		Price       json.Number    `json:"price"`
		Currency    string         `json:"currency"`
		Stock       int            `json:"stock"`
		Reviews     []review       `json:"reviews"`
		URL         string         `json:"url"`
	}
	featureTruth struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	sectionTruth struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	articleTruth struct {
		ID              string      `json:"id"`
		Tags            []string    `json:"tags"`
		Exclusive       bool        `json:"exclusive"`
		Headline        string      `json:"headline"`
		Kicker          string      `json:"kicker"`
		Author          string      `json:"author"`
		Published       string      `json:"published"`
		Lead            string      `json:"lead"`
		Paragraphs      []string    `json:"paragraphs"`
		Readers         int         `json:"readers"`
		FinishedPercent json.Number `json:"finished_percent"`
		Image           string      `json:"image"`
		Comments        []comment   `json:"comments"`
		URL             string      `json:"url"`
	}
)

func truthOfProduct(p *product, baseURL string) productTruth {
	truth := productTruth{
		SKU: p.SKU, Name: p.Name, Brand: p.Brand, Released: p.Released, WeightGrams: p.WeightGrams,
		Category: p.Category.Name, GTIN: p.GTIN, Description: p.Description, Image: baseURL + p.Image(),
		Features: []featureTruth{}, Price: decimal(p.Cents, 2), Currency: "EUR", Stock: p.Stock,
		Reviews: append([]review{}, p.Reviews...), URL: baseURL + p.Path(),
	}
	for _, f := range p.Features {
		truth.Features = append(truth.Features, featureTruth(f))
	}
	return truth
}

func truthOfArticle(a *article, baseURL string) articleTruth {
	return articleTruth{
		ID: a.ID, Tags: a.Tags, Exclusive: a.Exclusive, Headline: a.Headline, Kicker: a.Kicker, Author: a.Author,
		Published: a.Published.UTC().Format(time.RFC3339), Lead: a.Lead, Paragraphs: a.Paragraphs,
		Readers: a.Readers, FinishedPercent: decimal(a.Share, 1), Image: baseURL + a.Image(),
		Comments: append([]comment{}, a.Comments...), URL: baseURL + a.Path(),
	}
}

// decimal is an integer with the point some digits from its end, and without zeros
// that say nothing: 129900, 2 is 1299.
func decimal(n, digits int) json.Number {
	whole, unit := n, 1
	for range digits {
		unit *= 10
	}
	whole /= unit
	fraction := fmt.Sprintf("%0*d", digits, n%unit)
	if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
		return json.Number(fmt.Sprint(whole))
	}
	return json.Number(fmt.Sprintf("%d.%s", whole, fraction))
}

// plainJSON is JSON without the escapes for HTML.
func plainJSON(value any) json.RawMessage {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("write an item of the demo: " + err.Error()) // plain values of our own
	}
	return bytes.TrimSpace(data.Bytes())
}
