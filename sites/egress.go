package sites

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// NamedAddresses are the addresses, with their ports, that the start URLs and
// follow.origins name by their numbers, or as localhost: host:port, each once. Whoever wrote
// them there wants them reached, whatever kind of address they are. A name that somebody
// else may lead elsewhere is none of them.
func (s *Site) NamedAddresses() []string {
	var list []string
	for _, origin := range s.Origins() {
		u, err := url.Parse(origin)
		if err != nil || origin == "*" || !isOwnName(u.Hostname()) {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		list = append(list, net.JoinHostPort(u.Hostname(), port))
	}
	return list
}

func isOwnName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// checkEgress checks the entries of egress.
func (c *checker) checkEgress() {
	for _, list := range []struct {
		path    string
		entries []string
	}{{"egress.allow", c.site.Egress.Allow}, {"egress.deny", c.site.Egress.Deny}} {
		for i, entry := range list.entries {
			if err := checkEgressEntry(entry); err != nil {
				c.faultOf(fmt.Sprintf("%s[%d]", list.path, i), withoutPassword(entry), err)
			}
		}
	}
}

// egressName is a host's name, *.name, or either with a port.
var egressName = regexp.MustCompile(`^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?(:[0-9]{1,5})?$`)

// checkEgressEntry says why an entry can be about no address.
func checkEgressEntry(entry string) error {
	text := strings.ToLower(strings.TrimSpace(entry))
	if text == "" || text == "*" {
		return nil // an empty text is said already
	}
	if strings.Contains(text, "://") {
		return fmt.Errorf("is a URL; write its host alone, with :port where only that is meant")
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return nil
	}
	if strings.Contains(text, "/") {
		return fmt.Errorf("is no range of addresses; write it as 10.0.0.0/8 or fd00::/8")
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		if at, err := netip.ParseAddrPort("1.1.1.1:" + port); err != nil || at.Port() == 0 {
			return fmt.Errorf("has no port from 1 to 65535")
		}
		if _, err := netip.ParseAddr(host); err == nil {
			return nil
		}
	}
	if !egressName.MatchString(text) {
		return fmt.Errorf("is no host; write a name, *.name, an address, a range such as 10.0.0.0/8, or name:port")
	}
	return nil
}
