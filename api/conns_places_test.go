package api

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/register/clientaddr"
)

// queue is a listener at which connections stand that a test makes.
type queue struct {
	net.Listener
	conns chan net.Conn
}

func (q *queue) Accept() (net.Conn, error) { return <-q.conns, nil }

// from is a connection of somebody with this address.
type from struct {
	net.Conn
	addr *net.TCPAddr
	end  func() // of who is at its other end
}

func (f *from) RemoteAddr() net.Addr { return f.addr }

func (f *from) Close() error {
	f.end()
	return f.Conn.Close()
}

// hall has so many places, and who has come in.
type hall struct {
	t *testing.T
	*conns
	queue *queue
	gone  []string // whose connections were closed
}

func newHall(t *testing.T, most int, p clientaddr.Proxies) *hall {
	q := &queue{conns: make(chan net.Conn, 100)}
	return &hall{t: t, conns: newConns(q, most, p), queue: q}
}

// comes has somebody stand at the door.
func (h *hall) comes(addr string) (theirs net.Conn) {
	h.t.Helper()
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		h.t.Fatal(err)
	}
	theirs, ours := net.Pipe()
	h.queue.conns <- &from{ours, at, func() { h.gone = append(h.gone, addr); theirs.Close() }}
	return theirs
}

// enters has somebody come in, who is idle then.
func (h *hall) enters(addr string) {
	h.t.Helper()
	h.comes(addr)
	conn, err := h.Accept()
	if err != nil {
		h.t.Fatal(err)
	}
	h.state(conn, http.StateIdle)
}

func (h *hall) wantGone(addrs ...string) {
	h.t.Helper()
	if !slices.Equal(h.gone, addrs) {
		h.t.Errorf("closed are %v, want %v", h.gone, addrs)
	}
}

func TestWhoWasCutMakesRoomOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, 2, nil)
		for _, addr := range []string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1"} {
			h.enters(addr) // nobody says that those who are cut have ended
		}
		h.wantGone("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1")
	})
}

func TestWhoHasSaidNothingYetOverHTTP2HasAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Config
		overTLS(&c)
		c.ClientTLS.NextProtos = []string{"h2"}
		h := newHall(t, 1, nil)
		speaks := trusting(c.ClientTLS.Certificates[0])
		speaks.NextProtos, speaks.ServerName = []string{"h2"}, "example.com"
		client := tls.Client(h.comes("192.0.2.1:1"), speaks)
		conn, err := h.Accept()
		if err != nil {
			t.Fatal(err)
		}
		shaken := make(chan error, 1)
		go func() { shaken <- client.Handshake() }()
		server := tls.Server(conn, c.ClientTLS)
		if err := server.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		h.state(server, http.StateActive)
		h.state(server, http.StateIdle) // so says net/http before the first request
		h.enters("192.0.2.2:1")
		if took := time.Since(began); took < settle || took > settle+lookAgain {
			t.Errorf("it made room after %v", took)
		}
		h.wantGone("192.0.2.1:1")
	})
}

func TestOneNetworkHasAQuarterOfTheConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, err := clientaddr.Parse([]string{"10.0.0.0/24"})
		if err != nil {
			t.Fatal(err)
		}
		h := newHall(t, 8, ours)
		silent := func(addr string) {
			t.Helper()
			h.comes(addr)
			if _, err := h.Accept(); err != nil {
				t.Fatal(err)
			}
		}
		silent("[2001:db8::1]:1")
		silent("[2001:db8::2]:1")
		h.comes("[2001:db8::3]:1") // of the same network
		silent("192.0.2.1:1")
		h.wantGone("[2001:db8::3]:1")
		h.enters("192.0.2.1:2")
		silent("192.0.2.1:3") // its own makes room
		h.wantGone("[2001:db8::3]:1", "192.0.2.1:2")
		for _, addr := range []string{"10.0.0.5:1", "10.0.0.5:2", "10.0.0.5:3", "10.0.0.5:4"} {
			silent(addr) // a balancer brings many
		}
		if open, refused := h.open(), h.refused.Load(); open != 8 || refused != 1 {
			t.Errorf("%d are open, %d were turned away", open, refused)
		}
	})
}
