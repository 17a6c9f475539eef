package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// The shop: a home page, and for each category its lists and its products.
const (
	shopCategories   = 6
	categoryProducts = 30 // the default
	listProducts     = 10
)

// ProductsFor is the fewest products of a category with which the shop has so many pages, as
// Options.Products takes them.
func ProductsFor(pages int) int {
	products := max(1, (pages-1)/shopCategories*listProducts/(listProducts+1)-1)
	for shopPages(products) < pages {
		products++
	}
	return products
}

// shopPages is how many pages a shop has with so many products in each category.
func shopPages(products int) int { return 1 + shopCategories*(listsOf(products)+products) }

// listsOf is how many lists a category with so many products has.
func listsOf(products int) int { return (products + listProducts - 1) / listProducts }

// shop is the shop's content.
type shop struct {
	categories []*category
	products   map[string]*product // by SKU, in lower case
	featured   []*product
}

// category is one department of the shop.
type category struct {
	Slug, Name, Blurb string
	Products          []*product
}

// product is one thing for sale.
type product struct {
	SKU, Slug, Name, Brand string
	Category               *category
	Description            string
	GTIN                   string
	WeightGrams            int
	Released               string // a date, 2026-03-01
	Features               []feature
	Hue                    int
	Shape                  string

	// Live parts: a script fetches them. Server.mu owns them.
	Cents   int
	Stock   int
	Reviews []review
}

// feature is one row of a product's table.
type feature struct{ Name, Value string }

// review is what a customer said of a product.
type review struct {
	Author string `json:"author"`
	Stars  int    `json:"stars"`
	Text   string `json:"text"`
}

// pages is how many pages the shop has.
func (s *shop) pages() int { return shopPages(len(s.categories[0].Products)) }

// newShop invents the shop.
func newShop(random *rand.Rand, products int) shop {
	s := shop{products: map[string]*product{}}
	for i, words := range departments {
		c := &category{Slug: words.slug, Name: words.name, Blurb: words.blurb}
		for n := range products {
			p := newProduct(random, c, words, i, n)
			c.Products = append(c.Products, p)
			s.products[strings.ToLower(p.SKU)] = p
		}
		s.categories = append(s.categories, c)
		s.featured = append(s.featured, c.Products[random.IntN(products)])
	}
	return s
}

// newProduct invents the n-th product of a category.
func newProduct(random *rand.Rand, c *category, words department, i, n int) *product {
	noun := words.nouns[n%len(words.nouns)]
	series := seriesNames[(n/len(words.nouns)+i*2)%len(seriesNames)]
	adjective := pick(random, adjectives)
	p := &product{
		SKU:         fmt.Sprintf("%s-%03d", words.code, 101+n*7),
		Name:        fmt.Sprintf("%s %s %s", series, adjective, noun),
		Brand:       pick(random, brands),
		Category:    c,
		GTIN:        gtin(random),
		WeightGrams: 80 + random.IntN(120)*50,
		Released:    fmt.Sprintf("2026-%02d-%02d", 1+random.IntN(9), 1+random.IntN(28)),
		Hue:         random.IntN(360),
		Shape:       words.shape,
		Cents:       randomPrice(random),
		Stock:       random.IntN(60),
	}
	if n%13 == 5 { // names that try a scraper's patience
		p.Name += oddSuffixes[random.IntN(len(oddSuffixes))]
	}
	p.Slug = slug(p.Name)
	p.Description = fmt.Sprintf("%s %s %s", fmt.Sprintf(pick(random, openings), strings.ToLower(noun), p.Brand),
		pick(random, middles), pick(random, endings))
	p.Features = []feature{
		{"Material", pick(random, materials)},
		{"Colour", pick(random, colours)},
		{"Made in", pick(random, countries)},
		{"Warranty", fmt.Sprintf("%d years", 2+random.IntN(4))},
	}
	for range random.IntN(4) {
		p.Reviews = append(p.Reviews, review{pick(random, people), 2 + random.IntN(4), pick(random, opinions)})
	}
	return p
}

// drift gives a number of products another price.
func (s *shop) drift(random *rand.Rand, count int) {
	skus := make([]string, 0, len(s.products))
	for sku := range s.products {
		skus = append(skus, sku)
	}
	slices.Sort(skus)
	for _, i := range random.Perm(len(skus))[:min(count, len(skus))] {
		p := s.products[skus[i]]
		p.Cents += 100 * (1 + random.IntN(20)) // always another price
	}
}

// Path is where the product's page is.
func (p *product) Path() string { return "/shop/p/" + strings.ToLower(p.SKU) + "/" + p.Slug }

// Image is where the product's picture is.
func (p *product) Image() string { return "/shop/img/" + strings.ToLower(p.SKU) + ".svg" }

// Live is where the product's script fetches what changes often.
func (p *product) Live() string { return "/shop/api/product/" + strings.ToLower(p.SKU) }

// Price is the price as the shop writes it: €1,299.00.
func (p *product) Price() string {
	euros := p.Cents / 100
	whole := fmt.Sprint(euros)
	if euros >= 1000 {
		whole = fmt.Sprintf("%d,%03d", euros/1000, euros%1000)
	}
	return fmt.Sprintf("€%s.%02d", whole, p.Cents%100)
}

// Availability is the stock as the shop writes it.
func (p *product) Availability() string {
	if p.Stock == 0 {
		return "Sold out"
	}
	return fmt.Sprintf("%d in stock", p.Stock)
}

// Path is where one of the category's lists is; the first is 1.
func (c *category) Path(list int) string {
	path := "/shop/c/" + c.Slug
	if list > 1 {
		path += fmt.Sprintf("?page=%d", list)
	}
	return path
}

// randomPrice is a price in cents that ends as prices do.
func randomPrice(random *rand.Rand) int {
	euros := 9 + random.IntN(140)
	if random.IntN(8) == 0 {
		euros *= 12
	}
	return euros*100 + []int{0, 49, 90, 95, 99}[random.IntN(5)]
}

// gtin is a GTIN-13 with its check digit.
func gtin(random *rand.Rand) string {
	digits := fmt.Sprintf("400%09d", random.IntN(1_000_000_000))
	sum := 0
	for i, digit := range digits {
		sum += int(digit-'0') * (1 + 2*(i%2))
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// pick is one of the words.
func pick(random *rand.Rand, words []string) string { return words[random.IntN(len(words))] }

// slug is a name as it stands in a path.
func slug(name string) string {
	name = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "Ä", "ae", "Ö", "oe", "Ü", "ue").Replace(name)
	fields := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(fields, "-")
}
