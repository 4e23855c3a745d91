package ws

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"time"

	"github.com/parley-im/parley/register/clientaddr"
)

// Config is what a Server is made of. Its zero value runs.
type Config struct {
	Limits

	// Flushers is how many goroutines write to sockets. 0: GOMAXPROCS.
	Flushers int

	// Deflate offers permessage-deflate, without context takeover: a shared
	// frame is compressed once for all conns that negotiated it.
	Deflate bool
	// DeflateThreshold is the body size below which nothing is compressed. 0: 512.
	DeflateThreshold int

	// TextPing is sent as a text message with every ping, for clients in
	// browsers, whose scripts cannot see control pings. Empty: none.
	TextPing string

	// Proxies are trusted to say for whom they dial: by X-Forwarded-For and, with
	// ProxyProtocol, first by a header of the PROXY protocol, version 2. With ProxyProtocol
	// each of their conns must begin with one, before TLS, and nobody else's may.
	Proxies       clientaddr.Proxies
	ProxyProtocol bool

	// Log gets what operators should know. nil: discarded.
	Log *slog.Logger
}

// maxHandshakes is the default of Limits.MaxHandshakes.
const maxHandshakes = 1024

// Limits bound what clients may cost. They can be changed while the server runs
// (Server.SetLimits). A zero means the default; a negative rate or count where
// the comment says so means none.
type Limits struct {
	MaxConns      int     // 0: the process's descriptor limit, less a reserve; not counting those that are being told no
	MaxConnsPerIP int     // 0: no limit; an IPv6 /64 counts as one
	MaxHandshakes int     // under way at once; 0: maxHandshakes, or less where descriptors are few
	HandshakeRate float64 // per second; 0: 2000, negative: no limit

	// MaxHandshakesPerIP is per second and address, counted like MaxConnsPerIP, with bursts
	// of a second's worth, one at least. 0: no limit. Both count the client that a proxy
	// names; those of X-Forwarded-For only when the request is there.
	MaxHandshakesPerIP float64

	HandshakeTimeout time.Duration // TLS and request header; 0: 5 s
	OpenTimeout      time.Duration // Handler.Open; 0: 5 s
	MaxHeaderBytes   int           // request line and header; 0: 8 KiB

	Origins []string // allowed Origin hosts, "*.example.com" for those below; empty: all
	Hosts   []string // allowed Host names, likewise

	MaxFrameBytes int     // one inbound message; 0: 64 KiB
	FrameRate     float64 // inbound frames per second and conn; 0: 500, negative: no limit
	ByteRate      float64 // inbound bytes per second and conn; 0: 4 MiB, negative: no limit
	InboundSum    int64   // bytes of messages half read, all conns; 0: a sixteenth of memory

	QueueBytes int   // outbound queue of one conn; 0: 1 MiB
	QueueSum   int64 // all outbound queues; 0: a quarter of memory

	PingInterval   time.Duration // 0: 25 s
	IdleTimeout    time.Duration // without any byte from the peer; 0: 60 s
	NapAfter       time.Duration // silent so long a conn gives back its goroutine; 0: 5 s, negative: never
	MessageTimeout time.Duration // first to last byte of one message; 0: 30 s
	WriteTimeout   time.Duration // without the socket taking a byte or the peer acknowledging one; also for a close to leave; 0: 5 s
	CloseWait      time.Duration // for the peer's close frame, then for the end of its stream; 0: 1 s
	MoveWait       time.Duration // for what is owed to a peer that is to move; 0: 5 s
}

// Validate names everything that is wrong at once.
func (c Config) Validate() error {
	err := []error{c.Limits.Validate()}
	if c.Flushers < 0 {
		err = append(err, errors.New("flushers: must not be negative"))
	}
	if c.ProxyProtocol && len(c.Proxies) == 0 {
		err = append(err, errors.New("proxy-protocol: needs trusted-proxy, which names who may speak it"))
	}
	if c.DeflateThreshold < 0 {
		err = append(err, errors.New("deflate-threshold: must not be negative"))
	}
	return errors.Join(err...)
}

// Validate names everything that is wrong at once.
func (l Limits) Validate() error {
	var err []error
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"max-conns", int64(l.MaxConns)}, {"max-conns-per-ip", int64(l.MaxConnsPerIP)},
		{"max-handshakes", int64(l.MaxHandshakes)}, {"handshake-timeout", int64(l.HandshakeTimeout)},
		{"open-timeout", int64(l.OpenTimeout)}, {"max-header-bytes", int64(l.MaxHeaderBytes)},
		{"max-frame-bytes", int64(l.MaxFrameBytes)}, {"inbound-sum", l.InboundSum},
		{"queue-bytes", int64(l.QueueBytes)}, {"queue-sum", l.QueueSum},
		{"ping-interval", int64(l.PingInterval)}, {"idle-timeout", int64(l.IdleTimeout)},
		{"message-timeout", int64(l.MessageTimeout)}, {"write-timeout", int64(l.WriteTimeout)},
		{"close-wait", int64(l.CloseWait)}, {"move-wait", int64(l.MoveWait)},
	} {
		if n.value < 0 {
			err = append(err, fmt.Errorf("%s: must not be negative", n.name))
		}
	}
	for _, r := range []struct {
		name  string
		value float64
		none  bool // a negative one is none
	}{
		{"max-handshakes-per-ip", l.MaxHandshakesPerIP, false}, {"handshake-rate", l.HandshakeRate, true},
		{"frame-rate", l.FrameRate, true}, {"byte-rate", l.ByteRate, true},
	} {
		if r.value < 0 && !r.none || math.IsNaN(r.value) || math.IsInf(r.value, 0) {
			err = append(err, fmt.Errorf("%s: %v is no rate", r.name, r.value))
		}
	}
	for name, list := range map[string][]string{"origin": l.Origins, "host": l.Hosts} {
		if _, e := patterns(list); e != nil {
			err = append(err, fmt.Errorf("%s: %w", name, e))
		}
	}
	d := l.withDefaults()
	if d.IdleTimeout <= d.PingInterval {
		err = append(err, fmt.Errorf("idle-timeout: %v must be longer than ping-interval %v", d.IdleTimeout, d.PingInterval))
	}
	if d.QueueSum < int64(d.QueueBytes) {
		err = append(err, fmt.Errorf("queue-sum: %d must not be below queue-bytes %d", d.QueueSum, d.QueueBytes))
	}
	return errors.Join(err...)
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.withDefaults()
	c.Flushers = or(c.Flushers, runtime.GOMAXPROCS(0))
	c.DeflateThreshold = or(c.DeflateThreshold, 512)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (l Limits) withDefaults() Limits {
	conns, handshakes, _ := shares(descriptors())
	l.Origins, _ = patterns(l.Origins) // Validate has told what is wrong with them
	l.Hosts, _ = patterns(l.Hosts)
	l.MaxConns = or(l.MaxConns, conns)
	l.MaxHandshakes = or(l.MaxHandshakes, handshakes)
	l.HandshakeRate = or(l.HandshakeRate, 2000)
	l.HandshakeTimeout = or(l.HandshakeTimeout, 5*time.Second)
	l.OpenTimeout = or(l.OpenTimeout, 5*time.Second)
	l.MaxHeaderBytes = or(l.MaxHeaderBytes, 8<<10)
	l.MaxFrameBytes = or(l.MaxFrameBytes, 64<<10)
	l.FrameRate = or(l.FrameRate, 500)
	l.ByteRate = or(l.ByteRate, 4<<20)
	l.InboundSum = or(l.InboundSum, memory()/16)
	l.QueueBytes = or(l.QueueBytes, 1<<20)
	l.QueueSum = or(l.QueueSum, memory()/4)
	l.PingInterval = or(l.PingInterval, 25*time.Second)
	l.IdleTimeout = or(l.IdleTimeout, 60*time.Second)
	l.NapAfter = or(l.NapAfter, 5*time.Second)
	l.MessageTimeout = or(l.MessageTimeout, 30*time.Second)
	l.WriteTimeout = or(l.WriteTimeout, 5*time.Second)
	l.CloseWait = or(l.CloseWait, time.Second)
	l.MoveWait = or(l.MoveWait, 5*time.Second)
	return l
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
