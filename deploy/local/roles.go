package local

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-im/parley/deploy/local/netlab"
	"github.com/parley-im/parley/deploy/local/proc"
)

// What every role is started with; each flag has its row in docs/operating.md.

func (c *Config) register(i int) proc.Spec {
	return c.spec(role{
		name: fmt.Sprintf("register-%d", i+1), program: c.Programs.Register, opsPort: c.Ports.RegisterOps + i,
		args: append([]string{"--listen", c.addr(c.Ports.Register + i)}, c.RegisterArgs...),
	})
}

func (c *Config) gateway(i int) proc.Spec {
	return c.spec(role{
		name: fmt.Sprintf("gateway-%d", i+1), program: c.Programs.Gateway, opsPort: c.Ports.GatewayOps + i,
		args: append([]string{
			"--listen", at(c.Public, c.Ports.Gateway+i), "--link-listen", c.addr(c.Ports.Link + i),
			"--register", c.registers(),
		}, c.GatewayArgs...),
	})
}

func (c *Config) worker(i int) proc.Spec {
	r := role{
		name: fmt.Sprintf("worker-%d", i+1), program: c.Programs.Worker, opsPort: c.Ports.WorkerOps + i,
		args: []string{"--register", c.registers()},
	}
	host := c.Host
	if i < len(c.Nodes) {
		r.node = c.Nodes[i]
		host = r.node.Addr
	}
	if c.Chat {
		r.args = append(r.args, "--chat-listen", at(host, c.Ports.Chat+i))
	}
	if c.Programs.NATS != "" {
		r.args = append(r.args, "--nats", c.natsURL())
	}
	r.args = append(r.args, c.WorkerArgs...)
	if pools := len(c.WorkerPools); pools > 0 {
		r.args = append(r.args, c.WorkerPools[i%pools]...)
	}
	if c.Page && i == 0 {
		r.env = []string{"PARLEY_PAGE=" + c.addr(c.Ports.Page), "PARLEY_GATEWAYS=" + c.gateways()}
	}
	return c.spec(r)
}

func (c *Config) api() proc.Spec {
	spec := c.spec(role{
		name: "api", program: c.Programs.API, opsPort: c.Ports.APIOps,
		args: append([]string{"--listen", at(c.Public, c.apiPort()), "--register", c.registers()}, c.APIArgs...),
	})
	if c.Page {
		spec.Ops = "" // beside an example: it is ready when it can call workers of the chat, and there are none
	}
	return spec
}

// feeder pushes to the clients of an example. It is no process of ours: it has no flags but
// its own.
func (c *Config) feeder() proc.Spec {
	return proc.Spec{
		Name: "feeder", Path: c.Programs.Feeder, Args: []string{"--push", "http://" + c.addr(c.apiPort()) + "/push/v1/send"},
		Env: append([]string{"PARLEY_PUSH_KEY=" + c.PushKey}, c.Env...),
	}
}

func (c *Config) nats() proc.Spec {
	return c.spec(role{
		name: "nats", program: c.Programs.NATS, opsPort: c.Ports.NATSOps, stranger: true,
		args: append([]string{"--listen", c.addr(c.Ports.NATS)}, c.NATSArgs...),
	})
}

func (c *Config) bots() proc.Spec {
	return c.spec(role{
		name: "bots", program: c.Programs.Bots, command: []string{"bots"}, opsPort: c.Ports.BotsOps, stranger: true,
		args: append([]string{"--gateways", c.gateways()}, c.BotsArgs...),
	})
}

// role is what differs from process to process.
type role struct {
	name, program string
	command       []string // before all flags
	opsPort       int
	args, env     []string
	node          *netlab.Node // nil: our own network
	stranger      bool         // no member of the cluster: it knows no secret
}

func (c *Config) spec(r role) proc.Spec {
	host, netns := c.Host, ""
	if r.node != nil {
		host, netns = r.node.Addr, r.node.Netns // its loopback is not ours
	}
	ops := at(host, r.opsPort)
	args := slices.Concat(r.command, []string{"--name", r.name, "--ops-listen", ops, "--log-format", "json"}, r.args)
	if c.SecretFile != "" && !r.stranger {
		args = append(args, "--secret-file", c.SecretFile)
	}
	return proc.Spec{
		Name: r.name, Path: r.program, Args: args, Env: append(r.env, c.Env...), Ops: ops, Netns: netns,
	}
}

func at(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func (c *Config) addr(port int) string { return at(c.Host, port) }

// registers lists the addresses of all registers, as --register takes them.
func (c *Config) registers() string {
	var list []string
	for i := range c.Registers {
		list = append(list, c.addr(c.Ports.Register+i))
	}
	return strings.Join(list, ",")
}

// gateways lists the addresses of all gateways, as pages of examples take them.
func (c *Config) gateways() string {
	var list []string
	for i := range c.Gateways {
		list = append(list, c.gatewayURL(i))
	}
	return strings.Join(list, ",")
}

func (c *Config) natsURL() string { return "nats://" + c.addr(c.Ports.NATS) }

func (c *Config) gatewayURL(i int) string { return "ws://" + c.addr(c.Ports.Gateway+i) + "/" }
