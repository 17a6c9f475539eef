package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// rule is one entry of a list: a host, the hosts below a name, a range of addresses, or
// everything; of one port where it names one.
type rule struct {
	host   string // exact; "" for the other forms
	suffix string // with its leading dot: .example.com
	prefix netip.Prefix
	all    bool
	port   uint16 // 0: every one
}

// Check says what is wrong with an entry of a list of rules: a host (intra.example), the
// hosts below a name (*.intra.example), an address (10.1.2.3, fd00::1), a range of them
// (10.0.0.0/8), or * for everything; the first three with a port or without
// (intra.example:8080, [fd00::1]:8080).
func Check(entry string) error {
	_, err := parseRule(entry)
	return err
}

func parseRule(entry string) (rule, error) {
	text := strings.ToLower(strings.TrimSpace(entry))
	if text == "*" {
		return rule{all: true}, nil
	}
	if strings.Contains(text, "://") {
		return rule{}, fmt.Errorf("%q is a URL; write its host alone, with :port where only that is meant", entry)
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return rule{prefix: prefix.Masked()}, nil
	}
	if strings.Contains(text, "/") {
		return rule{}, fmt.Errorf("%q is no range of addresses; write it as 10.0.0.0/8 or fd00::/8", entry)
	}
	host, port, err := splitPort(text)
	if err != nil {
		return rule{}, fmt.Errorf("%q %w", entry, err)
	}
	r := rule{port: port}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = plain(addr)
		r.prefix = netip.PrefixFrom(addr, addr.BitLen())
		return r, nil
	}
	host = strings.TrimSuffix(host, ".")
	if below, ok := strings.CutPrefix(host, "*."); ok {
		host, r.suffix = below, "."+below
	} else {
		r.host = host
	}
	if !isName(host) {
		return rule{}, fmt.Errorf("%q is no host; write a name, *.name, an address, a range such as 10.0.0.0/8, or name:port", entry)
	}
	return r, nil
}

// splitPort takes a port off the end of a host; 0 where there is none.
func splitPort(text string) (string, uint16, error) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, 0, nil // an IPv6 address has colons of its own
	}
	if !strings.Contains(text, ":") {
		return text, 0, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil && strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		return text[1 : len(text)-1], 0, nil
	}
	if err != nil {
		return "", 0, errors.New("is neither a host nor host:port; write an IPv6 address with a port as [::1]:8080")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("has port %q; a port is a number from 1 to 65535", port)
	}
	return host, uint16(n), nil
}

// isName says whether a text can be the name of a host, in the form that DNS has it.
func isName(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range label {
			if c != '-' && c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}

// names says whether the rule is about a host by its name.
func (r rule) names(host string, port uint16) bool {
	if r.port != 0 && r.port != port {
		return false
	}
	return r.host != "" && r.host == host || r.suffix != "" && strings.HasSuffix(host, r.suffix)
}

// holds says whether the rule is about an address.
func (r rule) holds(addr netip.Addr, port uint16) bool {
	if r.port != 0 && r.port != port {
		return false
	}
	return r.prefix.IsValid() && r.prefix.Contains(addr)
}

// parseRules reads a list; the error names the entry.
func parseRules(entries []string) ([]rule, error) {
	rules := make([]rule, 0, len(entries))
	for _, entry := range entries {
		r, err := parseRule(entry)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}
