//go:build manuals

package main

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// manualPage is what a parser reads from a file of a manual: the truth that the scraped
// items are held against. It shares no code with package sites.
type manualPage struct {
	title    string
	headings []string
	links    []string // files below the same folder that it links to, existing or not
}

// readManual parses every HTML file below a folder, by its path from there.
func readManual(t *testing.T, folder string) map[string]manualPage {
	pages := map[string]manualPage{}
	require.NoError(t, filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(file) != ".html" {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		require.True(t, utf8.Valid(data), "%s is not UTF-8", file)
		root, err := html.Parse(bytes.NewReader(data))
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		pages[name] = parseManualPage(root, name)
		return nil
	}))
	return pages
}

func parseManualPage(root *html.Node, name string) manualPage {
	page := manualPage{headings: []string{}}
	titled := false
	at := &url.URL{Path: "/" + name}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || inTemplate(n) {
			continue
		}
		switch n.DataAtom {
		case atom.Title:
			if !titled && n.Parent.DataAtom == atom.Head {
				page.title, titled = wordsOf(n), true
			}
		case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			// Sphinx ends a heading with a link to itself.
			heading := strings.TrimSuffix(wordsOf(n), "¶")
			page.headings = append(page.headings, strings.TrimSpace(heading))
		case atom.A:
			if target, ok := linkOf(n, at); ok {
				page.links = append(page.links, target)
			}
		}
	}
	return page
}

// linkOf is the file below the manual's folder that a link leads to.
func linkOf(a *html.Node, at *url.URL) (string, bool) {
	for _, attr := range a.Attr {
		if attr.Key != "href" {
			continue
		}
		u, err := at.Parse(strings.TrimSpace(attr.Val))
		if err != nil || u.Scheme != "" || u.Host != "" {
			return "", false
		}
		return strings.TrimPrefix(u.Path, "/"), true
	}
	return "", false
}

func inTemplate(n *html.Node) bool {
	for up := range n.Ancestors() {
		if up.DataAtom == atom.Template {
			return true
		}
	}
	return false
}

// wordsOf is the text of an element with single spaces. Scripts, styles and the like are
// no text; a block or a line break parts words, other elements do not.
func wordsOf(n *html.Node) string {
	var text strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
			return
		}
		parts := partsWords[n.Data]
		if parts {
			text.WriteByte(' ')
		}
		for child := range n.ChildNodes() {
			switch child.DataAtom {
			case atom.Script, atom.Style, atom.Template, atom.Noscript:
			default:
				walk(child)
			}
		}
		if parts {
			text.WriteByte(' ')
		}
	}
	walk(n)
	return strings.Join(strings.Fields(text.String()), " ")
}

// partsWords are the elements that may stand in a heading or around its parts and that
// are laid out as blocks, and line breaks.
var partsWords = map[string]bool{
	"br": true, "hr": true, "div": true, "p": true, "ul": true, "ol": true, "li": true, "dl": true, "dt": true,
	"dd": true, "pre": true, "table": true, "tr": true, "td": true, "th": true, "section": true, "header": true,
	"h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
}

// reachableFrom are the pages of a manual that links lead to from a page, with itself.
func reachableFrom(pages map[string]manualPage, start string) map[string]bool {
	reached := map[string]bool{start: true}
	next := []string{start}
	for len(next) > 0 {
		links := pages[next[0]].links
		next = next[1:]
		for _, link := range links {
			if _, ok := pages[link]; ok && !reached[link] {
				reached[link] = true
				next = append(next, link)
			}
		}
	}
	return reached
}
