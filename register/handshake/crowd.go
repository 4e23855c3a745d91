package handshake

import (
	"net"
	"sync"
)

// Crowd counts who is here and has not proved anything yet, in all and by host, up
// to a bound for each: a host that comes many times and says nothing keeps itself
// out, not the others. Any goroutine may use it; it never blocks.
type Crowd struct {
	max, maxHost int

	mu    sync.Mutex // guards what follows
	all   int
	hosts map[string]int
}

// NewCrowd makes one for max in all, maxHost of them from one host.
func NewCrowd(max, maxHost int) *Crowd {
	return &Crowd{max: max, maxHost: maxHost, hosts: map[string]int{}}
}

// Enter says whether there is room for one more of host; then Leave must follow.
func (c *Crowd) Enter(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.max || c.hosts[host] >= c.maxHost {
		return false
	}
	c.all++
	c.hosts[host]++
	return true
}

// Leave ends one stay of host.
func (c *Crowd) Leave(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.hosts[host]--; c.hosts[host] == 0 {
		delete(c.hosts, host)
	}
}

// Host is an address without its port: who is counted as one in a Crowd.
func Host(addr net.Addr) string {
	if host, _, err := net.SplitHostPort(addr.String()); err == nil {
		return host
	}
	return addr.String()
}
