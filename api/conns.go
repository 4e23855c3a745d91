package api

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// conns bounds how many connections there are at once. When all places are taken, the
// one that has been idle for longest makes room for who comes; when none is idle, who
// comes waits, and those behind wait in the kernel. While somebody waits, a connection
// whose answer has gone out is not kept for another request.
type conns struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex // guards what follows; never held while a connection is used
	idle    *list.List // of net.Conn, the one that is idle for longest in front
	at      map[net.Conn]*list.Element
	waiting bool
}

func newConns(l net.Listener, most int) *conns {
	return &conns{
		Listener: l, places: make(chan struct{}, most), closed: make(chan struct{}),
		idle: list.New(), at: map[net.Conn]*list.Element{},
	}
}

// open is how many connections there are.
func (c *conns) open() int { return len(c.places) }

// Accept implements net.Listener.
func (c *conns) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !c.enter() {
		conn.Close()
		return nil, net.ErrClosed
	}
	return &placed{Conn: conn, leave: sync.OnceFunc(func() { <-c.places })}, nil
}

// enter waits for a place, and reports false when there will be none.
func (c *conns) enter() bool {
	select {
	case c.places <- struct{}{}:
		return true
	default:
	}
	c.mu.Lock()
	c.waiting = true
	longest := c.idle.Front()
	c.mu.Unlock()
	if longest != nil {
		cut(longest.Value.(net.Conn))
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.waiting = false
	}()
	select {
	case c.places <- struct{}{}:
		return true
	case <-c.closed:
		return false
	}
}

// Close implements net.Listener.
func (c *conns) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// state hears from the server what a connection does.
func (c *conns) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	if e := c.at[conn]; e != nil {
		c.idle.Remove(e)
		delete(c.at, conn)
	}
	needed := s == http.StateIdle && c.waiting
	if s == http.StateIdle && !needed {
		c.at[conn] = c.idle.PushBack(conn)
	}
	c.mu.Unlock()
	if needed {
		cut(conn)
	}
}

// cut ends a connection without a last word, for which its client might let us wait.
func cut(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	conn.Close()
}

// placed is a connection that has a place until it is closed.
type placed struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
