package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/credentials"
)

// Gate guards connections that carry calls of many: the handshake comes before the
// first byte of HTTP/2, so whoever has passed it may call until the connection ends.
// It is the credentials of both sides, see [Guard]. Fill its fields before it is used;
// then any goroutine may use it.
type Gate struct {
	// Role is what a dialler means to reach; "": any.
	Role string
	// Refused hears why a listener turned somebody away; nil: nobody does.
	Refused func(from net.Addr, err error)
	// Strangers bounds how many connections a listener has that prove nothing yet; nil:
	// nothing does.
	Strangers *Crowd

	credentials.TransportCredentials // of TLS, or of none
	local                            Identity
	secrets                          func() []string
	attempts                         *atomic.Uint32 // how often our secret was not theirs
}

var _ credentials.TransportCredentials = (*Gate)(nil)

// passTime is how long a handshake may take on a connection: two round trips.
const passTime = 10 * time.Second

// Guard makes the gate of a process. secrets is asked for each connection, so that they
// may change; no secrets prove nothing, see [Guarded]. c is nil where there is no TLS.
func Guard(local Identity, secrets func() []string, c *tls.Config) *Gate {
	return &Gate{TransportCredentials: Credentials(c), local: local, secrets: secrets, attempts: new(atomic.Uint32)}
}

// Peer is what a call is told of who is at the other end of its connection, by
// grpc/peer.
type Peer struct {
	credentials.AuthInfo // of TLS, or of none
	Identity             Identity
}

// ClientHandshake implements credentials.TransportCredentials. A resolver that knows which
// process it means says so by [BootAttribute].
func (g *Gate) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := g.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	boot, _ := BootOf(credentials.ClientHandshakeInfoFromContext(ctx).Attributes)
	attempt := g.attempts.Load()
	var stream Stream = connStream{conn}
	if g.Role != "" {
		stream = OfRole(stream, g.Role)
	}
	peer, err := pass(ctx, conn, func() (Identity, error) {
		return Dial(stream, g.local, g.secrets(), int(attempt), boot)
	})
	if errors.Is(err, ErrSecret) {
		g.attempts.CompareAndSwap(attempt, attempt+1)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, Peer{info, peer}, nil
}

// ServerHandshake implements credentials.TransportCredentials.
func (g *Gate) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if g.Strangers != nil {
		host := Host(raw.RemoteAddr())
		if !g.Strangers.Enter(host) {
			if g.Refused != nil {
				g.Refused(raw.RemoteAddr(), errCrowd)
			}
			return nil, nil, errCrowd // gRPC closes what has no transport
		}
		defer g.Strangers.Leave(host)
	}
	conn, info, err := g.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	peer, err := pass(context.Background(), conn, func() (Identity, error) {
		return Accept(connStream{conn}, g.local, g.secrets())
	})
	if err != nil {
		if g.Refused != nil {
			g.Refused(raw.RemoteAddr(), err)
		}
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, Peer{info, peer}, nil
}

var errCrowd = errors.New("too many connections that have not proved anything")

// Clone implements credentials.TransportCredentials.
func (g *Gate) Clone() credentials.TransportCredentials {
	c := *g
	c.TransportCredentials = g.TransportCredentials.Clone()
	return &c
}

// pass has f use conn for passTime at most, and no longer than ctx.
func pass(ctx context.Context, conn net.Conn, f func() (Identity, error)) (Identity, error) {
	if err := conn.SetDeadline(time.Now().Add(passTime)); err != nil {
		return Identity{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // its reader says so
	peer, err := f()
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	return peer, err
}

type bootKey struct{}

// BootAttribute is how an address says which process it means: a new one at an old
// address is another address, and is refused where the old one was meant.
func BootAttribute(boot uint64) *attributes.Attributes { return attributes.New(bootKey{}, boot) }

// BootOf returns the boot that [BootAttribute] was given.
func BootOf(a *attributes.Attributes) (boot uint64, ok bool) {
	boot, ok = a.Value(bootKey{}).(uint64)
	return boot, ok
}
