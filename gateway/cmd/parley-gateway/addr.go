package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"

	"github.com/parley-im/parley/register/clientaddr"
)

// checkAddr says what is wrong with an address to listen on, the value of the flag.
// It asks no name server: whether a host is there shows when it is listened on.
func checkAddr(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("--%s: %q is not host:port", flag, addr)
	}
	if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		return fmt.Errorf("--%s: %q has no port that there is", flag, addr)
	}
	return nil
}

// checkReachable is checkAddr for an address that others dial; empty: none is given.
func checkReachable(flag, addr string) error {
	if addr == "" {
		return nil
	}
	if err := checkAddr(flag, addr); err != nil {
		return err
	}
	if host, port, _ := net.SplitHostPort(addr); host == "" || port == "0" {
		return fmt.Errorf("--%s: %q names no host and port that can be dialled", flag, addr)
	}
	return nil
}

// checkLinks wants an address at which workers reach what listens everywhere.
func checkLinks(listen, addr string) error {
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err != nil || addr != "" || host != "" && (ip == nil || !ip.IsUnspecified()) {
		return nil
	}
	return fmt.Errorf("--link-addr: needed, because --link-listen %s is not an address that workers can dial", listen)
}

// checkProxies wants addresses and networks.
func checkProxies(flag string, list []string) error {
	if _, err := clientaddr.Parse(list); err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return nil
}

// checkURL wants what a client can dial; empty: none is given.
func checkURL(flag, value string) error {
	if value == "" {
		return nil
	}
	if u, err := url.Parse(value); err != nil || u.Host == "" || !slices.Contains([]string{"ws", "wss", "http", "https"}, u.Scheme) {
		return fmt.Errorf("--%s: %q is no URL like wss://chat.example.com", flag, value)
	}
	return nil
}

// guarded asks for a secret where workers attach from other machines. What is no
// address is named already.
func (c *config) guarded() error {
	if checkAddr("link-listen", c.LinkListen) != nil {
		return nil
	}
	return c.Guarded("link-listen", c.LinkListen)
}
