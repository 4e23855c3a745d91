// Command parley-gateway holds the sockets of clients and forwards frames to
// workers. docs/operating.md has its flags.
package main

import (
	"errors"

	"github.com/parley-im/parley/register/node"
)

func main() { node.Main("gateway", new(config)) }

// Validate reports everything wrong at once.
func (c *config) Validate() error {
	return errors.Join(
		c.ValidateMembership(c.Membership),
		checkAddr("listen", c.Listen),
		checkAddr("link-listen", c.LinkListen),
		c.guarded(),
		checkReachable("link-addr", c.LinkAddr),
		checkLinks(c.LinkListen, c.LinkAddr),
		checkProxies("trusted-proxy", c.TrustedProxy),
		c.spoken(),
		checkURL("public-url", c.PublicURL),
		c.ClientTLS.Validate("client-"),
		c.limits().Validate(),
	)
}

// New opens the listeners and builds the gateway.
func (c *config) New(n *node.Node) (node.Service, error) {
	g, err := c.build(n)
	if err != nil {
		return nil, err
	}
	n.Ready("gateway", g.Ready)
	n.OnReload(func(next node.Program) {
		c := next.(*config)
		g.SetSecrets(c.Secrets())
		if err := g.SetLimits(c.limits()); err != nil {
			n.Log().Error("limits not taken over", "err", err)
		}
		if err := g.SetWorkerLabels(c.WorkerLabel); err != nil {
			n.Log().Error("worker labels not taken over", "err", err)
		}
	})
	return tidied{g}, nil
}

var _ node.Service = tidied{}
