// Package clientaddr tells from where a client comes when balancers stand before the
// process that asks. It believes nobody but those that an operator named.
package clientaddr

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are addresses of balancers, and networks of them. None: nobody is believed.
type Proxies []netip.Prefix

// Parse reads addresses, and networks like 10.0.0.0/24.
func Parse(list []string) (p Proxies, err error) {
	for _, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if addr, single := netip.ParseAddr(s); single == nil {
			prefix, err = netip.PrefixFrom(addr.WithZone(""), addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network like 10.0.0.0/24", s)
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

// Client is Find for a peer as net/http has it, "ip:port".
func (p Proxies) Client(peer string, h http.Header) string {
	if len(p) == 0 {
		return peer
	}
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return peer
	}
	if found := p.Find(at, h); found != at {
		return found.String()
	}
	return peer
}

// Find says from where a client comes. It is the peer of the socket, unless that is one
// of the proxies: then it is the last address in X-Forwarded-For that is none of theirs,
// because what stands before it is what somebody claims. Its port is 0.
func (p Proxies) Find(peer netip.AddrPort, h http.Header) netip.AddrPort {
	if !p.Has(peer.Addr()) {
		return peer
	}
	found := peer
	hops := strings.Split(strings.Join(h.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // no proxy of ours wrote that
		}
		found = netip.AddrPortFrom(addr.Unmap().WithZone(""), 0)
		if !p.Has(addr) {
			break
		}
	}
	return found
}

// Has is whether addr is that of a proxy.
func (p Proxies) Has(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
