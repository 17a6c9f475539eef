package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/sites"
)

const tryLong = `Open a page in Chrome and print what a selector takes from it: each match with its
raw text and its value, and what a field of a site file would take.

With --site the page is visited as the site's runs do (waits, steps, block rules,
limits of sizes), and its items and links are printed. Nothing is stored and no link is
followed.

robots.txt is not asked: this is one page that a person asks for.

The exit code is 1 when nothing matches or the page cannot be had, 4 without a usable
Chrome.`

const tryExamples = `  ebb sites try https://example.com --css h1
  ebb sites try https://shop.example/p/1 --css .price --type number --locale de
  ebb sites try https://shop.example/p/1 --json-ld Product --path offers.price
  ebb sites try https://shop.example/ --xpath '//a[@rel="next"]' --attr href --type url
  ebb sites try https://shop.example/p/1 --site sites/shop.yaml --template product`

// tryOptions are the flags of `sites try`.
type tryOptions struct {
	field    sites.Field
	typeName string
	waits    []string
	timeout  time.Duration

	site, template string
	all            bool
	format         string
}

func newSitesTryCommand(a *app) *cobra.Command {
	o := &tryOptions{}
	cmd := &cobra.Command{
		Use:     "try URL (--css S | --xpath X | --json-ld TYPE | --json S | --site FILE)",
		Short:   "Try a selector, or a site's template, on a live page",
		Long:    tryLong,
		Example: tryExamples,
		Args:    oneURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			ctx, stop := a.interruptible(cmd.Context())
			defer stop()
			if o.site != "" {
				return a.trySite(ctx, args[0], o)
			}
			return a.tryField(ctx, args[0], o)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// oneURL refuses anything but one argument.
func oneURL(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usageErrorf("sites try: name the URL of a page")
	case 1:
		return nil
	}
	return usageErrorf("sites try: one URL at a time; %d were given (does a selector want quotes?)", len(args))
}

func (o *tryOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	f := &o.field
	flags.StringVar(&f.CSS, "css", "", "take what a CSS `selector` matches")
	flags.StringVar(&f.XPath, "xpath", "", "take what an XPath 1.0 `expression` matches")
	flags.StringVar(&f.JSONLD, "json-ld", "", "take the JSON-LD objects of a schema.org `type`")
	flags.StringVar(&f.JSON, "json", "", "take the JSON in the script that a CSS `selector` matches")
	flags.StringVar(&f.Path, "path", "", "go down into the JSON by a `path`: a.b[0].c, [*] for each")
	flags.StringVar(&f.Attr, "attr", "", "take an `attribute` instead of the text")
	flags.BoolVar(&f.HTML, "html", false, "take the inner HTML instead of the text")
	flags.BoolVar(&f.Many, "many", false, "the field takes all matches, not the first")
	flags.StringVar(&o.typeName, "type", "text", "`type`: raw, number, integer, boolean, date, url, json")
	flags.StringVar(&f.Locale, "locale", "", "`language` in which numbers and dates are written (default en)")
	flags.StringVar(&f.Layout, "layout", "", "`layout` of a date: iso8601, rfc2822, unix, or as Go writes it")
	flags.StringVar(&f.Regex, "regex", "", "take the first group of a regular `expression`, or its match")
	flags.StringArrayVar(&o.waits, "wait", nil, "wait for a CSS `selector`, load or network-idle; may be repeated")
	flags.StringVar(&o.site, "site", "", "try a template of a site: its file or `name`")
	flags.StringVar(&o.template, "template", "", "the template's `name` (default: by the URL)")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "bound on everything; a wait may last three quarters of it")
	flags.BoolVar(&o.all, "all", false, "show everything in full, not the beginning")
	flags.StringVar(&o.format, "format", "text", "`text`, or jsonl: JSON, one match or item a line")
}

// fieldFlags are the flags that say what to take, which a site file says itself.
var fieldFlags = []string{
	"css", "xpath", "json-ld", "json", "path", "attr", "html", "many", "type", "locale", "layout", "regex", "wait", "timeout",
}

// fieldTypes are the values of --type.
var fieldTypes = []sites.FieldType{
	sites.TypeText, sites.TypeRaw, sites.TypeNumber, sites.TypeInteger, sites.TypeBoolean,
	sites.TypeDate, sites.TypeURL, sites.TypeJSON,
}

func (o *tryOptions) check(cmd *cobra.Command) error {
	if o.format != "text" && o.format != "jsonl" {
		return usageErrorf("--format %q: there are text and jsonl", o.format)
	}
	if o.site != "" {
		for _, name := range fieldFlags {
			if cmd.Flags().Changed(name) {
				return usageErrorf("--%s has no effect with --site: the site file says what to take", name)
			}
		}
		return nil
	}
	if o.timeout < time.Second || o.timeout > time.Hour {
		return usageErrorf("--timeout %s: give 1s to 1h", o.timeout)
	}
	if o.template != "" {
		return usageErrorf("--template needs --site, the site that has it")
	}
	o.field.Type = sites.FieldType(o.typeName)
	if !slices.Contains(fieldTypes, o.field.Type) {
		return usageErrorf("--type %q: there are %s", o.typeName, joined(fieldTypes, func(t sites.FieldType) string { return string(t) }))
	}
	var given []string
	for _, source := range []struct{ flag, value string }{
		{"--css", o.field.CSS}, {"--xpath", o.field.XPath}, {"--json-ld", o.field.JSONLD}, {"--json", o.field.JSON},
	} {
		if source.value != "" {
			given = append(given, source.flag)
		}
	}
	switch len(given) {
	case 0:
		return usageErrorf("say what to take: --css, --xpath, --json-ld or --json, or a site's template with --site")
	case 1:
		return nil
	}
	return usageErrorf("%s and %s: take one of them", given[0], given[1])
}

// shown is how many of something are shown.
func (o *tryOptions) shown(n int) int {
	const first = 20
	if o.all {
		return n
	}
	return min(n, first)
}

// moreText says what is not shown.
func (o *tryOptions) moreText(n int) string {
	if shown := o.shown(n); shown < n {
		return fmt.Sprintf("… and %d more (--all shows them)", n-shown)
	}
	return ""
}
