package clustertest

import (
	"cmp"
	"context"
	"net"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
)

// gatewayRun is a gateway that runs, and where.
type gatewayRun struct {
	node           string
	clients, links string // addresses
	stop           func()
}

// RestartGateway drains a gateway and starts another of the same name at the same
// addresses, as an operator does. Workers have yet to find it when it returns.
func (c *Cluster) RestartGateway(i int) {
	c.t.Helper()
	old := c.gateways[i]
	old.stop()
	c.gateways[i] = c.startGateway(old.node, old.clients, old.links)
}

func (c *Cluster) startGateway(node, clientsAddr, linksAddr string) *gatewayRun {
	t := c.t
	t.Helper()
	limits := c.cfg.Limits
	limits.DrainWindow = cmp.Or(limits.DrainWindow, 10*time.Millisecond)
	id := handshake.Identity{Cluster: name, Role: "gateway", Node: node, Boot: handshake.NewBoot(), Build: "test"}
	directory, err := register.New(register.Config{
		Registers: []string{c.register}, Identity: id, Secrets: c.cfg.Secrets, TLS: c.cfg.mutual(t), Log: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	registertest.Run(t, directory)
	clients, links := listen(t, clientsAddr), listen(t, linksAddr)
	g, err := gateway.New(gateway.Config{
		Identity: id, Secrets: c.cfg.Secrets, LinkTLS: c.cfg.mutual(t), Clients: clients, Links: links, Directory: directory,
		Log: silent, Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &gatewayRun{node, clients.Addr().String(), links.Addr().String(), run(t, ctx, cancel, g.Run)}
}

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
