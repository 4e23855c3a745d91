package ws

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/gateway/internal/frame"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(crowdSpec); spec != "" {
		beCrowd(spec)
		return
	}
	goleak.VerifyTestMain(m)
}

// app is a Handler made of functions; by default it echoes.
type app struct {
	open    func(ctx context.Context, c *Conn, r *http.Request) Answer
	message func(c *Conn, m *Message)
	bye     func(ctx context.Context, c *Conn)
	moving  func(c *Conn) (settled bool)

	mu     sync.Mutex
	conns  []*Conn
	ends   map[*Conn][]Close
	server *Server
}

func (a *app) Open(ctx context.Context, c *Conn, r *http.Request) Answer {
	var answer Answer
	if a.open != nil {
		answer = a.open(ctx, c, r)
	}
	if refused(answer) == nil {
		a.mu.Lock()
		a.conns = append(a.conns, c)
		a.mu.Unlock()
	}
	return answer
}

func (a *app) Message(c *Conn, m *Message) {
	defer m.Release()
	if a.message != nil {
		a.message(c, m)
		return
	}
	op := frame.Text
	if m.Binary() {
		op = frame.Binary
	}
	c.SendSoon(a.server.mustFrame(op, string(m.Bytes()), frame.Must, ""))
}

func (a *app) Moving(c *Conn) bool { return a.moving == nil || a.moving(c) }

func (a *app) Farewell(ctx context.Context, c *Conn) {
	if a.bye != nil {
		a.bye(ctx, c)
	}
}

func (a *app) Closed(c *Conn, why Close) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ends == nil {
		a.ends = make(map[*Conn][]Close)
	}
	a.ends[c] = append(a.ends[c], why)
}

func (s *Server) mustFrame(op frame.Op, body string, class frame.Class, key string) *frame.Frame {
	f, err := s.Encoder().Frame(op, []byte(body), class, key)
	if err != nil {
		panic(err)
	}
	return f
}

// rig is a running server on a loopback port.
type rig struct {
	t      testing.TB
	s      *Server
	app    *app
	addr   string
	secure bool
	stop   func()
	served chan error
	pipes  chan<- net.Conn // of a bubble: what goes in is accepted
}

func start(t testing.TB, cfg Config, a *app) *rig { return startWith(t, cfg, a, false) }

func startWith(t testing.TB, cfg Config, a *app, secure bool) *rig {
	t.Helper()
	if cfg.HandshakeRate == 0 {
		cfg.HandshakeRate = -1
	}
	if cfg.PingInterval == 0 { // no ping between the frames that a test expects: the first may come at any time
		cfg.PingInterval, cfg.IdleTimeout = 10_000*time.Hour, 20_000*time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError + 1}))
	}
	s, err := New(cfg, a)
	if err != nil {
		t.Fatal(err)
	}
	a.server = s
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{t: t, s: s, app: a, addr: ln.Addr().String(), secure: secure, stop: cancel, served: make(chan error, 1)}
	var tc *tls.Config
	if secure {
		tc = serverTLS()
	}
	go func() { r.served <- s.Serve(ctx, ln, tc) }()
	t.Cleanup(func() {
		cancel()
		if err, ok := <-r.served; ok && err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := s.Stats().Conns; n != 0 {
			t.Errorf("conns after Serve: got %d, want 0", n)
		}
		if n := s.Stats().QueuedBytes; n != 0 {
			t.Errorf("queued after Serve: got %d bytes, want 0", n)
		}
		if n := s.Stats().InboundBytes; n != 0 {
			t.Errorf("inbound after Serve: got %d bytes, want 0", n)
		}
		if s.wheel.len != 0 {
			t.Errorf("wheel after Serve: got %d conns, want 0", s.wheel.len)
		}
	})
	return r
}

func (r *rig) dial(header ...string) *client {
	r.t.Helper()
	return rawDial(r.t, r.addr, r.secure).handshake(header...)
}

// pair is a client with the server's side of it.
func (r *rig) pair(header ...string) (*client, *Conn) {
	r.t.Helper()
	n := r.app.count()
	c := r.dial(header...)
	r.until("conn is known", func() bool { return r.app.count() > n })
	r.app.mu.Lock()
	defer r.app.mu.Unlock()
	return c, r.app.conns[n]
}

func (a *app) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.conns)
}

// end waits for Closed of c, and that it came once.
func (r *rig) end(c *Conn) Close {
	r.t.Helper()
	var ends []Close
	r.until("Closed", func() bool {
		r.app.mu.Lock()
		defer r.app.mu.Unlock()
		ends = r.app.ends[c]
		return len(ends) > 0
	})
	if len(ends) != 1 {
		r.t.Fatalf("Closed: got %d calls, want 1", len(ends))
	}
	return ends[0]
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for limit := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			r.t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

var serverTLS = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
})

// pipes is a listener whose conns are in memory, so that a test can live in a
// synctest bubble, where time is the bubble's own.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// bubble runs test with a server in a synctest bubble. dial returns a client
// whose handshake is done.
func bubble(t *testing.T, cfg Config, a *app, test func(t *testing.T, r *rig, dial func() (*client, *Conn))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.HandshakeRate == 0 {
			cfg.HandshakeRate = -1
		}
		s, err := New(cfg, a)
		if err != nil {
			t.Fatal(err)
		}
		a.server = s
		ctx, cancel := context.WithCancel(context.Background())
		r := &rig{t: t, s: s, app: a, served: make(chan error, 1)}
		ln := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		r.pipes = ln.conns
		go func() { r.served <- s.Serve(ctx, ln, nil) }()
		defer func() {
			cancel()
			if err := <-r.served; err != nil {
				t.Errorf("Serve: %v", err)
			}
			if st := s.Stats(); st.Conns != 0 || st.QueuedBytes != 0 || st.InboundBytes != 0 || s.wheel.len != 0 {
				t.Errorf("left behind: %+v, wheel %d", st, s.wheel.len)
			}
		}()
		test(t, r, func() (*client, *Conn) {
			c := r.knock()
			n := a.count()
			c.handshake()
			synctest.Wait()
			a.mu.Lock()
			defer a.mu.Unlock()
			return c, a.conns[n]
		})
	})
}

// knock opens a pipe in a bubble and says nothing. It returns once that is accepted.
func (r *rig) knock() *client {
	near, far := net.Pipe()
	r.pipes <- far
	return over(r.t, near)
}
