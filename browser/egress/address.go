package egress

import "net/netip"

// network is a range of addresses that are not of the public internet.
type network struct {
	prefix netip.Prefix
	kind   kind
}

// kind says in words what an address is; "" is an address of the public internet.
type kind string

const (
	public   kind = ""
	loopback kind = "a loopback address"
	private  kind = "a private address"
	local    kind = "a link-local address"
	metadata kind = "a cloud's metadata address"
	group    kind = "a multicast address"
	nowhere  kind = "an unspecified address"
	special  kind = "an address set aside for a special purpose"
	tunnel   kind = "an IPv6 address that stands for an IPv4 address"
	unusable kind = "an address that nobody has been given"
)

// networks are IANA's special-purpose registries for IPv4 and IPv6, and the addresses at
// which clouds give a machine its credentials. The first row that holds an address counts.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var networks = []network{
	{netip.MustParsePrefix("169.254.169.254/32"), metadata}, // AWS, GCP, Azure, and most others
	{netip.MustParsePrefix("169.254.170.2/32"), metadata},   // AWS, credentials of containers
	{netip.MustParsePrefix("169.254.170.23/32"), metadata},
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},   // Azure, inside the public range
	{netip.MustParsePrefix("fd00:ec2::254/128"), metadata},  // AWS
	{netip.MustParsePrefix("fd00:ec2::23/128"), metadata},
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata}, // GCP

	{netip.MustParsePrefix("0.0.0.0/32"), nowhere},
	{netip.MustParsePrefix("0.0.0.0/8"), special},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), private}, // carrier-grade NAT
	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("169.254.0.0/16"), local},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.0.0.0/24"), special},    // protocol assignments
	{netip.MustParsePrefix("192.0.2.0/24"), special},    // documentation
	{netip.MustParsePrefix("192.31.196.0/24"), special}, // AS112
	{netip.MustParsePrefix("192.52.193.0/24"), special}, // AMT
	{netip.MustParsePrefix("192.88.99.0/24"), special},  // 6to4 relays
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("192.175.48.0/24"), special}, // AS112
	{netip.MustParsePrefix("198.18.0.0/15"), special},   // benchmarks
	{netip.MustParsePrefix("198.51.100.0/24"), special}, // documentation
	{netip.MustParsePrefix("203.0.113.0/24"), special},  // documentation
	{netip.MustParsePrefix("224.0.0.0/4"), group},
	{netip.MustParsePrefix("240.0.0.0/4"), special}, // reserved, and broadcast

	{netip.MustParsePrefix("::/128"), nowhere},
	{netip.MustParsePrefix("::1/128"), loopback},
	{netip.MustParsePrefix("::/96"), tunnel},          // IPv4-compatible
	{netip.MustParsePrefix("64:ff9b::/96"), tunnel},   // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), tunnel}, // NAT64 of one's own
	{netip.MustParsePrefix("2001::/32"), tunnel},      // Teredo
	{netip.MustParsePrefix("2001::/23"), special},     // protocol assignments
	{netip.MustParsePrefix("2001:db8::/32"), special},
	{netip.MustParsePrefix("2002::/16"), tunnel}, // 6to4
	{netip.MustParsePrefix("2620:4f:8000::/48"), special},
	{netip.MustParsePrefix("3fff::/20"), special},
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("fe80::/10"), local},
	{netip.MustParsePrefix("fec0::/10"), private}, // site-local
	{netip.MustParsePrefix("ff00::/8"), group},
}

// globalUnicast is the only part of IPv6 in which there are public addresses.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// plain is the address itself, without the zone, and without the form that IPv6 gives to
// an IPv4 address.
func plain(addr netip.Addr) netip.Addr { return addr.WithZone("").Unmap() }

// kindOf says what an address is.
func kindOf(addr netip.Addr) kind {
	addr = plain(addr)
	if !addr.IsValid() {
		return unusable
	}
	for _, n := range networks {
		if n.prefix.Contains(addr) {
			return n.kind
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return unusable
	}
	return public
}
