package main

import (
	"crypto/tls"
	"errors"
	"strconv"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/node"
)

// config is the flags of parley-gateway.
type config struct {
	node.Config
	node.Membership

	Listen        string        `default:"127.0.0.1:8282" help:"Where WebSocket clients connect."`
	LinkListen    string        `default:"127.0.0.1:2900" help:"Where workers attach."`
	LinkAddr      string        `placeholder:"HOST:PORT" help:"Under which address workers reach link-listen, if it is another."`
	PublicURL     string        `name:"public-url" placeholder:"URL" help:"Where clients reach this gateway; empty: the port of --listen, at the host they asked for."`
	TrustedProxy  []string      `placeholder:"ADDRESS" help:"Addresses of balancers, or networks like 10.0.0.0/24, which say from where a client comes: by X-Forwarded-For, or as --proxy-protocol says; empty: none."`
	ProxyProtocol bool          `help:"Conns of --trusted-proxy begin with a PROXY protocol header, version 2, before TLS; those of others must not."`
	ClientTLS     node.TLSFiles `embed:"" prefix:"client-" set:"whom=for clients"`

	WorkerLabel map[string]string `reload:"" mapsep:"," placeholder:"KEY=VALUE" help:"Labels that a worker must have to be given conns of this gateway; none: any worker."`

	MaxConns           int           `reload:"" help:"Conns at once; more get 503, or over TLS a closed socket. 0: what the descriptor limit allows."`
	MaxConnsPerIP      int           `reload:"" name:"max-conns-per-ip" help:"Conns of one address at once; an IPv6 /64 counts as one. 0: no limit."`
	HandshakeRate      float64       `reload:"" default:"${handshake_rate}" help:"Handshakes per second of all clients; more get 503, or over TLS a closed socket. Negative: no limit."`
	MaxHandshakesPerIP float64       `reload:"" name:"max-handshakes-per-ip" help:"Handshakes per second of one address; an IPv6 /64 counts as one. Bursts of a second's worth, one at least, are let in; more get 429, or over TLS a closed socket. 0: no limit."`
	MaxFrameBytes      int           `reload:"" default:"${max_frame_bytes}" help:"Bytes of one inbound message."`
	MaxSessionBytes    int           `default:"${max_session_bytes}" help:"Bytes of a conn's session."`
	MaxGroupsPerConn   int           `reload:"" default:"${max_groups_per_conn}" help:"Groups that a conn may be in."`
	FrameRate          float64       `reload:"" default:"${frame_rate}" help:"Inbound frames per second and conn, above which it is read more slowly; negative: no limit."`
	ByteRate           float64       `reload:"" default:"${byte_rate}" help:"Inbound bytes per second and conn, likewise."`
	QueueBytes         int           `reload:"" default:"${queue_bytes}" help:"Bytes that wait for one conn; a slower one is closed with 4001."`
	QueueSum           int64         `reload:"" help:"Bytes that wait for all conns. 0: a quarter of the memory."`
	UnackedSum         int64         `default:"${unacked_sum}" help:"Bytes of memory held for events that no worker has acknowledged; above, conns are not read."`
	PingInterval       time.Duration `reload:"" default:"${ping_interval}" help:"Time between pings."`
	IdleTimeout        time.Duration `reload:"" default:"${idle_timeout}" help:"Silence after which a conn is closed with 4002."`
	OpenTimeout        time.Duration `reload:"" default:"${open_timeout}" help:"Time a worker has to answer a handshake."`
	WriteTimeout       time.Duration `reload:"" default:"${write_timeout}" help:"Time without a socket taking a byte or the peer acknowledging one, after which it is cut."`
	EventTries         int           `default:"${event_tries}" help:"Tries that an event has whose handling costs workers; the last is alone on its worker."`
	WorkerPatience     time.Duration `default:"${worker_patience}" help:"Silence after which a worker is given up and its conns move."`
	SlowStart          time.Duration `reload:"" default:"${slow_start}" help:"Time until a worker that has attached gets its whole share of new conns; negative: at once."`
	Rebalance          float64       `reload:"" default:"${rebalance}" help:"Percent of the conns that move per second at most, idle ones, while workers have uneven shares; negative: none."`
	DoorsTimeout       time.Duration `default:"${doors_timeout}" help:"Time known workers have to attach before clients are let in without them."`
	DrainWindow        time.Duration `default:"${drain_window}" help:"Time over which clients are sent away on SIGTERM."`
	Origin             []string      `reload:"" help:"Allowed Origin hosts, *.example.com for those below; empty: any."`
	TextPing           string        `help:"Text message sent with every ping, for clients that cannot see pings; empty: none."`
	Deflate            bool          `help:"Offer permessage-deflate, without context takeover."`
}

// Vars names the defaults, which live in package gateway.
func (c *config) Vars() map[string]string {
	d := gateway.DefaultLimits()
	return map[string]string{
		"max_frame_bytes": strconv.Itoa(d.MaxFrameBytes), "max_session_bytes": strconv.Itoa(d.MaxSessionBytes),
		"max_groups_per_conn": strconv.Itoa(d.MaxGroupsPerConn),
		"handshake_rate":      strconv.FormatFloat(d.HandshakeRate, 'f', -1, 64),
		"frame_rate":          strconv.FormatFloat(d.FrameRate, 'f', -1, 64), "byte_rate": strconv.FormatFloat(d.ByteRate, 'f', -1, 64),
		"queue_bytes": strconv.Itoa(d.QueueBytes), "unacked_sum": strconv.FormatInt(d.UnackedSum, 10),
		"ping_interval": d.PingInterval.String(), "idle_timeout": d.IdleTimeout.String(),
		"open_timeout": d.OpenTimeout.String(), "write_timeout": d.WriteTimeout.String(),
		"event_tries": strconv.Itoa(d.EventTries), "worker_patience": d.WorkerPatience.String(), "slow_start": d.SlowStart.String(), "rebalance": strconv.FormatFloat(d.Rebalance, 'f', -1, 64),
		"doors_timeout": d.DoorsTimeout.String(),
		"drain_window":  d.DrainWindow.String(),
	}
}

func (c *config) limits() gateway.Limits {
	return gateway.Limits{
		MaxConns: c.MaxConns, MaxConnsPerIP: c.MaxConnsPerIP, MaxFrameBytes: c.MaxFrameBytes,
		HandshakeRate: c.HandshakeRate, MaxHandshakesPerIP: c.MaxHandshakesPerIP,
		MaxSessionBytes: c.MaxSessionBytes, MaxGroupsPerConn: c.MaxGroupsPerConn,
		FrameRate: c.FrameRate, ByteRate: c.ByteRate, QueueBytes: c.QueueBytes, QueueSum: c.QueueSum, UnackedSum: c.UnackedSum,
		PingInterval: c.PingInterval, IdleTimeout: c.IdleTimeout, OpenTimeout: c.OpenTimeout, WriteTimeout: c.WriteTimeout,
		EventTries: c.EventTries, WorkerPatience: c.WorkerPatience, SlowStart: c.SlowStart, Rebalance: c.Rebalance, DoorsTimeout: c.DoorsTimeout, DrainWindow: c.DrainWindow,
		Origins: c.Origin, TextPing: c.TextPing, Deflate: c.Deflate,
	}
}

// spoken wants to know who may speak the PROXY protocol.
func (c *config) spoken() error {
	if c.ProxyProtocol && len(c.TrustedProxy) == 0 {
		return errors.New("--proxy-protocol: needs --trusted-proxy, which names who may speak it")
	}
	return nil
}

func (c *config) build(n *node.Node) (*gateway.Gateway, error) {
	clients, err := n.ListenBy("listen", c.Listen, gateway.Listen)
	if err != nil {
		return nil, err
	}
	links, err := n.Listen("link-listen", c.LinkListen)
	if err != nil {
		return nil, err
	}
	proxies, err := clientaddr.Parse(c.TrustedProxy)
	if err != nil {
		return nil, err
	}
	directory, err := n.Client(c.Membership)
	if err != nil {
		return nil, err
	}
	var clientTLS *tls.Config
	if clientTLS, err = n.TLS(c, "client-", func(p node.Program) node.TLSFiles { return p.(*config).ClientTLS }); err != nil {
		return nil, err
	}
	return gateway.New(gateway.Config{
		Identity: n.Identity(), Secrets: n.Secrets(), Labels: c.Label,
		Clients: clients, ClientTLS: clientTLS,
		Links: links, LinkTLS: n.ServerTLS(), LinkAddr: c.LinkAddr, PublicURL: c.PublicURL, Proxies: proxies, ProxyProtocol: c.ProxyProtocol,
		WorkerLabels: c.WorkerLabel,
		OnDrainAsked: n.Drain,
		Directory:    directory, Log: n.Log(), Metrics: n.Metrics(), Limits: c.limits(),
	})
}
