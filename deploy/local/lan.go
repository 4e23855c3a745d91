package local

import (
	"errors"
	"net"
	"net/netip"
)

// lanAddress is the address under which others in the same network reach this machine.
func lanAddress() (string, error) {
	// The kernel chooses the address by its routes; nothing is sent. The other end is an
	// address for documentation, which nobody has.
	if c, err := net.Dial("udp4", "192.0.2.1:9"); err == nil {
		at := c.LocalAddr().String()
		c.Close()
		if a, err := netip.ParseAddrPort(at); err == nil && reachable(a.Addr()) {
			return a.Addr().String(), nil
		}
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && reachable(p.Addr()) {
			return p.Addr().String(), nil
		}
	}
	return "", errors.New("LAN=1: this machine is in no network: there is no address but loopback")
}

func reachable(a netip.Addr) bool {
	a = a.Unmap()
	return a.Is4() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !a.IsUnspecified()
}
