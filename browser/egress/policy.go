package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrForbidden says that an address may not be reached. The error that wraps it says
// which, why, and how to allow it.
var ErrForbidden = errors.New("not allowed by egress")

// Policy says what may be reached: everything public, and what Allow names. Deny goes
// before Allow, but for its entry *, which refuses what Allow does not name. The entries are
// those of Check.
type Policy struct {
	// Allow are hosts and addresses that may be reached although they are not public. A
	// metadata address must be named itself, or by its range: a name that leads to it is not
	// enough. Default: none.
	Allow []string
	// Deny are hosts and addresses that may not be reached. Default: none.
	Deny []string
}

// judge decides with a policy.
type judge struct {
	allow, deny []rule
	denyAll     bool
	// own says whether an address is one of the proxy's own.
	own func(netip.AddrPort) bool
}

func newJudge(p Policy, own func(netip.AddrPort) bool) (*judge, error) {
	allow, err := parseRules(p.Allow)
	if err != nil {
		return nil, fmt.Errorf("egress.allow: %w", err)
	}
	deny, err := parseRules(p.Deny)
	if err != nil {
		return nil, fmt.Errorf("egress.deny: %w", err)
	}
	j := &judge{allow: allow, deny: deny, own: own}
	for _, r := range deny {
		j.denyAll = j.denyAll || r.all
	}
	return j, nil
}

// canonical is a host as rules name it.
func canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

// host says what the policy says of a host's name alone, before it is looked up.
func (j *judge) host(host string, port uint16) error {
	host = canonical(host)
	for _, r := range j.deny {
		if r.names(host, port) {
			return fmt.Errorf("%w: %s is denied by egress.deny", ErrForbidden, host)
		}
	}
	return nil
}

// unseen says whether a name may be reached of which nobody here knows the address.
func (j *judge) unseen(host string, port uint16) error {
	if j.denyAll && !j.named(canonical(host), port) {
		return fmt.Errorf("%w: %s is not named by egress.allow", ErrForbidden, host)
	}
	return nil
}

// named says whether Allow names a host.
func (j *judge) named(host string, port uint16) bool {
	for _, r := range j.allow {
		if r.all || r.names(host, port) {
			return true
		}
	}
	return false
}

// address decides about the very address to which a host's name led.
func (j *judge) address(host string, at netip.AddrPort) error {
	host = canonical(host)
	addr, port := plain(at.Addr()), at.Port()
	if j.own(netip.AddrPortFrom(addr, port)) {
		return fmt.Errorf("%w: %s is Ebb's own proxy", ErrForbidden, at)
	}
	if err := j.host(host, port); err != nil {
		return err
	}
	for _, r := range j.deny {
		if r.holds(addr, port) {
			return fmt.Errorf("%w: %s is denied by egress.deny", ErrForbidden, shown(host, addr))
		}
	}
	for _, r := range j.allow {
		if r.holds(addr, port) {
			return nil
		}
	}
	named, is := j.named(host, port), kindOf(addr)
	switch {
	case named && is != metadata:
		return nil
	case is != public:
		return fmt.Errorf("%w: %s is %s; allow it with egress.allow in the site file", ErrForbidden, shown(host, addr), is)
	case j.denyAll:
		return fmt.Errorf("%w: %s is not named by egress.allow", ErrForbidden, shown(host, addr))
	}
	return nil
}

// shown is an address with the name that led to it.
func shown(host string, addr netip.Addr) string {
	if literal, err := netip.ParseAddr(host); err == nil && plain(literal) == addr {
		return addr.String()
	}
	return fmt.Sprintf("%s (%s)", addr, host)
}
