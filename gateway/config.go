package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/handshake"
)

// Directory is what a gateway needs of the register: register.Client is one.
type Directory interface {
	Join(register.Member) error
	Leave(context.Context) error
	SetLoad(load uint32)
	Watch(role string) *register.View
	LinkAlive(boot uint64, alive bool)
}

var _ Directory = (*register.Client)(nil)

// Config is what a Gateway is made from. Identity, Clients and Links must be
// given; every other zero value becomes the default beside it.
type Config struct {
	Identity handshake.Identity // of role "gateway"
	Secrets  []string           // of the cluster; empty only on loopback or with mutual TLS
	Labels   map[string]string  // told to the register

	Clients   net.Listener // where WebSocket clients come in; Listen makes one
	ClientTLS *tls.Config  // nil: ws, not wss
	Links     net.Listener // where workers attach
	LinkTLS   *tls.Config  // nil: for a trusted network only
	LinkAddr  string       // host:port under which workers reach Links; "": its own address
	// Proxies say from where a client comes, which workers are told and limits of an
	// address count: by X-Forwarded-For and, with ProxyProtocol, first by a header of the
	// PROXY protocol, version 2, that each of their conns must begin with, before TLS.
	// Nobody else may send one.
	Proxies       clientaddr.Proxies
	ProxyProtocol bool

	PublicURL string // where clients reach Clients; "": the port of Clients, at the host that a client asked for

	// WorkerLabels, if there are any, are those that a worker must have to be given conns
	// of this gateway. Other workers attach all the same, and send.
	WorkerLabels map[string]string

	// OnDrainAsked is called when a process of the cluster asks this gateway to drain, maybe
	// more than once: a process with more to end than a Gateway begins that here, and ends
	// the context of Run. It must not block. nil: Run begins to drain by itself.
	OnDrainAsked func()

	Directory Directory             // nil: nobody finds the gateway, and its doors open at once
	Log       *slog.Logger          // nil: nothing is logged
	Metrics   prometheus.Registerer // nil: nothing is measured

	Limits Limits
}

// Limits bound what clients and workers may cost and how long things may take.
// A zero means the default.
type Limits struct {
	MaxConns      int // 0: what the descriptor limit allows
	MaxConnsPerIP int // 0: no limit; an IPv6 /64 counts as one

	HandshakeRate      float64 // 2000 per second, all clients, then 503; negative: no limit
	MaxHandshakesPerIP float64 // per second, with bursts of a second's worth, one at least; 0: no limit

	MaxFrameBytes    int           // 64 KiB of one inbound message
	MaxSessionBytes  int           // 16 KiB
	MaxGroupsPerConn int           // 1000
	FrameRate        float64       // 5000 inbound frames per second and conn, then it is read more slowly; negative: no limit
	ByteRate         float64       // 8 MiB inbound per second and conn, likewise
	QueueBytes       int           // 1 MiB outbound, one conn
	QueueSum         int64         // outbound, all conns; 0: a quarter of the memory
	UnackedSum       int64         // 256 MiB of memory held for events that no worker has acknowledged
	PingInterval     time.Duration // 25 s
	IdleTimeout      time.Duration // 60 s without any byte from the client
	OpenTimeout      time.Duration // 5 s for a worker to answer a handshake
	WriteTimeout     time.Duration // 5 s without the socket taking a byte or the peer acknowledging one
	EventTries       int           // 4 tries that an event has whose handling costs workers; the last is alone on its worker
	WorkerPatience   time.Duration // 3 s of silence, and a worker is given up
	SlowStart        time.Duration // 10 s until a worker that has attached gets its whole share of new conns; negative: at once
	Rebalance        float64       // 1 percent of the conns, idle ones, moves per second at most while shares are uneven; negative: none
	DoorsTimeout     time.Duration // 5 s for the known workers to attach; then clients are let in without them
	DrainWindow      time.Duration // 10 s over which clients are sent away
	Origins          []string      // allowed Origin hosts; empty: any
	TextPing         string        // sent as a text message with every ping; empty: none
	Deflate          bool          // offer permessage-deflate
}

// DefaultLimits are the values that zeros stand for, where they do not depend on
// the machine.
func DefaultLimits() Limits {
	return Limits{
		MaxFrameBytes: 64 << 10, MaxSessionBytes: 16 << 10, MaxGroupsPerConn: 1000,
		HandshakeRate: 2000, FrameRate: 5000, ByteRate: 8 << 20, QueueBytes: 1 << 20, UnackedSum: 256 << 20,
		PingInterval: 25 * time.Second, IdleTimeout: 60 * time.Second,
		OpenTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		EventTries: 4, WorkerPatience: 3 * time.Second, SlowStart: 10 * time.Second, Rebalance: 1, DoorsTimeout: 5 * time.Second, DrainWindow: 10 * time.Second,
	}
}

// Validate reports everything that is wrong at once, naming the flags.
func (c *Config) Validate() error {
	var errs []error
	if c.Clients == nil {
		errs = append(errs, errors.New("listen: no listener for clients"))
	}
	if c.Links == nil {
		errs = append(errs, errors.New("link-listen: no listener for workers"))
	} else if err := handshake.Guarded(c.Links.Addr().String(), c.Secrets, handshake.MutualServer(c.LinkTLS)); err != nil {
		errs = append(errs, fmt.Errorf("link-listen: %w", err))
	}
	if c.Identity.Role != "gateway" {
		errs = append(errs, fmt.Errorf("role is %q: want \"gateway\"", c.Identity.Role))
	}
	errs = append(errs, c.Identity.Validate(), c.Limits.Validate())
	return errors.Join(errs...)
}

// minGroupsPerConn is what a session of the chat takes: a group for its sign-in, and one
// for the end of its token.
const minGroupsPerConn = 2

// Validate reports everything that is wrong at once, naming the flags.
func (l Limits) Validate() error {
	var errs []error
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"doors-timeout", l.DoorsTimeout}, {"drain-window", l.DrainWindow},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %v: want a positive time, or 0 for the default", d.flag, d.value))
		}
	}
	switch n := l.MaxGroupsPerConn; {
	case n < 0 || n > link.MaxGroupsPerConn:
		errs = append(errs, fmt.Errorf("max-groups-per-conn is %d: want at most %d, what one record of the link holds", n, link.MaxGroupsPerConn))
	case n > 0 && n < minGroupsPerConn:
		errs = append(errs, fmt.Errorf("max-groups-per-conn is %d: want at least %d, or 0 for the default: a session of the chat is in that many, and none would open", n, minGroupsPerConn))
	}
	c := Config{Limits: l}
	errs = append(errs, c.sockets().Validate(), c.links().CheckLimits())
	return errors.Join(errs...)
}
