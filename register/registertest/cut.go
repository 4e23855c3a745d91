package registertest

import (
	"net"
	"sync"
)

// cut is a switch that holds traffic back.
type cut struct {
	mu   sync.Mutex
	open chan struct{} // closed while traffic passes
}

func newCut() *cut {
	c := &cut{open: make(chan struct{})}
	close(c.open)
	return c
}

func (c *cut) cutOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.open:
		c.open = make(chan struct{})
	default:
	}
}

func (c *cut) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.open:
	default:
		close(c.open)
	}
}

func (c *cut) passes() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

// cutListener gives out connections that obey the switch.
type cutListener struct {
	net.Listener
	cut *cut
}

func (l cutListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: conn, cut: l.cut, closed: make(chan struct{})}, nil
}

// cutConn holds back what is read and written while the switch is off. Closing it
// is not held back on this side, and the peer learns of it like of everything else.
type cutConn struct {
	net.Conn
	cut    *cut
	once   sync.Once
	closed chan struct{}
}

func (c *cutConn) wait() error {
	select {
	case <-c.cut.passes():
		return nil
	case <-c.closed:
		return net.ErrClosed
	}
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if werr := c.wait(); werr != nil {
		return 0, werr
	}
	return n, err
}

func (c *cutConn) Write(b []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
