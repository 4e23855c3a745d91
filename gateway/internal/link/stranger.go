package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/peer"

	"github.com/parley-im/parley/register/handshake"
)

// What those may cost who have not passed a handshake. A host that is not let in
// is closed at once, before TLS; a worker comes back in 50 ms to 2 s, so that a
// fleet that starts at once is in within seconds.
const (
	MaxStrangers     = 256                         // connections in all, a quarter of them from one host
	maxStrangerBytes = 64 << 10                    // that one may say, TLS and headers included; the largest hello has 10 KiB
	strangerTimeout  = attachTimeout + time.Second // a stream that is late is told so before its connection is cut
)

var (
	errCrowd     = errors.New("too many connections that have not passed the handshake")
	errTalkative = fmt.Errorf("it said %d KiB before it passed the handshake", maxStrangerBytes>>10)
	errStranger  = fmt.Errorf("it did not pass a handshake within %v", strangerTimeout)
)

// Guard returns ln with those bounds: what it accepts is a stranger until a
// handshake is passed on it, and is cut if that takes too long or too many bytes.
func (l *Link) Guard(ln net.Listener) net.Listener { return &guard{ln, l} }

type guard struct {
	net.Listener
	link *Link
}

// Accept closes who comes when the crowd is full, and goes on.
func (g *guard) Accept() (net.Conn, error) {
	for {
		nc, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := handshake.Host(nc.RemoteAddr())
		if g.link.strangers.Enter(host) {
			s := &stranger{Conn: nc, link: g.link, host: host, left: maxStrangerBytes}
			s.late = time.AfterFunc(strangerTimeout, func() { s.cut(errStranger) })
			return s, nil
		}
		nc.Close()
		g.link.refused("crowd", errCrowd, "remote", host)
	}
}

// stranger is a connection of which it is not known who made it. It ends as such
// once: it is admitted, cut or closed.
type stranger struct {
	net.Conn
	link *Link
	host string
	late *time.Timer
	left int // bytes that it may say; gRPC reads from one goroutine at a time

	settled atomic.Bool           // admitted, cut or closed
	told    atomic.Bool           // one of its streams was refused and counted, so its end is no news
	why     atomic.Pointer[error] // it was cut for
}

// strangerOf finds the connection of a stream; nil if its listener has no guard.
func strangerOf(ctx context.Context) *stranger {
	if p, ok := peer.FromContext(ctx); ok {
		if from, ok := p.Addr.(origin); ok {
			return from.stranger
		}
	}
	return nil
}

// origin is an address that leads back to the connection: gRPC hands it to the
// handlers of its streams, with TLS and without.
type origin struct {
	net.Addr
	stranger *stranger
}

func (s *stranger) RemoteAddr() net.Addr { return origin{s.Conn.RemoteAddr(), s} }

func (s *stranger) Read(p []byte) (int, error) {
	if s.settled.Load() {
		return s.Conn.Read(p)
	}
	if s.left == 0 {
		s.cut(errTalkative)
		return 0, errTalkative
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

func (s *stranger) Close() error {
	s.admit()
	return s.Conn.Close()
}

// admit lifts the bounds: a handshake was passed, or it is over.
func (s *stranger) admit() {
	if s != nil && s.settle() {
		s.late.Stop()
	}
}

// settle ends that it is a stranger. It reports whether this call did.
func (s *stranger) settle() bool {
	if s.settled.Swap(true) {
		return false
	}
	s.link.strangers.Leave(s.host)
	return true
}

// cut closes it, unless it is a stranger no longer.
func (s *stranger) cut(err error) {
	if !s.settle() {
		return
	}
	s.why.Store(&err)
	s.Conn.Close()
	if !s.told.Load() {
		s.link.refused("stranger", err, "remote", s.host)
	}
}

// refused notes that one of its streams is. It returns what all of it was cut for,
// which is counted already, or nil.
func (s *stranger) refused() error {
	if s == nil {
		return nil
	}
	if why := s.why.Load(); why != nil {
		return *why
	}
	s.told.Store(true)
	return nil
}
