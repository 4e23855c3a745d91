package push

import (
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/handshake"
)

// limited bounds how many connections there are, of one network a quarter; who is one
// too many is closed at once. Proxies that are trusted have no bound of their own.
type limited struct {
	net.Listener
	proxies clientaddr.Proxies
	crowd   *handshake.Crowd

	mu     sync.Mutex // guards silent
	silent map[*counted]struct{}
}

func newLimited(l net.Listener, most int, p clientaddr.Proxies) *limited {
	return &limited{Listener: l, proxies: p, crowd: handshake.NewCrowd(most, max(1, most/4)), silent: map[*counted]struct{}{}}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := networkOf(handshake.Host(conn.RemoteAddr()))
		if at, ok := conn.RemoteAddr().(*net.TCPAddr); ok && l.proxies.Has(at.AddrPort().Addr()) {
			from = conn.RemoteAddr().String() // each connection of it counts for itself
		}
		if !l.crowd.Enter(from) {
			conn.Close()
			continue
		}
		c := &counted{Conn: conn, leave: sync.OnceFunc(func() { l.crowd.Leave(from) })}
		c.heard = sync.OnceFunc(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			delete(l.silent, c)
		})
		l.mu.Lock()
		l.silent[c] = struct{}{}
		l.mu.Unlock()
		return c, nil
	}
}

// Close implements net.Listener. It closes the connections that have said nothing yet, too:
// gRPC waits at its end for whoever is in a handshake, and has no call of theirs to lose.
func (l *limited) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	silent := slices.Collect(maps.Keys(l.silent))
	l.mu.Unlock()
	for _, c := range silent {
		_ = c.Close() // nobody waits for a word of it
	}
	return err
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave, heard func()
}

// Read implements net.Conn.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard()
	}
	return n, err
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.heard()
	defer c.leave()
	return c.Conn.Close()
}
