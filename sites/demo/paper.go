package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The news site: a front page, and for each section its lists and its articles.
const (
	newsSections    = 5
	sectionArticles = 18
	listArticles    = 9
	sectionLists    = sectionArticles / listArticles
	newsPages       = 1 + newsSections*(sectionLists+sectionArticles)
)

// paper is the news site's content. It is written in German, with German dates and
// numbers.
type paper struct {
	sections []*section
	articles map[string]*article // by ID
	top      []*article
}

// section is one part of the paper.
type section struct {
	Slug, Name string
	Articles   []*article
}

// article is one piece of news.
type article struct {
	ID, Headline, Kicker, Author string
	Section                      *section
	Published                    time.Time // in paperZone
	Lead                         string
	Paragraphs                   []string
	Readers                      int
	Share                        int // readers who stayed to the end, in tenths of a percent
	Tags                         []string
	Exclusive                    bool

	// Live part: a script fetches them. Server.mu owns them.
	Comments []comment
}

// comment is what a reader said of an article.
type comment struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Likes int    `json:"likes"`
}

// paperZone is the zone of the paper's dates: Central European Summer Time, since all
// of them are in summer.
var paperZone = time.FixedZone("CEST", 2*60*60)

// newPaper invents the paper.
func newPaper(random *rand.Rand) paper {
	p := paper{articles: map[string]*article{}}
	number := 0
	for _, words := range desks {
		s := &section{Slug: words.slug, Name: words.name}
		for n := range sectionArticles {
			a := newArticle(random, s, words, number, n)
			s.Articles = append(s.Articles, a)
			p.articles[a.ID] = a
			number++
		}
		p.sections = append(p.sections, s)
		p.top = append(p.top, s.Articles[0])
	}
	p.top = append(p.top, p.sections[0].Articles[1])
	return p
}

// newArticle invents the n-th article of a section.
func newArticle(random *rand.Rand, s *section, words desk, number, n int) *article {
	place := places[(number*7+n)%len(places)]
	a := &article{
		ID:       fmt.Sprint(70_000 + number*13),
		Kicker:   place,
		Headline: fmt.Sprintf(words.headlines[n%len(words.headlines)], place),
		Author:   pick(random, reporters),
		Section:  s,
		Published: time.Date(2026, time.Month(5+random.IntN(4)), 1+random.IntN(28),
			6+random.IntN(16), random.IntN(60), 0, 0, paperZone),
		Lead:      fmt.Sprintf(pick(random, leads), place),
		Readers:   800 + random.IntN(90_000),
		Share:     120 + random.IntN(800),
		Tags:      []string{s.Name, place, pick(random, topics)},
		Exclusive: random.IntN(5) == 0,
	}
	if random.IntN(20) == 0 {
		a.Readers += 1_000_000
	}
	for _, i := range random.Perm(len(paragraphs))[:3] {
		a.Paragraphs = append(a.Paragraphs, paragraphs[i])
	}
	for range random.IntN(4) {
		a.Comments = append(a.Comments, newComment(random))
	}
	return a
}

func newComment(random *rand.Rand) comment {
	return comment{pick(random, people), pick(random, remarks), random.IntN(200)}
}

// drift gives a number of articles a further comment.
func (p *paper) drift(random *rand.Rand, count int) {
	var all []*article
	for _, s := range p.sections {
		all = append(all, s.Articles...)
	}
	for _, i := range random.Perm(len(all))[:min(count, len(all))] {
		all[i].Comments = append(all[i].Comments, newComment(random))
	}
}

// Path is where the article's page is.
func (a *article) Path() string {
	return "/news/" + a.Section.Slug + "/" + a.ID + "-" + slug(a.Headline) + ".html"
}

// Image is where the article's picture is.
func (a *article) Image() string { return "/news/bilder/" + a.ID + ".png" }

// Date is when the article appeared, as the paper writes it: 3. März 2026, 14:05 Uhr.
func (a *article) Date() string {
	t := a.Published
	return fmt.Sprintf("%d. %s %d, %02d:%02d Uhr", t.Day(), germanMonths[t.Month()-1], t.Year(), t.Hour(), t.Minute())
}

// ReadersText is the number of readers as the paper writes it: 12.345.
func (a *article) ReadersText() string { return germanNumber(a.Readers) }

// ShareText is the share as the paper writes it: 73,5 %.
func (a *article) ShareText() string { return fmt.Sprintf("%d,%d %%", a.Share/10, a.Share%10) }

// Path is where one of the section's lists is; the first is 1.
func (s *section) Path(list int) string {
	path := "/news/" + s.Slug + "/"
	if list > 1 {
		path += fmt.Sprintf("seite-%d.html", list)
	}
	return path
}

// germanNumber writes 1234567 as 1.234.567.
func germanNumber(n int) string {
	digits := fmt.Sprint(n)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ".")
}
