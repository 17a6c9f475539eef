package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/crawl"
)

// tryField prints what one field takes from a page.
func (a *app) tryField(ctx context.Context, address string, o *tryOptions) error {
	site := o.fieldSite(address)
	if err := site.Complete(); err != nil {
		return withCode(exitUsage, flagFaults(err))
	}
	page, err := pageRef(site, address, tryTemplate)
	if err != nil {
		return err
	}
	result, err := a.tryPage(ctx, *site, page)
	if err != nil {
		return err
	}
	if len(result.page.Items) == 0 {
		return fmt.Errorf("%s: %s", page.URL, result.page.Error)
	}
	var found fieldFound
	if err := json.Unmarshal(result.page.Items[0].Data, &found); err != nil {
		return fmt.Errorf("read what the selector took: %w", err)
	}
	matches := found.matches()
	if o.format == "jsonl" {
		err = a.writeMatches(matches)
	} else {
		err = o.showMatches(a.out(), result.page, matches, found.Field)
	}
	if err == nil && len(matches) == 0 {
		err = &exitError{code: exitFailed}
	}
	return err
}

// tryTemplate is the name of the template, and of its item, that a field is tried in.
const tryTemplate = "page"

// fieldSite is a site whose one template takes the field three times: as a site file
// would take it; each match with its raw text and its value; and each match's raw text
// alone, for XPath expressions that yield a text instead of elements.
func (o *tryOptions) fieldSite(address string) *sites.Site {
	field := o.field
	field.Name = "field"

	below := sites.Source{XPath: "."}
	if field.JSONLD != "" || field.JSON != "" || field.Path != "" {
		below = sites.Source{} // the value is JSON, not an element
	}
	value := field
	value.Name, value.Source, value.Many = "value", below, false
	raw := sites.Field{Name: "raw", Source: below, Attr: field.Attr, HTML: field.HTML, Type: sites.TypeRaw}
	matches := sites.Field{Name: "matches", Source: field.Source, Many: true, Fields: []sites.Field{raw, value}}
	texts := raw
	texts.Name, texts.Source, texts.Many = "texts", field.Source, true

	site := sites.New("try", address)
	site.Robots = sites.RobotsIgnore
	site.Follow.Origins = []string{"*"}
	site.Limits = sites.Limits{
		Pages: 1, Depth: new(int), PageTimeout: sites.Duration(o.timeout), ItemSize: 64 << 20,
	}
	site.Timeout = tryTimeout
	site.Templates = []sites.Template{{
		Name: tryTemplate, Wait: o.waitList(),
		Items: []sites.ItemRule{{Fields: []sites.Field{field, matches, texts}}},
	}}
	return site
}

// waitList are the conditions that --wait names. They end before the page's own time
// does, so that the one that did not come true can be named.
func (o *tryOptions) waitList() []sites.Wait {
	events := []sites.WaitEvent{sites.WaitLoad, sites.WaitDOM, sites.WaitNetworkIdle}
	limit := sites.Duration(o.timeout * 3 / 4)
	var waits []sites.Wait
	for _, text := range o.waits {
		if event := sites.WaitEvent(text); slices.Contains(events, event) {
			waits = append(waits, sites.Wait{Event: event, Timeout: limit})
		} else {
			waits = append(waits, sites.Wait{Selector: text, Timeout: limit})
		}
	}
	return waits
}

// faultKey is the last key of a fault's path, without the position in a list.
var faultKey = regexp.MustCompile(`([a-z_]+)(?:\[[0-9]+\])*$`)

// faultFlags are the flags of keys that have another name.
var faultFlags = map[string]string{
	"json_ld": "--json-ld", "selector": "--wait", "start": "the URL", "page_timeout": "--timeout",
}

// flagFaults says of faults of the site made of flags which flag is wrong, once.
func flagFaults(err error) error {
	var faults sites.Faults
	if !errors.As(err, &faults) {
		return err
	}
	var texts []string
	for _, fault := range faults {
		flag := ""
		if key := faultKey.FindStringSubmatch(fault.Path); key != nil {
			flag = "--" + key[1]
			if named, ok := faultFlags[key[1]]; ok {
				flag = named
			}
		}
		text := flag + ": " + fault.Message
		if fault.Hint != "" {
			text += "; " + fault.Hint
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return errors.New(strings.Join(texts, "\n"))
}

// fieldFound is the item of fieldSite.
type fieldFound struct {
	Field   json.RawMessage `json:"field"`
	Matches []fieldMatch    `json:"matches"`
	Texts   []string        `json:"texts"`
}

// fieldMatch is one match of the selector: its text, null where there is none (an
// attribute that is missing), and its value, null where the text is none.
type fieldMatch struct {
	Raw   *string         `json:"raw"`
	Value json.RawMessage `json:"value"`
}

// matches are the elements or JSON values that matched, or else the one text that an
// XPath expression gave.
func (f fieldFound) matches() []fieldMatch {
	if len(f.Matches) > 0 || len(f.Texts) == 0 {
		return f.Matches
	}
	return []fieldMatch{{Raw: &f.Texts[0], Value: f.Field}}
}

func (a *app) writeMatches(matches []fieldMatch) error {
	records, err := output.NewRecords(a.out(), output.RecordOptions{})
	if err != nil {
		return err
	}
	for i, match := range matches {
		var raw any
		if match.Raw != nil {
			raw = *match.Raw
		}
		record := output.Record{Head: []output.HeadField{{Name: "match", Value: i + 1}, {Name: "raw", Value: raw}}, Data: match.Value}
		if err := records.Write(record); err != nil {
			return err
		}
	}
	return records.Close()
}

// showMatches prints the matches for a person, and what a field would take.
func (o *tryOptions) showMatches(out output.Terminal, page crawl.PageResult, matches []fieldMatch, taken json.RawMessage) error {
	text := &outline{out: out}
	addPage(text, page)
	text.line("")
	for i, match := range matches[:o.shown(len(matches))] {
		o.addMatch(text, i, match)
	}
	text.add(5, 0, "", o.moreText(len(matches)))
	if len(matches) > 0 {
		text.line("")
	}
	text.addStyled(styleBold, 0, 0, "", o.verdict(len(matches), page.Error))
	if len(matches) > 0 {
		text.add(0, 15, "a field takes", o.limit(out, string(taken), 15))
	}
	if page.Error != "" {
		text.addStyled(styleWarn, 0, 15, "fault", fieldFault.Replace(page.Error))
	}
	return text.write()
}

// fieldFault takes the names of fieldSite's fields out of a fault.
var fieldFault = strings.NewReplacer("item page, field field: ", "", "page, field field: ", "", "page, field matches.value: ", "")

// verdict says how many there are of what.
func (o *tryOptions) verdict(n int, fault string) string {
	source := "--" + map[bool]string{true: "css", false: "xpath"}[o.field.CSS != ""] + " " + firstText(o.field.CSS, o.field.XPath)
	switch {
	case o.field.JSONLD != "":
		source = "--json-ld " + o.field.JSONLD
	case o.field.JSON != "":
		source = "--json " + o.field.JSON
	}
	if o.field.Path != "" {
		source += " --path " + o.field.Path
	}
	switch {
	case n == 0 && fault == "" && len(o.waits) == 0:
		return fmt.Sprintf("nothing matches %s (does the page need --wait?)", source)
	case n == 0:
		return fmt.Sprintf("nothing matches %s", source)
	}
	return fmt.Sprintf("%s of %s", output.Counted(int64(n), "match", "matches"), source)
}

// addMatch writes one match: its raw text, and its value where that is another.
func (o *tryOptions) addMatch(text *outline, i int, match fieldMatch) {
	number := fmt.Sprintf("%3d", i+1)
	raw := "(none)"
	if match.Raw != nil {
		raw = o.rawText(*match.Raw)
	}
	text.add(0, 5, number, o.limit(text.out, raw, 5))
	if value := string(match.Value); value != raw {
		if value == "null" {
			value = "nothing"
		}
		text.add(3, 4, "→", o.limit(text.out, value, 7))
	}
}

// rawText is a text in quotes, or JSON as it stands.
func (o *tryOptions) rawText(raw string) string {
	isJSON := o.field.JSONLD != "" || o.field.JSON != "" || o.field.Path != ""
	if isJSON && strings.HasPrefix(raw, "{") || isJSON && strings.HasPrefix(raw, "[") {
		return raw
	}
	return quoted(raw, 0)
}

// limit cuts a text to three lines behind so many columns, unless all is asked for.
func (o *tryOptions) limit(out output.Terminal, text string, indent int) string {
	const lines = 3
	if o.all {
		return text
	}
	return output.Shorten(output.CleanLine(text), max(minText, lines*(width(out)-indent)-10))
}

// quoted is a text as JSON has it, cut to so many columns; 0 is all of it.
func quoted(text string, columns int) string {
	if columns > 0 {
		text = output.Shorten(text, columns)
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil { // a string always encodes
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// firstText is the first that is not empty.
func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func joinedParts(parts []string) string { return strings.Join(parts, " · ") }
