package main

import (
	"net/url"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/egress"
)

// egressRules are hosts and addresses, as the egress proxy reads them.
type egressRules struct{}

func (egressRules) check(field any) error {
	for _, entry := range *field.(*[]string) {
		if err := egress.Check(entry); err != nil {
			return wantedf("%s", err)
		}
	}
	return nil
}

func (egressRules) describe(schema *jsonschema.Schema) { schema.Items.Pattern = `^\S+$` }

// proxyURL is empty, or the URL of a proxy, of which no error shows the password.
type proxyURL struct{}

func (proxyURL) check(field any) error {
	_, err := parseProxy(*field.(*string))
	return err
}

func (proxyURL) describe(schema *jsonschema.Schema) { schema.Pattern = "^(https?://.+)?$" }

// parseProxy reads the URL of egress.proxy; nil for none.
func parseProxy(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &wanted{"it is not a URL", "http://user:password@proxy.example:3128, with %XX for special characters"}
	}
	if err := egress.CheckUpstream(u); err != nil {
		return nil, wantedf("%s", err)
	}
	return u, nil
}

// checkFlags says which of browser.flags would lead Chrome around the egress proxy.
func (s *Settings) checkFlags() error {
	if !s.Egress.Enabled {
		return nil
	}
	if flag, advice := browser.RefusedFlag(s.Browser.Flags, true); flag != "" {
		return &wanted{flag + " is not for here", advice}
	}
	return nil
}
