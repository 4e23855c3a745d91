package compose

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
)

// stand is what stands for a gateway behind a balancer.
type stand struct {
	*httptest.Server
	leaving  atomic.Bool // it answers as a gateway that leaves
	asked    atomic.Int64
	claimed  atomic.Pointer[string] // the last X-Forwarded-For
	upgraded atomic.Int64
}

func newStand(t *testing.T) *stand {
	s := &stand{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *stand) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" { // the balancer does not know yet that it leaves
		return
	}
	s.asked.Add(1)
	from := strings.Join(r.Header.Values("X-Forwarded-For"), "+")
	s.claimed.Store(&from)
	if s.leaving.Load() || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	s.upgraded.Add(1) // before the client knows
	_ = rw.Flush()
	_, _ = bufio.NewReader(conn).ReadByte() // until the client goes
}

func (s *stand) addr() string { return s.Listener.Addr().String() }

// start runs a balancer until the test ends.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing := t.Skipf
		if os.Getenv("PARLEY_CI") != "" {
			missing = t.Fatalf
		}
		missing("no %s found; install the package of that name", name)
	}
	var said strings.Builder
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // both end at once
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said: %s", name, said.String())
		}
	})
}

// free is an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestHaproxyPassesOverGatewaysThatLeave(t *testing.T) {
	leaving, staying := newStand(t), newStand(t)
	at, file := free(t), filepath.Join(t.TempDir(), "haproxy.cfg")
	text := strings.NewReplacer(
		"bind :8282", "bind "+at, "gateway-1:8282", leaving.addr(), "gateway-2:8282", staying.addr(),
		" port 9102", "", "maxconn 50000", "maxconn 100", " slowstart 30s", "",
	).Replace(balancer(t))
	text = regexp.MustCompile(` resolvers names init-addr \S+`).ReplaceAllString(text, "")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "haproxy", "-db", "-f", file)
	passes(t, "ws://"+at+"/", nil, leaving, staying)
}

func TestNginxPassesOverGatewaysThatLeave(t *testing.T) {
	leaving, staying := newStand(t), newStand(t)
	at := free(t)
	conf, folder := nginxConf(t, strings.NewReplacer(
		"listen 443", "listen "+at, "10.0.0.11:8282", leaving.addr(), "10.0.0.12:8282", staying.addr(),
	))
	start(t, "nginx", "-e", filepath.Join(folder, "errors"), "-p", folder, "-c", conf)
	passes(t, "wss://"+at+"/ws", &tls.Config{InsecureSkipVerify: true}, leaving, staying)
}

// passes opens conns through a balancer before one gateway leaves and after, and looks
// at what the gateways are told of the client.
func passes(t *testing.T, url string, secure *tls.Config, leaving, staying *stand) {
	t.Helper()
	open := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, err := client.Dial(ctx, url, client.Options{TLS: secure, Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}})
		if err == nil {
			t.Cleanup(c.Cut) // until then it counts as a conn of its gateway
		}
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := open()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for range 7 {
		if err := open(); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := leaving.upgraded.Load(), staying.upgraded.Load(); a != 4 || b != 4 {
		t.Errorf("8 conns, %d and %d: want the gateway with the fewest", a, b)
	}
	leaving.leaving.Store(true)
	before := leaving.asked.Load()
	for i := range 8 {
		if err := open(); err != nil {
			t.Errorf("conn %d after a gateway began to leave: %v", i+1, err)
		}
	}
	if leaving.asked.Load() == before {
		t.Error("the gateway that leaves was not asked: nothing was passed over")
	}
	for _, s := range []*stand{leaving, staying} {
		if from := *s.claimed.Load(); from != "127.0.0.1" {
			t.Errorf("a gateway is told that a client comes from %q", from)
		}
	}
}
