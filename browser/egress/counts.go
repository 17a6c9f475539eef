package egress

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// HostBytes are the bytes of one host, as they went over the network: with headers, and
// encrypted where the connection was.
type HostBytes struct {
	// Host is its name with the port; OtherHosts for those beyond Options.Hosts.
	Host string
	// Up went to it, Down came from it.
	Up, Down int64
}

// OtherHosts stands for the hosts beyond the number that is counted.
const OtherHosts = "(others)"

// traffic is what went over the connections to one host.
type traffic struct{ up, down atomic.Int64 }

// counts are the bytes of a bounded number of hosts.
type counts struct {
	most int

	mu    sync.Mutex
	hosts map[string]*traffic
}

func newCounts(most int) *counts { return &counts{most: most, hosts: map[string]*traffic{}} }

// of is the counter of a host.
func (c *counts) of(host string) *traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.hosts[host]
	if t == nil && len(c.hosts) >= c.most {
		host = OtherHosts
		t = c.hosts[host]
	}
	if t == nil {
		t = &traffic{}
		c.hosts[host] = t
	}
	return t
}

func (c *counts) list() []HostBytes {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]HostBytes, 0, len(c.hosts))
	for host, t := range c.hosts {
		list = append(list, HostBytes{Host: host, Up: t.up.Load(), Down: t.down.Load()})
	}
	slices.SortFunc(list, func(a, b HostBytes) int {
		return cmp.Or(cmp.Compare(b.Up+b.Down, a.Up+a.Down), cmp.Compare(a.Host, b.Host))
	})
	return list
}

// counted is a connection to a server: it counts, and ends when nothing has come for long.
type counted struct {
	net.Conn
	traffic *traffic
	idle    time.Duration
}

func (c *counted) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.traffic.down.Add(int64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.traffic.up.Add(int64(n))
	return n, err
}
