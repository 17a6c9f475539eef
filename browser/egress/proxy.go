// Package egress lets Chrome reach only the addresses it may reach.
//
// It is a forward proxy on loopback. Each of its doors is a listener with a policy of its
// own. A policy is judged at the last moment, on the very address that is about to be
// dialled, so neither a redirect nor a name that changes its address gets by it.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Options bound a Proxy, and say by what way it reaches the internet.
type Options struct {
	// Upstream is another proxy through which everything goes: http or https, with user and
	// password where it asks for them. What may be reached is judged here all the same, as
	// far as names can be looked up here; which address is dialled in the end is up to it.
	// Default: none.
	Upstream *url.URL
	// Direct are hosts that are reached without Upstream, as entries of Check. Default: none.
	Direct []string
	// Resolver looks names up. Default: net.DefaultResolver.
	Resolver *net.Resolver
	// DialTimeout bounds the way to a server: look-up, connection, and those of Upstream.
	// Default: 20 s.
	DialTimeout time.Duration
	// IdleTimeout ends a connection on which nothing has come for so long. Default: 5 min.
	IdleTimeout time.Duration
	// HeaderBytes is the largest header of a request or an answer. Default: 256 KiB, as in
	// Chrome.
	HeaderBytes int
	// Conns is how many connections Chrome may have open at once; further ones wait.
	// Default: 1024.
	Conns int
	// Hosts is how many hosts are counted each by itself; further ones are counted together.
	// Default: 1000.
	Hosts int
}

func (o Options) withDefaults() Options {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = 20 * time.Second
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.HeaderBytes <= 0 {
		o.HeaderBytes = 256 << 10
	}
	if o.Conns <= 0 {
		o.Conns = 1024
	}
	if o.Hosts <= 0 {
		o.Hosts = 1000
	}
	return o
}

// Proxy is a forward proxy with one or more doors. It serves while Run does.
type Proxy struct {
	options  Options
	upstream *upstream // nil without
	slots    chan struct{}
	counts   *counts

	mu    sync.Mutex
	doors []*Door
	ports map[uint16]bool // on which the doors listen
	begun bool
}

// New returns a proxy without doors. The error says what is wrong with Upstream or Direct.
func New(o Options) (*Proxy, error) {
	o = o.withDefaults()
	up, err := newUpstream(o)
	if err != nil {
		return nil, err
	}
	return &Proxy{
		options: o, upstream: up, slots: make(chan struct{}, o.Conns), counts: newCounts(o.Hosts),
		ports: map[uint16]bool{},
	}, nil
}

// Open opens a door, before Run: a listener on a free port of 127.0.0.1 that keeps to a
// policy. The error says what is wrong with the policy.
func (p *Proxy) Open(policy Policy) (*Door, error) {
	j, err := newJudge(policy, p.own)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port for the egress proxy: %w", err)
	}
	d := newDoor(p, j, listener)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun {
		return nil, errors.Join(errors.New("open a door of the egress proxy: it runs already"), listener.Close())
	}
	p.doors = append(p.doors, d)
	p.ports[d.port()] = true
	return d, nil
}

// own says whether an address is one of the proxy's listeners, which nobody reaches
// through it.
func (p *Proxy) own(at netip.AddrPort) bool {
	if !at.Addr().IsLoopback() && !at.Addr().IsUnspecified() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ports[at.Port()]
}

// Run serves all doors until ctx ends, and then closes them with every connection. The
// error says why a door closed before.
func (p *Proxy) Run(ctx context.Context) error {
	p.mu.Lock()
	p.begun = true
	doors := p.doors
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(doors))
	for _, d := range doors {
		go func() {
			defer cancel()
			ended <- d.serve(ctx)
		}()
	}
	<-ctx.Done()
	var err error
	for range doors {
		err = errors.Join(err, <-ended)
	}
	return err
}

// Close closes the doors of a proxy that never runs.
func (p *Proxy) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
	var err error
	for _, d := range p.doors {
		err = errors.Join(err, d.listener.Close())
	}
	return err
}

// Hosts are the bytes that went to and came from each host so far, the busiest first.
func (p *Proxy) Hosts() []HostBytes { return p.counts.list() }
