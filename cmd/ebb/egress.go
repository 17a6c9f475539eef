package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/egress"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker"
)

// exits are the doors of the egress proxy through which a command's sites reach the
// network. nil: egress.enabled is off.
type exits struct {
	proxy *egress.Proxy
	// shared is the door of Chrome itself.
	shared *egress.Door
	// own are those of sites whose rules are not those of shared, by name.
	own map[string]*egress.Door

	stop  context.CancelFunc
	ended chan error
}

// newExits opens a door for each set of rules that the sites have. Where all have the
// same, that is Chrome's; otherwise Chrome's is what the configuration alone says.
func newExits(settings EgressConfig, list []*sites.Site) (*exits, error) {
	if !settings.Enabled {
		return nil, nil
	}
	upstream, err := parseProxy(settings.Proxy)
	if err != nil {
		return nil, withCode(exitUsage, fmt.Errorf("egress.proxy: %w", err))
	}
	proxy, err := egress.New(egress.Options{Upstream: upstream, Direct: settings.Direct})
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	e := &exits{proxy: proxy, own: map[string]*egress.Door{}}
	if err := e.open(settings, list); err != nil {
		return nil, errors.Join(err, proxy.Close())
	}
	return e, nil
}

func (e *exits) open(settings EgressConfig, list []*sites.Site) error {
	shared := sitePolicy(settings, nil)
	if len(list) > 0 {
		first := sitePolicy(settings, list[0])
		if !slices.ContainsFunc(list, func(s *sites.Site) bool { return !samePolicy(first, sitePolicy(settings, s)) }) {
			shared = first
		}
	}
	var err error
	if e.shared, err = e.proxy.Open(shared); err != nil {
		return err
	}
	policies, doors := []egress.Policy{shared}, []*egress.Door{e.shared}
	for _, site := range list {
		policy := sitePolicy(settings, site)
		at := slices.IndexFunc(policies, func(p egress.Policy) bool { return samePolicy(p, policy) })
		if at < 0 {
			door, err := e.proxy.Open(policy)
			if err != nil {
				return fmt.Errorf("site %s: %w", site.Name, err)
			}
			at = len(doors)
			policies, doors = append(policies, policy), append(doors, door)
		}
		if at > 0 {
			e.own[site.Name] = doors[at]
		}
	}
	return nil
}

// sitePolicy is what the configuration and a site say together.
func sitePolicy(settings EgressConfig, site *sites.Site) egress.Policy {
	p := egress.Policy{Allow: settings.Allow, Deny: settings.Deny}
	if site != nil {
		p.Allow = slices.Concat(p.Allow, site.Egress.Allow, site.NamedAddresses())
		p.Deny = slices.Concat(p.Deny, site.Egress.Deny)
	}
	return p
}

func samePolicy(a, b egress.Policy) bool {
	return slices.Equal(a.Allow, b.Allow) && slices.Equal(a.Deny, b.Deny)
}

// run serves the doors until close.
func (e *exits) run() {
	ctx, cancel := context.WithCancel(context.Background())
	e.stop, e.ended = cancel, make(chan error, 1)
	go func() { e.ended <- e.proxy.Run(ctx) }()
}

// hostsTold is how many hosts are told of at the end: the busiest.
const hostsTold = 5

// close ends what run has begun, and tells how many bytes went to and came from where.
func (e *exits) close(log zerolog.Logger) error {
	e.stop()
	told, hosts := zerolog.Dict(), e.proxy.Hosts()
	var rest egress.HostBytes
	for i, h := range hosts {
		if i < hostsTold {
			told.Dict(h.Host, zerolog.Dict().Int64("up", h.Up).Int64("down", h.Down))
			continue
		}
		rest.Up, rest.Down = rest.Up+h.Up, rest.Down+h.Down
	}
	if len(hosts) > 0 {
		log.Info().Dict("hosts", told).Int("others", max(0, len(hosts)-hostsTold)).
			Int64("others_up", rest.Up).Int64("others_down", rest.Down).Msg("bytes over the network")
	}
	if err := <-e.ended; err != nil {
		return fmt.Errorf("close the egress proxy: %w", err)
	}
	return nil
}

// of is the way of a site.
func (e *exits) of(site string) worker.Exit {
	if door := e.own[site]; door != nil {
		return door
	}
	return e.shared
}

// chrome makes a Chrome use no other way.
func (e *exits) chrome(o *browser.LaunchOptions) {
	if e != nil {
		o.Proxy = e.shared
	}
}
