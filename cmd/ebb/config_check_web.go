package main

import (
	"net/url"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebbworker/ebb/worker/web"
)

// webhookURL is an http or https URL, or empty. No error shows it: it may hold a token.
type webhookURL struct{}

func (webhookURL) check(field any) error {
	text := *field.(*string)
	if text == "" {
		return nil
	}
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return &wanted{"it is no URL of a webhook", "https://host/path; it is not shown here, since it may hold a token"}
	}
	return nil
}

func (webhookURL) describe(schema *jsonschema.Schema) { schema.Pattern = "^(https?://.+)?$" }

// listenAddress is HOST:PORT, or empty.
type listenAddress struct{}

func (listenAddress) check(field any) error {
	text := *field.(*string)
	if text == "" {
		return nil
	}
	if err := web.CheckListen(text, "any"); err != nil {
		return &wanted{err.Error(), ""}
	}
	return nil
}

func (listenAddress) describe(schema *jsonschema.Schema) { schema.Pattern = "^(.*:[0-9]+)?$" }

// tokenText is a token that is not soon guessed, or empty. No error shows it.
type tokenText struct{}

func (tokenText) check(field any) error {
	text := *field.(*string)
	if text == "" {
		return nil
	}
	if len(text) < 16 || len(text) > 512 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &wanted{"it is no token", "16 to 512 visible ASCII characters, such as those of `openssl rand -hex 16`"}
	}
	return nil
}

func (tokenText) describe(schema *jsonschema.Schema) { schema.Pattern = "^([!-~]{16,512})?$" }
