package egress

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKinds(t *testing.T) {
	for address, want := range map[string]kind{
		"8.8.8.8": public, "1.1.1.1": public, "2606:4700::1111": public, "2a00::1": public, "::ffff:8.8.8.8": public,
		"172.15.255.255": public, "172.32.0.0": public, "100.63.255.255": public, "100.128.0.0": public, "126.255.255.255": public,
		"127.0.0.1": loopback, "127.255.255.254": loopback, "::1": loopback, "::ffff:127.0.0.1": loopback,
		"0.0.0.0": nowhere, "::": nowhere, "0.1.2.3": special, "::ffff:0.0.0.0": nowhere,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "100.64.0.1": private,
		"fc00::1": private, "fd12::1": private, "fec0::1": private,
		"169.254.1.1": local, "fe80::1": local, "fe80::1%eth0": local,
		"169.254.169.254": metadata, "::ffff:169.254.169.254": metadata, "fd00:ec2::254": metadata, "100.100.100.200": metadata,
		"169.254.170.2": metadata, "168.63.129.16": metadata, "192.0.0.192": metadata, "fd20:ce::254": metadata,
		"224.0.0.1": group, "239.255.255.250": group, "ff02::1": group, "255.255.255.255": special, "240.0.0.1": special,
		"192.0.2.1": special, "198.18.0.1": special, "198.51.100.1": special, "203.0.113.1": special, "192.88.99.1": special,
		"64:ff9b::7f00:1": tunnel, "64:ff9b::a9fe:a9fe": tunnel, "64:ff9b:1::1": tunnel, "2002:7f00:1::1": tunnel,
		"2001:0:4136:e378::1": tunnel, "::7f00:1": tunnel, "::127.0.0.1": tunnel,
		"2001:db8::1": special, "3fff::1": special, "2001:2::1": special, "100::1": unusable, "5f00::1": unusable, "4000::1": unusable, "::ffff:0:7f00:1": unusable,
	} {
		require.Equal(t, want, kindOf(netip.MustParseAddr(address)), address)
	}
	require.Equal(t, unusable, kindOf(netip.Addr{}))
}

func TestPolicies(t *testing.T) {
	const port = 8080
	for name, c := range map[string]struct {
		policy        Policy
		host, address string
		want          string // in the error; "" for none
	}{
		"public":                     {Policy{}, "shop.example", "93.184.216.34", ""},
		"loopback":                   {Policy{}, "127.0.0.1", "127.0.0.1", "not allowed by egress: 127.0.0.1 is a loopback address; allow it with egress.allow in the site file"},
		"a name that leads inside":   {Policy{}, "evil.example", "10.1.2.3", "10.1.2.3 (evil.example) is a private address"},
		"mapped":                     {Policy{}, "::ffff:10.1.2.3", "::ffff:10.1.2.3", "10.1.2.3 is a private address"},
		"allowed by name":            {Policy{Allow: []string{"Intra.Example"}}, "intra.example.", "10.1.2.3", ""},
		"another name":               {Policy{Allow: []string{"intra.example"}}, "xintra.example", "10.1.2.3", "private"},
		"below an allowed name":      {Policy{Allow: []string{"*.example"}}, "a.b.example", "10.1.2.3", ""},
		"not the name itself":        {Policy{Allow: []string{"*.intra.example"}}, "intra.example", "10.1.2.3", "private"},
		"allowed with the port":      {Policy{Allow: []string{"intra.example:8080"}}, "intra.example", "10.1.2.3", ""},
		"allowed with another port":  {Policy{Allow: []string{"intra.example:80"}}, "intra.example", "10.1.2.3", "private"},
		"allowed by address":         {Policy{Allow: []string{"10.1.2.3"}}, "any.example", "10.1.2.3", ""},
		"allowed by address, mapped": {Policy{Allow: []string{"::ffff:10.1.2.3"}}, "any.example", "10.1.2.3", ""},
		"allowed by range":           {Policy{Allow: []string{"10.0.0.0/8"}}, "any.example", "10.1.2.3", ""},
		"outside the range":          {Policy{Allow: []string{"10.1.0.0/24"}}, "any.example", "10.1.2.3", "private"},
		"allowed IPv6 with a port":   {Policy{Allow: []string{"[fd00::1]:8080"}}, "fd00::1", "fd00::1", ""},
		"denied by name":             {Policy{Deny: []string{"shop.example"}}, "shop.example", "93.184.216.34", "shop.example is denied by egress.deny"},
		"denied below a name":        {Policy{Deny: []string{"*.example"}}, "shop.example", "93.184.216.34", "denied"},
		"denied by range":            {Policy{Deny: []string{"93.0.0.0/8"}}, "shop.example", "93.184.216.34", "denied"},
		"deny goes first":            {Policy{Allow: []string{"10.1.2.3"}, Deny: []string{"10.0.0.0/8"}}, "10.1.2.3", "10.1.2.3", "denied"},
		"only what is allowed":       {Policy{Allow: []string{"shop.example"}, Deny: []string{"*"}}, "other.example", "93.184.216.34", "not named by egress.allow"},
		"what is allowed":            {Policy{Allow: []string{"shop.example"}, Deny: []string{"*"}}, "shop.example", "93.184.216.34", ""},
		"everything":                 {Policy{Allow: []string{"*"}}, "127.0.0.1", "127.0.0.1", ""},
		"metadata by name":           {Policy{Allow: []string{"intra.example", "*"}}, "intra.example", "169.254.169.254", "metadata address"},
		"metadata by number":         {Policy{Allow: []string{"169.254.169.254"}}, "169.254.169.254", "169.254.169.254", ""},
		"a zone":                     {Policy{}, "fe80::1%eth0", "fe80::1%eth0", "link-local"},
	} {
		j, err := newJudge(c.policy, func(netip.AddrPort) bool { return false })
		require.NoError(t, err, name)
		err = j.address(c.host, netip.AddrPortFrom(netip.MustParseAddr(c.address), port))
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, ErrForbidden, name)
		require.ErrorContains(t, err, c.want, name)
	}
}
