package local

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Ports are where the processes of a cluster listen: each field is the port of
// the first, the others follow it.
type Ports struct {
	Register    int
	Gateway     int // WebSocket
	Link        int // where workers attach to gateways
	Chat        int // where the api reaches workers of the chat
	API         int // the chat's page and its HTTP door
	Push        int // the HTTP door beside the page of an example
	Page        int // of the first worker's example; others serve none
	NATS        int
	RegisterOps int // health, metrics and profiles
	GatewayOps  int
	WorkerOps   int
	APIOps      int
	NATSOps     int
	BotsOps     int
}

// DefaultPorts are those of `make run` and `make example`. The page is at the same port
// in both, since a cluster has one or the other. NATS is not at 4222, where somebody may
// have one already.
func DefaultPorts() Ports {
	return Ports{
		Register: 1236, Gateway: 8282, Link: 2900, Chat: 2950, API: 8080, Push: 8081, Page: 8080, NATS: 4722,
		RegisterOps: 9600, GatewayOps: 9610, WorkerOps: 9650, APIOps: 9640, NATSOps: 9641, BotsOps: 9642,
	}
}

// From returns the default ports moved so that the first gateway listens on port:
// every port moves by the same amount.
func From(port int) Ports {
	p := DefaultPorts()
	by := port - p.Gateway
	for _, field := range p.fields() {
		*field += by
	}
	return p
}

func (p *Ports) fields() []*int {
	return []*int{
		&p.Register, &p.Gateway, &p.Link, &p.Chat, &p.API, &p.Push, &p.Page, &p.NATS,
		&p.RegisterOps, &p.GatewayOps, &p.WorkerOps, &p.APIOps, &p.NATSOps, &p.BotsOps,
	}
}

// Bounds of --port: below the first, some port would need privileges; above the
// last, one would not exist.
const (
	minPort = 1024 + 8282 - 1236
	maxPort = 65000 + 8282 - 9650
)

func isFree(host string, port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// taken describes every port of the cluster that another program holds.
func (c *Config) taken() []string {
	var list []string
	for _, w := range c.listeners() {
		if !isFree(w.host, w.port) {
			list = append(list, fmt.Sprintf("%d (%s)", w.port, w.what))
		}
	}
	return list
}

// listener is a port and what it is for.
type listener struct {
	host string
	port int
	what string
}

func (c *Config) listeners() []listener {
	var list []listener
	add := func(host string, n, first int, format string) {
		for i := range n {
			list = append(list, listener{host, first + i, fmt.Sprintf(format, i+1)})
		}
	}
	one := func(there bool, host string, port int, what string) {
		if there {
			list = append(list, listener{host, port, what})
		}
	}
	api, nats := c.Programs.API != "", c.Programs.NATS != ""
	add(c.Public, c.Gateways, c.Ports.Gateway, "WebSocket of gateway-%d")
	one(c.Page || api, c.Public, c.pagePort(), "page")
	one(c.Page && api, c.Public, c.apiPort(), "calls of backends")
	add(c.Host, c.Registers, c.Ports.Register, "register-%d")
	add(c.Host, c.Gateways, c.Ports.Link, "link of gateway-%d")
	if c.Chat {
		add(c.Host, c.Workers, c.Ports.Chat, "calls of worker-%d")
	}
	one(nats, c.Host, c.Ports.NATS, "NATS")
	add(c.Host, c.Registers, c.Ports.RegisterOps, "health of register-%d")
	add(c.Host, c.Gateways, c.Ports.GatewayOps, "health of gateway-%d")
	add(c.Host, c.Workers, c.Ports.WorkerOps, "health of worker-%d")
	one(api, c.Host, c.Ports.APIOps, "health of the api")
	one(nats, c.Host, c.Ports.NATSOps, "health of NATS")
	one(c.Programs.Bots != "", c.Host, c.Ports.BotsOps, "health of the bots")
	return list
}

// pagePort is where a page is served, by the api or by an example.
func (c *Config) pagePort() int {
	if c.Programs.API != "" && !c.Page {
		return c.Ports.API
	}
	return c.Ports.Page
}

// apiPort is where the api listens: it makes room for the page of an example.
func (c *Config) apiPort() int {
	if c.Page {
		return c.Ports.Push
	}
	return c.Ports.API
}

// CheckPorts returns an error of one line if a port is taken, with a --port for
// which all are free.
func (c *Config) CheckPorts() error {
	taken := c.taken()
	if len(taken) == 0 {
		return nil
	}
	what, is := "port ", " is"
	if len(taken) > 1 {
		what, is = "ports ", " are"
	}
	line := what + strings.Join(taken, ", ") + is + " taken by another program: stop it, or move all ports"
	other := *c
	for port := c.Ports.Gateway + 1000; port <= maxPort; port += 1000 {
		if other.Ports = From(port); len(other.taken()) == 0 {
			return fmt.Errorf("%s, for example with PORT=%d", line, port)
		}
	}
	return fmt.Errorf("%s with PORT=", line)
}
