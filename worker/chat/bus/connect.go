package bus

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What the connection is held to.
const (
	dialWithin    = 3 * time.Second
	writeWithin   = 3 * time.Second // a server that reads nothing for so long is left
	pingEvery     = 5 * time.Second // two without an answer: it is gone
	reconnectWait = 500 * time.Millisecond
)

// link is one connection, through all its reconnects.
type link struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	invals *nats.Subscription
	up     chan struct{} // it is there, or there again
	closed chan struct{}
	turns  atomic.Pointer[jetstream.Consumer] // nil: not found yet

	// What the keeper saw when it last looked.
	dropped    int // invalidations that the client dropped
	standstill standstill
}

// connect makes a connection, which may not be there yet.
func (b *Bus) connect() (*link, error) {
	l := &link{up: make(chan struct{}, 1), closed: make(chan struct{})}
	up := func(nc *nats.Conn) { b.cameUp(l, nc.ConnectedAddr()) }
	opts := []nats.Option{
		nats.Name(b.cfg.Name), nats.NoEcho(),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.Timeout(dialWithin), nats.FlusherTimeout(writeWithin), nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		// What is said while nobody listens is refused at once, instead of kept and sent
		// minutes later: callers come again.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(up), nats.ReconnectHandler(func(nc *nats.Conn) { b.stats.reconnects.Add(1); up(nc) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { b.wentDown(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.wentDown(err) }),
		nats.ClosedHandler(func(nc *nats.Conn) { b.wentDown(nc.LastError()); close(l.closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) { b.heard(s, err) }),
	}
	if b.cfg.Creds != "" {
		opts = append(opts, nats.UserCredentials(b.cfg.Creds))
	}
	if b.cfg.TLS != nil {
		opts = append(opts, nats.Secure(b.cfg.TLS))
	}
	nc, err := nats.Connect(strings.Join(b.cfg.servers(), ","), opts...)
	if err != nil {
		return nil, fmt.Errorf("nats %s: %w", shown(b.cfg.URL), err)
	}
	l.nc = nc
	if err := b.equip(l); err != nil {
		nc.Close()
		<-l.closed
		return nil, err
	}
	b.link.Store(l)
	return l, nil
}

func (b *Bus) equip(l *link) (err error) {
	l.js, err = jetstream.New(l.nc,
		jetstream.WithDefaultTimeout(b.pace.request), jetstream.WithPublishAsyncTimeout(b.pace.ack),
		jetstream.WithPublishAsyncMaxPending(2*maxPending), // ours is the bound: the client's waits
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, m *nats.Msg, _ *jetstream.PubAck) { b.settle(m, nil) }),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { b.settle(m, err) }))
	if err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	l.invals, err = l.nc.Subscribe(b.names.invalPrefix+"*", b.invalidated)
	if err != nil {
		return fmt.Errorf("subscribe to invalidations: %w", err)
	}
	return l.invals.SetPendingLimits(maxInvalidations, 4<<20)
}

// heard is told of errors that belong to no call.
func (b *Bus) heard(s *nats.Subscription, err error) {
	switch {
	case errors.Is(err, nats.ErrSlowConsumer) && s != nil:
		b.poke() // the keeper counts what was dropped
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		b.wentDown(err) // the server hangs up now; attempts that end so are reported here only
	case errors.Is(err, nats.ErrPermissionViolation):
		if !b.forbidden.Swap(true) { // each publish would say it
			b.cfg.Log.Error("nats does not permit what the bus needs", "err", err)
		}
	default:
		b.cfg.Log.Debug("nats reports an error", "err", err)
	}
}
