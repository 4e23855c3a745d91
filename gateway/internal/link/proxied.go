package link

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// remoteOf is from where a client comes, "ip:port". It is the peer of the socket, unless
// that is a proxy we trust: then it is the last address in X-Forwarded-For that is none
// of theirs, because what stands before it is what somebody claims. Its port is 0.
func remoteOf(peer net.Addr, r *http.Request, trusted []netip.Prefix) string {
	if len(trusted) == 0 {
		return peer.String()
	}
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil || !within(at.Addr(), trusted) {
		return peer.String()
	}
	origin := peer.String()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // nobody we trust wrote that
		}
		origin = netip.AddrPortFrom(addr.Unmap().WithZone(""), 0).String()
		if !within(addr, trusted) {
			break
		}
	}
	return origin
}

func within(addr netip.Addr, list []netip.Prefix) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
