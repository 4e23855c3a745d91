package push

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/parley-im/parley/register/clientaddr"
)

// TestANetworkHasAQuarterOfTheConnections, and what one gives back another may have;
// balancers have all of them.
func TestANetworkHasAQuarterOfTheConnections(t *testing.T) {
	for name, c := range map[string]struct {
		proxies clientaddr.Proxies
		most    int
	}{
		"a network": {nil, 2}, "a balancer": {clientaddr.Proxies{netip.MustParsePrefix("127.0.0.0/8")}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			inner, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			l := newLimited(inner, 8, c.proxies)
			accepted := make(chan net.Conn, 16)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					accepted <- conn
				}
			}()
			defer func() { l.Close(); <-done }()
			dial := func() net.Conn {
				conn, err := net.Dial("tcp", inner.Addr().String())
				must(t, err)
				t.Cleanup(func() { conn.Close() })
				return conn
			}
			var in []net.Conn
			for range c.most {
				dial()
				conn := <-accepted
				t.Cleanup(func() { conn.Close() })
				in = append(in, conn)
			}
			over := dial()
			must(t, over.SetReadDeadline(time.Now().Add(20*time.Second)))
			if _, err := over.Read(make([]byte, 1)); err != io.EOF && !reset(err) {
				t.Errorf("one too many: %v", err)
			}
			in[0].Close()
			in[0].Close() // a second time gives nothing back
			dial()
			(<-accepted).Close()
		})
	}
}

// reset says that a connection was closed before what it said was read.
func reset(err error) bool {
	op, ok := err.(*net.OpError)
	return ok && !op.Timeout()
}
