package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

func known(list ...string) func() []string { return func() []string { return list } }

// guarded is a server behind a gate; who got through is told by seen.
type guarded struct {
	addr    string
	seen    chan Identity
	refused chan error
}

func guard(t *testing.T, secrets ...string) *guarded {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{addr: l.Addr().String(), seen: make(chan Identity, 16), refused: make(chan error, 16)}
	gate := Guard(Identity{Cluster: "c", Role: "worker", Node: "w", Boot: 7}, known(secrets...), nil)
	gate.Refused = func(_ net.Addr, err error) { g.refused <- err }
	s := grpc.NewServer(grpc.Creds(gate), grpc.ConnectionTimeout(time.Second), grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			p, _ := peer.FromContext(ctx)
			g.seen <- p.AuthInfo.(Peer).Identity
			return next(ctx, req)
		}))
	healthv1.RegisterHealthServer(s, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return g
}

// call dials g through a gate, as the resolver of registers would, and asks once.
func (g *guarded) call(t *testing.T, gate *Gate, boot uint64) error {
	t.Helper()
	r := manual.NewBuilderWithScheme("test")
	r.InitialState(resolver.State{Addresses: []resolver.Address{{Addr: g.addr, Attributes: BootAttribute(boot)}}})
	conn, err := grpc.NewClient("test:///worker", grpc.WithResolvers(r), grpc.WithTransportCredentials(gate))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	return err
}

var caller = Identity{Cluster: "c", Role: "api", Node: "a", Boot: 1}

func TestWhoProvesItselfOnceMayCall(t *testing.T) {
	g := guard(t, shared)
	if err := g.call(t, Guard(caller, known(shared), nil), 7); err != nil {
		t.Fatal(err)
	}
	if who := <-g.seen; who.Role != "api" || who.Node != "a" {
		t.Errorf("the server sees %+v", who)
	}
}

func TestGateTurnsStrangersAway(t *testing.T) {
	for name, c := range map[string]struct {
		gate *Gate
		boot uint64
		want error
	}{
		"another secret":     {Guard(caller, known("guess guess"), nil), 7, ErrSecret},
		"no secret":          {Guard(caller, known(), nil), 7, ErrSecret},
		"another cluster":    {Guard(Identity{Cluster: "d", Role: "api", Node: "a", Boot: 1}, known(shared), nil), 7, ErrCluster},
		"another boot meant": {Guard(caller, known(shared), nil), 8, ErrBoot},
	} {
		t.Run(name, func(t *testing.T) {
			g := guard(t, shared)
			if err := g.call(t, c.gate, c.boot); err == nil {
				t.Fatal("the call went through")
			}
			if err := <-g.refused; !errors.Is(err, c.want) {
				t.Errorf("refused with %v, want %v", err, c.want)
			}
			if len(g.seen) > 0 {
				t.Error("a call was served")
			}
		})
	}
}

func TestGateOfARoleWantsThatRole(t *testing.T) {
	g := guard(t, shared)
	gate := Guard(caller, known(shared), nil)
	gate.Role = "gateway"
	if err := g.call(t, gate, 7); err == nil || !strings.Contains(err.Error(), "is not a gateway") {
		t.Errorf("got %v", err)
	}
}

func TestSecondSecretIsTriedWhenTheFirstIsNotTheirs(t *testing.T) {
	g := guard(t, shared)
	gate := Guard(caller, known("the new one, not there yet", shared), nil)
	if err := g.call(t, gate, 7); err == nil {
		t.Fatal("the first secret went through")
	}
	if err := g.call(t, gate, 7); err != nil {
		t.Fatal(err)
	}
}

// Whoever speaks HTTP/2 at once, or nonsense, is no member.
func TestGateCutsWhoDoesNotSpeakTheHandshake(t *testing.T) {
	for name, words := range map[string]string{
		"http/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "too long": "\xff\xff\xff\xff", "no protobuf": "\x00\x00\x00\x01\xff",
	} {
		t.Run(name, func(t *testing.T) {
			g := guard(t, shared)
			conn, err := net.Dial("tcp", g.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(words)); err != nil {
				t.Fatal(err)
			}
			if err := <-g.refused; !errors.Is(err, ErrInvalid) {
				t.Errorf("refused with %v", err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.ReadAll(conn); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Error("the connection is open still")
			}
		})
	}
}

func TestStrangersThatWaitKeepOthersOfTheirHostOutOnly(t *testing.T) {
	gate := Guard(caller, known(shared), nil)
	gate.Strangers = NewCrowd(8, 1)
	refused := make(chan string, 8)
	gate.Refused = func(who net.Addr, err error) { refused <- Host(who) + " " + Reason(err) }
	shake := func(host string) (net.Conn, chan error) {
		theirs, ours := net.Pipe()
		done := make(chan error, 1)
		go func() {
			_, _, err := gate.ServerHandshake(from{ours, host})
			done <- err
		}()
		t.Cleanup(func() { theirs.Close(); ours.Close() })
		return theirs, done
	}
	first, gone := shake("10.0.0.1")
	if _, err := first.Write([]byte{0}); err != nil { // it is inside
		t.Fatal(err)
	}
	if _, done := shake("10.0.0.1"); !errors.Is(<-done, errCrowd) {
		t.Error("a second of the same host was let in")
	}
	if got := <-refused; got != "10.0.0.1 crowd" {
		t.Errorf("refused: %s", got)
	}
	other, _ := shake("10.0.0.2")
	if _, err := other.Write([]byte{0}); err != nil {
		t.Errorf("another host: %v", err)
	}
	first.Close()
	<-gone
	again, _ := shake("10.0.0.1")
	if _, err := again.Write([]byte{0}); err != nil {
		t.Errorf("after the first has gone: %v", err)
	}
}

// from is a connection of somebody elsewhere.
type from struct {
	net.Conn
	host string
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.host), Port: 1} }

func TestSilentPeerIsGivenUp(t *testing.T) {
	for name, shake := range map[string]func(*Gate, net.Conn) error{
		"listener": func(g *Gate, c net.Conn) error { _, _, err := g.ServerHandshake(c); return err },
		"dialler": func(g *Gate, c net.Conn) error {
			_, _, err := g.ClientHandshake(context.Background(), "w", c)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer theirs.Close()
				go io.Copy(io.Discard, theirs) // it listens and says nothing
				began := time.Now()
				if err := shake(Guard(caller, known(shared), nil), ours); err == nil {
					t.Error("no error")
				}
				if took := time.Since(began); took != passTime {
					t.Errorf("given up after %v, want %v", took, passTime)
				}
			})
		})
	}
}

func TestDiallerStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go io.Copy(io.Discard, theirs) // as above
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, _, err := Guard(caller, known(shared), nil).ClientHandshake(ctx, "w", ours); err == nil {
			t.Error("no error")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

var _ credentials.AuthInfo = Peer{}
