package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// dial connects to a server. The policy is asked in the moment between the look-up and
// the connection, of each address that is tried.
func (d *Door) dial(ctx context.Context, hostport string) (net.Conn, error) {
	host, port, err := hostAndPort(hostport)
	if err != nil {
		return nil, err
	}
	if err := d.judge.host(host, port); err != nil {
		return nil, err
	}
	dialer := net.Dialer{
		Timeout: d.proxy.options.DialTimeout, Resolver: d.proxy.options.Resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s is no address", ErrForbidden, address)
			}
			return d.judge.address(host, at)
		},
	}
	conn, err := dialer.DialContext(ctx, "tcp", hostport)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", hostport, err)
	}
	return d.count(conn, hostport), nil
}

// count counts what goes over a connection that is for a host.
func (d *Door) count(conn net.Conn, hostport string) net.Conn {
	return &counted{Conn: conn, traffic: d.proxy.counts.of(hostport), idle: d.proxy.options.IdleTimeout}
}

// vet judges a host that the proxy behind this one will reach. Where several addresses
// are found, none of them may be forbidden: that proxy takes whichever it likes.
func (d *Door) vet(ctx context.Context, hostport string) error {
	host, port, err := hostAndPort(hostport)
	if err != nil {
		return err
	}
	if err := d.judge.host(host, port); err != nil {
		return err
	}
	addresses, err := d.lookUp(ctx, host)
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return d.judge.unseen(host, port) // a name that only that proxy can look up
	}
	if err != nil {
		return fmt.Errorf("look up %s: %w", host, err)
	}
	for _, addr := range addresses {
		if err := d.judge.address(host, netip.AddrPortFrom(addr, port)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Door) lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.proxy.options.DialTimeout)
	defer cancel()
	return d.proxy.options.Resolver.LookupNetIP(ctx, "ip", host)
}

// hostAndPort takes name:port apart.
func hostAndPort(hostport string) (string, uint16, error) {
	host, text, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0, fmt.Errorf("connect to %q: it is not host:port", hostport)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || host == "" {
		return "", 0, fmt.Errorf("connect to %q: it is not host:port", hostport)
	}
	return canonical(host), uint16(port), nil
}
