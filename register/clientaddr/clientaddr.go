// Package clientaddr tells from where a client comes when balancers stand before the
// process that asks. It believes nobody but those that an operator named.
package clientaddr

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
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
	if found, _ := p.Find(at, h); found != at {
		return found.String()
	}
	return peer
}

// Find says from where a client comes. It is the peer of the socket, unless that is one
// of the proxies: then it is the last address in X-Forwarded-For that is none of theirs,
// because what stands before it is what somebody claims. Its port is 0, also where the
// proxy writes one. An error says that the header is there and the client not to be read
// from it, where no header says that the proxy speaks for itself; what is found is then
// the last proxy that is known.
func (p Proxies) Find(peer netip.AddrPort, h http.Header) (netip.AddrPort, error) {
	lines := h.Values("X-Forwarded-For")
	if !p.Has(peer.Addr()) || len(lines) == 0 {
		return peer, nil
	}
	found := peer
	for _, hop := range slices.Backward(strings.Split(strings.Join(lines, ","), ",")) {
		hop = strings.TrimSpace(hop)
		addr, ok := parseHop(hop)
		if !ok {
			return found, fmt.Errorf("X-Forwarded-For: %.64q is no address", hop)
		}
		found = netip.AddrPortFrom(addr.Unmap().WithZone(""), 0)
		if !p.Has(addr) {
			break
		}
	}
	return found, nil
}

// parseHop reads an address as proxies write it: alone, in brackets, or with a port.
func parseHop(hop string) (addr netip.Addr, ok bool) {
	if at, err := netip.ParseAddrPort(hop); err == nil {
		return at.Addr(), true
	}
	if inner, bracket := strings.CutPrefix(hop, "["); bracket {
		inner, bracket = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return addr, err == nil && bracket && addr.Is6()
	}
	addr, err := netip.ParseAddr(hop)
	return addr, err == nil
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
