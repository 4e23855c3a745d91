package ws

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parley-im/parley/gateway/internal/proxyheader"
)

// errProxyHeader is what a proxy gets that does not say for whom it dials.
var errProxyHeader = errors.New("ws: bad proxy header")

// proxied is whether the conn comes from a proxy, as far as is known: then the client is
// somebody else, and the limits of an address wait until it is told who.
func (c *Conn) proxied() bool { return c.door.s.cfg.Proxies.Has(c.origin().Addr()) }

// preface reads what a proxy must say before anything else, where that was agreed on.
// Its deadline is the handshake's, and while nothing comes it may be evicted like
// everybody who is silent.
func (c *Conn) preface() error {
	s := c.door.s
	if !s.cfg.ProxyProtocol || !c.proxied() {
		return nil
	}
	defer s.gate.heard(s.gate.listen(c))
	h, err := proxyheader.Read(c.nc)
	if err != nil {
		if !broken(err) {
			s.stats.badProxyHeaders.Add(1)
			c.complain(&c.door.mute, "it does not speak the PROXY protocol, version 2, as --proxy-protocol wants", err)
			return errors.Join(errProxyHeader, err)
		}
		return err
	}
	if h.Says() {
		c.cameFrom(h.Source)
	}
	return nil
}

// forwarded finds the client of a proxy by what the request says, and applies the limits
// of its address. A proxy that names nobody has dialled for itself, a health check
// perhaps, and is not limited. One whose word cannot be read is not either, for its limits
// would be those of all its clients together; but this is counted and said.
func (c *Conn) forwarded(r *http.Request, l *Limits) *refusal {
	if !c.proxied() {
		return nil // crowded has been asked
	}
	s := c.door.s
	client, err := s.cfg.Proxies.Find(c.origin(), r.Header)
	if err != nil {
		s.stats.badProxyHeaders.Add(1)
		c.complain(&c.door.unclear, "it names clients in a way that cannot be read: no limit of an address holds for them", err)
	}
	c.cameFrom(client)
	if c.proxied() {
		return nil
	}
	return c.crowded(l)
}

// cameFrom notes where the client is. Only before the handler knows the conn.
func (c *Conn) cameFrom(client netip.AddrPort) {
	if client != c.origin() {
		c.from = net.TCPAddrFromAddrPort(client)
	}
}

// broken is whether a handshake ended because the socket did, which is nobody's fault.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET)
}

// seldom says yes once in a while, so that what goes wrong with every conn does not fill
// the log.
type seldom struct{ last atomic.Int64 }

const seldomEvery = 10 * time.Second

func (s *seldom) yes(now time.Time) bool {
	last := s.last.Load()
	return now.UnixNano()-last >= int64(seldomEvery) && s.last.CompareAndSwap(last, now.UnixNano())
}

// complain tells an operator that a proxy is configured otherwise than this gateway.
func (c *Conn) complain(when *seldom, what string, err error) {
	if when.yes(time.Now()) {
		c.door.s.cfg.Log.Warn("trusted proxy is set up otherwise than this gateway", "what", what, "remote", c.RemoteAddr().String(), "err", err)
	}
}
