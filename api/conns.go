package api

import (
	"container/list"
	"crypto/tls"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/handshake"
)

const (
	// settle is how long a connection of HTTP/2 has to be idle before it is cut. It counts as
	// idle already before the end of its answer is written, and before its first request.
	settle = time.Second
	// lookAgain is how often somebody who waits looks for one that has become old enough.
	lookAgain = 100 * time.Millisecond
)

// conns bounds how many connections there are at once. When all places are taken, the
// one that has been idle for longest makes room for who comes; when none is idle, who
// comes waits, and those behind wait in the kernel. While somebody waits, a connection
// whose answer has gone out is not kept for another request. One network has a quarter of
// the places: with those taken one of its own makes room, and when none of them is idle,
// who comes from there is turned away. Proxies that are trusted have no such bound.
type conns struct {
	net.Listener
	proxies  clientaddr.Proxies
	networks *handshake.Crowd
	places   chan struct{}
	closed   chan struct{}
	once     sync.Once
	refused  atomic.Int64 // how many were turned away

	mu      sync.Mutex // guards what follows; never held while a connection is used
	idle    *list.List // of idling, the one that is so for longest in front
	at      map[net.Conn]*list.Element
	waiting bool
}

// idling is a connection without a request.
type idling struct {
	conn net.Conn
	free time.Time // when it may be cut
}

func newConns(l net.Listener, most int, p clientaddr.Proxies) *conns {
	return &conns{
		Listener: l, proxies: p, networks: handshake.NewCrowd(math.MaxInt, max(1, most/4)),
		places: make(chan struct{}, most), closed: make(chan struct{}),
		idle: list.New(), at: map[net.Conn]*list.Element{},
	}
}

// open is how many connections there are.
func (c *conns) open() int { return len(c.places) }

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		network := c.network(conn.RemoteAddr())
		if !c.admit(network) {
			conn.Close()
			c.refused.Add(1)
			continue
		}
		if !c.enter() {
			c.dismiss(network)
			conn.Close()
			return nil, net.ErrClosed
		}
		return &placed{Conn: conn, network: network, leave: sync.OnceFunc(func() { c.dismiss(network); <-c.places })}, nil
	}
}

// network is who counts as one, "" a proxy: it brings many.
func (c *conns) network(peer net.Addr) string {
	if at, ok := peer.(*net.TCPAddr); ok && c.proxies.Has(at.AddrPort().Addr()) {
		return ""
	}
	return networkOf(handshake.Host(peer))
}

// admit reports whether a network may have one more; then dismiss must follow.
func (c *conns) admit(network string) bool {
	for network != "" && !c.networks.Enter(network) {
		own := c.longest(network)
		if own == nil {
			return false
		}
		cut(own)
	}
	return true
}

func (c *conns) dismiss(network string) {
	if network != "" {
		c.networks.Leave(network)
	}
}

// enter waits for a place, and reports false when there will be none.
func (c *conns) enter() bool {
	select {
	case c.places <- struct{}{}:
		return true
	default:
	}
	c.wait(true)
	defer c.wait(false)
	for {
		select {
		case c.places <- struct{}{}:
			return true
		default:
		}
		if longest := c.longest(""); longest != nil {
			cut(longest)
			continue // who has ended by itself has left no place: then it is the next one's turn
		}
		select {
		case c.places <- struct{}{}:
			return true
		case <-c.closed:
			return false
		case <-time.After(lookAgain):
		}
	}
}

func (c *conns) wait(waiting bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = waiting
}

// longest takes the one to be cut out of the list of who is idle, of a network or, "", of
// all. There may be none.
func (c *conns) longest(network string) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.idle.Front(); e != nil; e = e.Next() {
		one := e.Value.(idling)
		if time.Until(one.free) > 0 || network != "" && placeOf(one.conn).network != network {
			continue
		}
		c.idle.Remove(e)
		delete(c.at, one.conn)
		return one.conn
	}
	return nil
}

// Close implements net.Listener.
func (c *conns) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// state hears from the server what a connection does.
func (c *conns) state(conn net.Conn, s http.ConnState) {
	one, settled := idling{conn, time.Now()}, true
	if t, ok := conn.(*tls.Conn); ok && s == http.StateIdle && t.ConnectionState().NegotiatedProtocol == "h2" {
		one.free, settled = one.free.Add(settle), false
	}
	c.mu.Lock()
	if e := c.at[conn]; e != nil {
		c.idle.Remove(e)
		delete(c.at, conn)
	}
	needed := s == http.StateIdle && c.waiting && settled
	if s == http.StateIdle && !needed {
		c.at[conn] = c.idle.PushBack(one)
	}
	c.mu.Unlock()
	if needed {
		cut(conn)
	}
}

// cut ends a connection without a last word, for which its client might let us wait.
func cut(conn net.Conn) { _ = placeOf(conn).Close() }

// placed is a connection that has a place until it is closed.
type placed struct {
	net.Conn
	network string
	leave   func()
}

// placeOf is what Accept returned of a connection that the server knows.
func placeOf(conn net.Conn) *placed {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	return conn.(*placed)
}

// Close implements net.Conn.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
