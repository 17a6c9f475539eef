package main

import (
	"fmt"
	"strings"

	"github.com/ebbworker/ebb/sites"
)

// describeTemplate writes what was understood of a template.
func describeTemplate(o *outline, t *sites.Template) {
	o.line("  " + paint(o.out, styleBold, "template "+t.Name))
	add := func(label, text string) { o.add(templateIndent, templateLabels, label, text) }
	match := "only behind links that name it, or first at a start URL"
	if len(t.Match) > 0 {
		match = patternsText(t.Match)
	}
	add("match", match)
	add("wait", joined(t.Wait, waitText))
	add("steps", joined(t.Steps, stepText))
	for i := range t.Items {
		describeItem(o, &t.Items[i])
	}
	for i := range t.Links {
		add(labelOnce(i, "links"), linkText(&t.Links[i]))
	}
}

// labelOnce is a label in the first row of a list only.
func labelOnce(i int, label string) string {
	if i > 0 {
		return ""
	}
	return label
}

// joined lists what there is.
func joined[T any](list []T, text func(T) string) string {
	parts := make([]string, len(list))
	for i, one := range list {
		parts[i] = text(one)
	}
	return strings.Join(parts, ", ")
}

func waitText(w sites.Wait) string {
	text := string(w.Event)
	switch {
	case w.Selector != "":
		text = "selector " + w.Selector
	case w.Function != "":
		text = "function " + w.Function
	}
	text += fmt.Sprintf(" (%s", w.Timeout)
	if w.Optional {
		text += ", optional"
	}
	return text + ")"
}

// stepText says what a step does. Texts that are typed are not shown.
func stepText(s sites.Step) string {
	text := ""
	switch {
	case s.Click != "":
		text = "click " + s.Click
	case s.Type != nil:
		text = "type into " + s.Type.Into
	case s.Press != "":
		text = "press " + s.Press
	case s.Select != nil:
		text = "select in " + s.Select.Into
	case s.Scroll != "":
		text = "scroll to the " + s.Scroll
	case s.Wait != nil:
		text = "wait for " + waitText(*s.Wait)
	case s.Sleep > 0:
		text = fmt.Sprintf("sleep %s", s.Sleep)
	case s.Evaluate != "":
		text = "evaluate"
	case s.Back:
		text = "back"
	case s.Goto != "":
		text = "go to " + s.Goto
	}
	if s.Times > 1 {
		text += fmt.Sprintf(" %d times", s.Times)
	}
	if s.Optional {
		text += " (optional)"
	}
	return text
}

func describeItem(o *outline, item *sites.ItemRule) {
	text := item.Name + ": the page"
	if item.Each != nil {
		text = item.Name + ": each " + sourceText(*item.Each)
	}
	switch {
	case len(item.Key) > 0:
		text += "; key " + strings.Join(item.Key, ", ")
	case item.Each != nil:
		text += "; key: the content"
	default:
		text += "; key: the URL"
	}
	o.add(templateIndent, templateLabels, "item", text)
	o.add(templateIndent+2, templateLabels-2, "takes", joined(item.Fields, fieldText))
}

// fieldText is a field with its type as far as that is not text: price number,
// images [url], a list of objects as offers [seller, price number]; those that are
// required end in an exclamation mark.
func fieldText(f sites.Field) string {
	form := ""
	if f.Type != sites.TypeText && f.Const == "" {
		form = string(f.Type)
	}
	if len(f.Fields) > 0 {
		form = "{" + joined(f.Fields, fieldText) + "}"
	}
	if f.Many {
		if form == "" {
			form = "text"
		}
		form = "[" + form + "]"
	}
	name := f.Name
	if f.Required {
		name += "!"
	}
	return strings.TrimSuffix(name+" "+form, " ")
}

// sourceText is where something is found.
func sourceText(s sites.Source) string {
	text := s.CSS
	switch {
	case s.XPath != "":
		text = "xpath " + s.XPath
	case s.JSONLD != "":
		text = "JSON-LD " + s.JSONLD
	case s.JSON != "":
		text = "JSON in " + s.JSON
	}
	if s.Path == "" {
		return text
	}
	return strings.TrimPrefix(text+" at "+s.Path, " ")
}

func linkText(l *sites.LinkRule) string {
	text := sourceText(l.Source)
	if l.Attr != "" && l.Attr != "href" {
		text += " @" + l.Attr
	}
	if l.Template != "" {
		text += " → " + l.Template
	}
	var more []string
	if l.Pagination {
		more = append(more, "further pages of the list")
	}
	if l.Limit > 0 {
		more = append(more, fmt.Sprintf("at most %d", l.Limit))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}
