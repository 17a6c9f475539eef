package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/budget"
)

// A valueCheck says which values of a key are possible, to a reader and to the
// schema.
type valueCheck interface {
	// check gets the field's value as fieldValue or the field itself gives it; nil is
	// a possible value.
	check(field any) error
	// describe adds the bounds to the key's schema.
	describe(schema *jsonschema.Schema)
}

// between bounds an *int, both ends included.
type between struct{ low, high int }

func (b between) check(field any) error {
	if n := *field.(*int); n < b.low || n > b.high {
		return &wanted{fmt.Sprintf("%d is out of range", n), fmt.Sprintf("from %d to %d", b.low, b.high)}
	}
	return nil
}

func (b between) describe(schema *jsonschema.Schema) {
	schema.Minimum, schema.Maximum = new(float64(b.low)), new(float64(b.high))
}

// tabsBetween bounds a *tabCount that is not found by measuring, both ends included.
type tabsBetween struct{ low, high int }

func (b tabsBetween) check(field any) error {
	if n := *field.(*tabCount); n != autoTabs && (int(n) < b.low || int(n) > b.high) {
		return &wanted{fmt.Sprintf("%d is out of range", n), fmt.Sprintf("from %d to %d, or auto", b.low, b.high)}
	}
	return nil
}

func (b tabsBetween) describe(schema *jsonschema.Schema) {
	between(b).describe(schema)
	schema.Pattern = "^auto$"
}

// lasting bounds a *time.Duration, both ends included.
type lasting struct{ low, high time.Duration }

func (l lasting) check(field any) error {
	if d := *field.(*time.Duration); d < l.low || d > l.high {
		return &wanted{
			shortDuration(d) + " is out of range",
			fmt.Sprintf("from %s to %s", shortDuration(l.low), shortDuration(l.high)),
		}
	}
	return nil
}

func (l lasting) describe(schema *jsonschema.Schema) {
	schema.Description += fmt.Sprintf(" From %s to %s.", shortDuration(l.low), shortDuration(l.high))
}

// oneOf are the values that a *string may have.
type oneOf []string

func (o oneOf) check(field any) error {
	text := *field.(*string)
	if slices.Contains(o, text) {
		return nil
	}
	return &wanted{fmt.Sprintf("%q is not possible", text), "one of " + strings.Join(o, ", ")}
}

func (o oneOf) describe(schema *jsonschema.Schema) {
	for _, value := range o {
		schema.Enum = append(schema.Enum, value)
	}
}

// filled refuses an empty text, an empty list, and a list with an empty text.
type filled struct{}

func (filled) check(field any) error {
	switch field := field.(type) {
	case *string:
		if *field == "" {
			return wantedf("it is empty")
		}
	case *[]string:
		if len(*field) == 0 || slices.Contains(*field, "") {
			return &wanted{"it is empty", "at least one text"}
		}
	}
	return nil
}

func (filled) describe(schema *jsonschema.Schema) {
	if schema.Type == "array" {
		schema.MinItems, schema.Items.MinLength = new(1), new(1)
		return
	}
	schema.MinLength = new(1)
}

// databaseName is a path, or the URL of a PostgreSQL database.
type databaseName struct{}

func (databaseName) check(field any) error {
	text := *field.(*string)
	if text == "" {
		return &wanted{"it is empty", "an SQLite file or postgres://user@host/name"}
	}
	scheme, _, isURL := strings.Cut(text, "://")
	if !isURL {
		return nil
	}
	if scheme != "postgres" && scheme != "postgresql" {
		return &wanted{fmt.Sprintf("there is no database %q", scheme+"://"), "an SQLite file or postgres://user@host/name"}
	}
	if _, err := url.Parse(text); err != nil {
		// the error of url.Parse would show the password
		return &wanted{"it is not a URL", "postgres://user:password@host:5432/name, with %XX for special characters"}
	}
	return nil
}

func (databaseName) describe(schema *jsonschema.Schema) { schema.MinLength = new(1) }

// memorySize is a size of memory, or empty.
type memorySize struct {
	least int64
	whose string // who needs as much
}

func (m memorySize) check(field any) error {
	text := *field.(*string)
	if text == "" {
		return nil
	}
	bytes, ok := parseMemory(text)
	switch {
	case ok && !strings.ContainsAny(strings.ToLower(text), "kmgt"):
		return &wanted{text + " has no unit", text + "m or " + text + "g"}
	case !ok:
		return &wanted{fmt.Sprintf("%q is not a size", text), "write 512m, 2g or 1.5GiB"}
	case bytes < m.least:
		return &wanted{text + " is too little for " + m.whose, "at least " + budget.Size(m.least)}
	}
	return nil
}

func (memorySize) describe(schema *jsonschema.Schema) {
	schema.Pattern = `^$|^[0-9]+(\.[0-9]+)?[kmgtKMGT]([iI]?[bB])?$`
}

// headerText is text that fits into an HTTP header.
type headerText struct{}

func (headerText) check(field any) error {
	text := *field.(*string)
	if len(text) > 512 {
		return &wanted{fmt.Sprintf("it has %d characters", len(text)), "at most 512"}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return wantedf("a header takes visible ASCII characters only")
	}
	return nil
}

func (headerText) describe(schema *jsonschema.Schema) {
	schema.MaxLength, schema.Pattern = new(512), "^[ -~]*$"
}

// notRoot refuses root as the user that Chrome runs as.
type notRoot struct{}

func (notRoot) check(field any) error {
	if text := *field.(*string); text == "root" || text == "0" {
		return &wanted{"Chrome's sandbox does not work as root", "an unprivileged user, such as nobody"}
	}
	return nil
}

func (notRoot) describe(schema *jsonschema.Schema) {
	schema.Not = &jsonschema.Schema{Enum: []any{"root", "0"}}
}

// cleanupRules are cleanups with the time of each.
type cleanupRules struct{}

func (cleanupRules) check(field any) error {
	if _, err := sites.ParseCleanup(*field.(*[]string)); err != nil {
		return wantedf("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

func (cleanupRules) describe(schema *jsonschema.Schema) {
	schema.Items.Pattern = "^(" + strings.Join(sites.CleanupNames(), "|") + ")(=.+)?$"
}

// chromeFlags are flags for Chrome, less those that Ebb itself must own.
type chromeFlags struct{}

// ownedFlags are Chrome's flags that would take the browser out of Ebb's hands, with
// the key that is meant instead.
var ownedFlags = map[string]string{
	"--no-sandbox":             "set browser.sandbox: false instead",
	"--disable-setuid-sandbox": "set browser.sandbox: false instead",
	"--user-data-dir":          "each Chrome has a folder of its own",
	"--remote-debugging-port":  "Chrome is driven over a pipe; an open port would give it away",
	"--remote-debugging-pipe":  "it is always on",
	"--headless":               "it is always on",
}

func (chromeFlags) check(field any) error {
	for _, flag := range *field.(*[]string) {
		name, _, _ := strings.Cut(flag, "=")
		if !strings.HasPrefix(name, "--") || len(name) < 3 || strings.ContainsAny(name, " \t\n") {
			return &wanted{fmt.Sprintf("%q is not a flag", flag), "--name or --name=value"}
		}
		if instead, owned := ownedFlags[name]; owned {
			return &wanted{name + " is not for here", instead}
		}
	}
	return nil
}

func (chromeFlags) describe(schema *jsonschema.Schema) { schema.Items.Pattern = "^--[^ =]+(=.*)?$" }
