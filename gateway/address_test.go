package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
)

// arrive dials as a client, or as a proxy for one: it says first and then shakes hands,
// over TLS if cfg is not nil.
func (p *process) arrive(cfg *tls.Config, first, header string) (c *client, status int) {
	p.t.Helper()
	nc, err := net.Dial("tcp", p.clients)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(nc, first)
	if cfg != nil {
		nc = tls.Client(nc, cfg)
	}
	c = &client{nc: nc, br: bufio.NewReader(nc)}
	_, _ = fmt.Fprintf(nc, "GET /here HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", header)
	if c.resp, err = http.ReadResponse(c.br, nil); err != nil {
		p.t.Fatal(err)
	}
	return c, c.resp.StatusCode
}

// proxied is a PROXY protocol header, version 2, for a client at 198.51.100.7.
func proxied(port uint16) string {
	const addresses = "\xc6\x33\x64\x07\xc0\x00\x02\x01"
	return "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + addresses + string(binary.BigEndian.AppendUint16(nil, port)) + "\x01\xbb"
}

// A worker is told where a client is, whatever stands between, and whether it came by wss.
func TestWorkerIsToldWhereAClientIs(t *testing.T) {
	proxies, err := clientaddr.Parse([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	authority := registertest.NewAuthority(t)
	cert, err := tls.LoadX509KeyPair(authority.Issue(t, "gw"))
	if err != nil {
		t.Fatal(err)
	}
	server, dial := &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
	for name, test := range map[string]struct {
		set           func(*gateway.Config)
		dial          *tls.Config
		first, header string
		want          string // "": its own
	}{
		"nothing between": {func(*gateway.Config) {}, nil, "", "X-Forwarded-For: 198.51.100.7\r\n", ""},
		"X-Forwarded-For": {func(c *gateway.Config) { c.Proxies = proxies }, nil, "", "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n", "198.51.100.7:0"},
		"PROXY protocol":  {func(c *gateway.Config) { c.Proxies, c.ProxyProtocol = proxies, true }, nil, proxied(50000), "X-Forwarded-For: 203.0.113.9\r\n", "198.51.100.7:50000"},
		"PROXY protocol and TLS": {func(c *gateway.Config) { c.Proxies, c.ProxyProtocol, c.ClientTLS = proxies, true, server }, dial,
			proxied(50001), "", "198.51.100.7:50001"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			test.set(&cfg)
			p := start(t, cfg)
			w := p.attach(handshake.NewBoot(), false)
			eventually(t, "ready", func() bool { return p.ready("") })
			c, status := p.arrive(test.dial, test.first, test.header)
			if status != http.StatusSwitchingProtocols {
				t.Fatalf("status: got %d", status)
			}
			want := test.want
			if want == "" {
				want = c.nc.LocalAddr().String()
			}
			facts := w.told()
			if facts.GetRemoteAddr() != want || facts.GetTls() != (test.dial != nil) || facts.GetPath() != "/here" {
				t.Errorf("told of %s, TLS %v, %s; want %s", facts.GetRemoteAddr(), facts.GetTls(), facts.GetPath(), want)
			}
			if err := c.say("hi"); err != nil {
				t.Fatal(err)
			}
			if _, body, err := c.hear(); body != "hi" || err != nil {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

func TestGatewayOnIPv6(t *testing.T) {
	listen6 := func() net.Listener {
		t.Helper()
		l, err := gateway.Listen(context.Background(), "[::1]:0")
		if err != nil {
			if os.Getenv("PARLEY_CI") != "" {
				t.Fatalf("no IPv6 here: %v", err)
			}
			t.Skipf("no IPv6 here (sysctl net.ipv6.conf.lo.disable_ipv6=0): %v", err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	cfg := config(t)
	cfg.Clients, cfg.Links = listen6(), listen6()
	p := start(t, cfg)
	w := p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	c := p.knock()
	if err := c.say("hi"); err != nil {
		t.Fatal(err)
	}
	if _, body, err := c.hear(); body != "hi" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	facts := w.told()
	if got, want := facts.GetRemoteAddr(), c.nc.LocalAddr().String(); got != want || !strings.HasPrefix(got, "[::1]:") {
		t.Errorf("remote address: got %s, want %s", got, want)
	}
	if got := facts.GetLocalAddr(); got != p.clients {
		t.Errorf("local address: got %s, want %s", got, p.clients)
	}
}

// A listener for everybody sees clients of IPv4 by their IPv4 address.
func TestListenerOfBothKindsTellsThemApart(t *testing.T) {
	cfg := config(t)
	both, err := gateway.Listen(t.Context(), "[::]:0")
	if err != nil {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatalf("no IPv6 here: %v", err)
		}
		t.Skipf("no IPv6 here (sysctl net.ipv6.conf.lo.disable_ipv6=0): %v", err)
	}
	t.Cleanup(func() { both.Close() })
	cfg.Clients = both
	p := start(t, cfg)
	w := p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	_, port, _ := net.SplitHostPort(p.clients)
	for _, host := range []string{"127.0.0.1", "::1"} {
		p.clients = net.JoinHostPort(host, port)
		c := p.knock()
		if got, want := w.told().GetRemoteAddr(), c.nc.LocalAddr().String(); got != want {
			t.Errorf("remote address: got %s, want %s", got, want)
		}
	}
}
