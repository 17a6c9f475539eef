package crawl

import (
	"container/list"
	"slices"
	"sync"
	"time"
)

// HostLimits are what one run allows itself on each host.
type HostLimits struct {
	// Rate is the largest number of pages a second; 0 means no limit.
	Rate float64
	// Burst is how many pages may be asked for at once after a pause. Default: 1.
	Burst int
	// Open is how many pages may be open at once. Default: 1.
	Open int
}

// Hosts holds the pace of every host over all runs of a process: how often it is asked,
// how many of its pages are open, and until when it wants to be left alone. Where runs
// with different limits visit one host at the same time, the strictest limit holds for
// all of them together. It is safe for several goroutines.
type Hosts struct {
	most int

	mu    sync.Mutex
	byKey map[string]*host
	idle  *list.List // *host without open, granted or waiting pages; least recently used first
}

// DefaultHosts is how many hosts NewHosts remembers by default.
const DefaultHosts = 10_000

// NewHosts makes the pace of at most the given number of hosts; 0 stands for
// DefaultHosts. The host that was idle longest is forgotten first; hosts with open pages
// are never forgotten, and are not more than the runs have tabs.
func NewHosts(most int) *Hosts {
	if most <= 0 {
		most = DefaultHosts
	}
	return &Hosts{most: most, byKey: make(map[string]*host), idle: list.New()}
}

// enter registers a run. The guest must leave at the run's end.
func (h *Hosts) enter(limits HostLimits) *guest {
	limits.Burst, limits.Open = max(limits.Burst, 1), max(limits.Open, 1)
	return &guest{
		hosts: h, limits: limits,
		waits: make(map[*host]struct{}), wake: make(chan struct{}, 1),
	}
}

// guest is one run as the hosts know it.
type guest struct {
	hosts  *Hosts
	limits HostLimits
	waits  map[*host]struct{} // where it stands in a queue; guarded by the hosts' lock
	wake   chan struct{}      // holds a value after a host that was asked for has changed
}

func (g *guest) notify() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// answer is what ask returns.
type answer struct {
	turn   *turn     // the turn, or nil
	at     time.Time // when to ask again; zero: when the guest is woken
	paused bool      // at is when the host may be asked again as it asked for
}

// ask asks for the host's next turn without waiting, and takes a place in its queue
// when there is none. crawlDelay is what robots.txt asks for; 0 when nothing.
func (g *guest) ask(key string, crawlDelay time.Duration) answer {
	h := g.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	host := h.get(key)
	host.admit(g, crawlDelay)
	now := time.Now()
	if _, ok := g.waits[host]; !ok {
		g.waits[host] = struct{}{}
		host.queue = append(host.queue, g)
	}
	switch {
	case host.queue[0] != g, host.granted != nil, host.open >= host.mostOpen():
		return answer{}
	case now.Before(host.until):
		return answer{at: host.until, paused: true}
	}
	if wait := host.pace(now); wait > 0 {
		return answer{at: now.Add(wait)}
	}
	host.queue = slices.Delete(host.queue, 0, 1)
	delete(g.waits, host)
	host.open++
	host.granted = &turn{host: host, guest: g}
	return answer{turn: host.granted}
}

// withdraw gives up the guest's place in every queue, so that it holds up nobody while
// it cannot take a turn.
func (g *guest) withdraw() {
	h := g.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	for host := range g.waits {
		i := slices.Index(host.queue, g)
		host.queue = slices.Delete(host.queue, i, i+1)
		host.changed(h)
	}
	clear(g.waits)
}

// leave ends the guest's stay: its limits no longer hold for others.
func (g *guest) leave() {
	g.withdraw()
	h := g.hosts
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, host := range h.byKey {
		if _, ok := host.guests[g]; ok {
			delete(host.guests, g)
			host.tune(time.Now())
			host.changed(h)
		}
	}
}

// get returns a host, and makes room for it.
func (h *Hosts) get(key string) *host {
	found := h.byKey[key]
	if found == nil {
		for len(h.byKey) >= h.most && h.idle.Len() > 0 {
			oldest := h.idle.Remove(h.idle.Front()).(*host)
			delete(h.byKey, oldest.key)
		}
		found = newHost(key)
		h.byKey[key] = found
	}
	if found.idle != nil {
		h.idle.Remove(found.idle)
		found.idle = nil
	}
	return found
}

// size is the number of hosts that are remembered.
func (h *Hosts) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.byKey)
}
