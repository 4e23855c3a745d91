package push

import (
	"net"
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
}

func newLimited(l net.Listener, most int, p clientaddr.Proxies) *limited {
	return &limited{Listener: l, proxies: p, crowd: handshake.NewCrowd(most, max(1, most/4))}
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
		return &counted{Conn: conn, leave: sync.OnceFunc(func() { l.crowd.Leave(from) })}, nil
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
