package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const cluster = "test"

// process is a gateway that runs.
type process struct {
	*gateway.Gateway
	t              testing.TB
	boot           uint64
	clients, links string
	log            *lines
	stop           context.CancelFunc
	ended          chan error // what Run returned
}

// config is that of a gateway on loopback that ends quickly.
func config(t testing.TB) gateway.Config {
	return gateway.Config{
		Identity: handshake.Identity{Cluster: cluster, Role: "gateway", Node: "gw", Boot: handshake.NewBoot()},
		Clients:  listen(t), Links: listen(t),
		Limits: gateway.Limits{DrainWindow: time.Millisecond, WorkerPatience: time.Second, OpenTimeout: 300 * time.Millisecond},
	}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := gateway.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// start runs cfg until the test ends or stops it.
func start(t testing.TB, cfg gateway.Config) *process {
	t.Helper()
	p := &process{
		t: t, boot: cfg.Identity.Boot, clients: cfg.Clients.Addr().String(), links: cfg.Links.Addr().String(),
		log: &lines{}, ended: make(chan error, 1),
	}
	cfg.Log = slog.New(slog.NewTextHandler(p.log, nil))
	var err error
	if p.Gateway, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.ended <- p.Run(ctx) }()
	t.Cleanup(func() { stop(); p.wait() })
	return p
}

// wait returns what Run returned.
func (p *process) wait() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(20 * time.Second):
		p.t.Fatalf("Run does not return; log:\n%s", p.log)
		return nil
	}
}

// lines is what was logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// directory is a client of the register, of that role and boot.
func directory(t testing.TB, addr, role, node string, boot uint64) *register.Client {
	t.Helper()
	c, err := register.New(register.Config{
		Registers: []string{addr}, Log: slog.New(slog.DiscardHandler),
		Identity: handshake.Identity{Cluster: cluster, Role: role, Node: node, Boot: boot},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return c
}

// client is one that has knocked.
type client struct {
	nc   net.Conn
	br   *bufio.Reader
	code int
	body string
	resp *http.Response
}

func (p *process) knock() *client {
	p.t.Helper()
	nc, err := net.Dial("tcp", p.clients)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { nc.Close() })
	c := &client{nc: nc, br: bufio.NewReader(nc)}
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if c.resp, err = http.ReadResponse(c.br, nil); err != nil {
		p.t.Fatal(err)
	}
	if c.code = c.resp.StatusCode; c.code != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(c.resp.Body)
		c.body = strings.TrimSpace(string(body))
	}
	return c
}

// say sends a short text.
func (c *client) say(s string) error {
	_, err := c.nc.Write(append([]byte{0x81, 0x80 | byte(len(s)), 0, 0, 0, 0}, s...))
	return err
}

// hear reads a short frame: its opcode and body.
func (c *client) hear() (op byte, body string, err error) {
	var h [2]byte
	if _, err := io.ReadFull(c.br, h[:]); err != nil {
		return 0, "", err
	}
	b := make([]byte, h[1])
	_, err = io.ReadFull(c.br, b)
	return h[0] & 15, string(b), err
}
