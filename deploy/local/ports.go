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
	Page        int // of the first worker's example; others serve none
	RegisterOps int // health, metrics and profiles
	GatewayOps  int
	WorkerOps   int
}

// DefaultPorts are those of `make run`.
func DefaultPorts() Ports {
	return Ports{
		Register: 1236, Gateway: 8282, Link: 2900, Page: 8080,
		RegisterOps: 9600, GatewayOps: 9610, WorkerOps: 9650,
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
	return []*int{&p.Register, &p.Gateway, &p.Link, &p.Page, &p.RegisterOps, &p.GatewayOps, &p.WorkerOps}
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
		if !isFree(c.Host, w.port) {
			list = append(list, fmt.Sprintf("%d (%s)", w.port, w.what))
		}
	}
	return list
}

// listener is a port and what it is for.
type listener struct {
	port int
	what string
}

func (c *Config) listeners() []listener {
	var list []listener
	add := func(n, first int, format string) {
		for i := range n {
			list = append(list, listener{first + i, fmt.Sprintf(format, i+1)})
		}
	}
	add(c.Gateways, c.Ports.Gateway, "WebSocket of gateway-%d")
	if c.Page {
		list = append(list, listener{c.Ports.Page, "page"})
	}
	add(c.Registers, c.Ports.Register, "register-%d")
	add(c.Gateways, c.Ports.Link, "link of gateway-%d")
	add(c.Registers, c.Ports.RegisterOps, "health of register-%d")
	add(c.Gateways, c.Ports.GatewayOps, "health of gateway-%d")
	add(c.Workers, c.Ports.WorkerOps, "health of worker-%d")
	return list
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
