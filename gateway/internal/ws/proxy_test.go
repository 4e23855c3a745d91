package ws

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/register/clientaddr"
)

// header is one of the PROXY protocol, version 2.
func header(command byte, from string, extensions ...byte) string {
	b := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command)
	var body []byte
	if from == "" {
		b = append(b, 0)
	} else {
		at := netip.MustParseAddrPort(from)
		b = append(b, map[bool]byte{true: 0x11, false: 0x21}[at.Addr().Is4()])
		body = append(at.Addr().AsSlice(), make([]byte, at.Addr().BitLen()/8)...)
		body = append(binary.BigEndian.AppendUint16(body, at.Port()), 1, 187)
	}
	body = append(body, extensions...)
	return string(append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...))
}

// proxyRig is a server that trusts 127.0.0.1, where all test clients are, and remembers
// what Open saw.
type proxyRig struct {
	*rig
	mu   sync.Mutex
	seen []string
}

func behindProxy(t *testing.T, cfg Config, secure bool) *proxyRig {
	t.Helper()
	cfg.Proxies = trusted(t, "127.0.0.1", "10.0.0.0/24")
	p := &proxyRig{}
	p.rig = startWith(t, cfg, &app{open: func(_ context.Context, c *Conn, r *http.Request) Answer {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen = append(p.seen, c.RemoteAddr().String())
		if (r.TLS != nil) != secure {
			t.Errorf("the request knows of TLS: %v", r.TLS != nil)
		}
		return Answer{}
	}}, secure)
	return p
}

func trusted(t *testing.T, list ...string) clientaddr.Proxies {
	t.Helper()
	p, err := clientaddr.Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// saw is what the last Open saw.
func (p *proxyRig) saw() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[len(p.seen)-1]
}

// say dials, says a header and shakes hands, over TLS if the server speaks it.
func (p *proxyRig) say(header string, lines ...string) *client {
	p.t.Helper()
	c := rawDial(p.t, p.addr, false)
	c.write(header)
	if p.secure {
		c = over(p.t, tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true}))
	}
	c.write(request(lines...))
	c.resp = c.response()
	return c
}

func TestProxyHeaderSaysWhereAClientIs(t *testing.T) {
	for _, secure := range []bool{false, true} {
		p := behindProxy(t, Config{ProxyProtocol: true}, secure)
		for _, test := range []struct{ name, header, forwarded, want string }{
			{"IPv4", header(1, "198.51.100.7:50000"), "", "198.51.100.7:50000"},
			{"IPv6", header(1, "[2001:db8::7]:50000"), "", "[2001:db8::7]:50000"},
			{"extensions", header(1, "198.51.100.7:50000", append([]byte{4, 0, 200}, make([]byte, 200)...)...), "", "198.51.100.7:50000"},
			{"a client that claims another address", header(1, "198.51.100.7:50000"), "203.0.113.9", "198.51.100.7:50000"},
			{"a second proxy before the first", header(1, "10.0.0.3:50000"), "203.0.113.9", "203.0.113.9:0"},
			{"LOCAL, with X-Forwarded-For", header(0, "198.51.100.7:50000"), "203.0.113.9", "203.0.113.9:0"},
		} {
			var lines []string
			if test.forwarded != "" {
				lines = append(lines, "X-Forwarded-For: "+test.forwarded)
			}
			c := p.say(test.header, lines...)
			if c.resp.StatusCode != 101 {
				t.Fatalf("%s: status %d", test.name, c.resp.StatusCode)
			}
			if got := p.saw(); got != test.want {
				t.Errorf("%s: got %s, want %s", test.name, got, test.want)
			}
			c.text("hi")
			c.expect(0x81, "hi")
		}
		// A health check: the address is the proxy's own.
		for _, h := range []string{header(0, ""), header(1, "")} {
			c := p.say(h)
			if want := c.nc.LocalAddr().String(); c.resp.StatusCode != 101 || p.saw() != want {
				t.Errorf("%q: got %d from %s, want %s", h, c.resp.StatusCode, p.saw(), want)
			}
		}
	}
}

func TestProxyMustSayForWhom(t *testing.T) {
	var log bytes.Buffer
	cfg := Config{ProxyProtocol: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
	p := behindProxy(t, cfg, false)
	wrong := []string{"", "PROXY TCP4 198.51.100.7 192.0.2.1 50000 443\r\n", strings.Replace(header(1, "198.51.100.7:1"), "\x21", "\x31", 1)}
	for _, h := range wrong {
		if c := p.say(h); c.resp.StatusCode != 400 {
			t.Errorf("%q: got %d, want 400", h, c.resp.StatusCode)
		}
	}
	if st := p.s.Stats(); st.BadProxyHeaders != uint64(len(wrong)) || st.HandshakesFailed != uint64(len(wrong)) || st.Opened != 0 {
		t.Errorf("stats: %+v", st)
	}
	// Somebody looks whether the port is open: nothing to complain about.
	rawDial(t, p.addr, false).nc.Close()
	p.until("it has gone", func() bool { st := p.s.Stats(); return st.HandshakesFailed == uint64(len(wrong))+1 && st.Conns == 0 })
	if st := p.s.Stats(); st.BadProxyHeaders != uint64(len(wrong)) {
		t.Errorf("a port check counts as a bad header: %+v", st)
	}
	p.stop()
	<-p.served
	close(p.served)
	if got := strings.Count(log.String(), "PROXY protocol, version 2, as --proxy-protocol wants"); got != 1 || !strings.Contains(log.String(), "remote=127.0.0.1:") {
		t.Errorf("it is said %d times:\n%s", got, &log)
	}
}

func TestProxyHeaderOverTLSMustComeFirst(t *testing.T) {
	p := behindProxy(t, Config{ProxyProtocol: true}, true)
	nc := tls.Client(rawDial(t, p.addr, false).nc, &tls.Config{InsecureSkipVerify: true})
	_ = nc.SetDeadline(time.Now().Add(patience))
	if err := nc.Handshake(); err == nil {
		t.Error("TLS without a header before it was answered")
	}
	p.until("it is counted", func() bool { return p.s.Stats().BadProxyHeaders == 1 })
}

// Who is no proxy speaks for itself: a header is the begin of no request of its own.
func TestOnlyProxiesMaySendAHeader(t *testing.T) {
	for name, cfg := range map[string]Config{
		"not listed":   {ProxyProtocol: true, Proxies: trusted(t, "10.0.0.1")},
		"switched off": {Proxies: trusted(t, "127.0.0.1")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, secure := range []bool{false, true} {
				r := startWith(t, cfg, &app{}, secure)
				c := rawDial(t, r.addr, false)
				c.write(header(1, "198.51.100.7:50000"))
				if secure {
					if err := tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
						t.Error("a header is taken before TLS")
					}
					continue
				}
				c.write(request())
				if got := c.response().StatusCode; got != 400 {
					t.Errorf("status: got %d, want 400", got)
				}
				c, conn := r.pair()
				if got, want := conn.RemoteAddr().String(), c.nc.LocalAddr().String(); got != want {
					t.Errorf("without a header: from %s, want %s", got, want)
				}
			}
		})
	}
}

func TestProxyHeaderHasTheDeadlineOfTheHandshake(t *testing.T) {
	for _, secure := range []bool{false, true} {
		p := behindProxy(t, Config{ProxyProtocol: true, Limits: Limits{HandshakeTimeout: 150 * time.Millisecond}}, secure)
		c := rawDial(t, p.addr, false)
		// Long enough to drip for longer than patience.
		stop := drip(t, c, header(1, "198.51.100.7:50000", make([]byte, 4000)...))
		c.untilEnd()
		stop()
	}
}

// drip writes b a byte every 10 ms, to its end or for as long as the socket takes it.
func drip(t *testing.T, c *client, b string) (stop func()) {
	t.Helper()
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; i < len(b); i++ {
			select {
			case <-tick.C:
			case <-over:
				return
			}
			if _, err := c.nc.Write([]byte{b[i]}); err != nil {
				return
			}
		}
	})
	return func() { close(over); all.Wait() }
}

// untilEnd reads what is said and waits for the end of the stream, or a reset.
func (c *client) untilEnd() (said []byte) {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	for {
		b, err := c.br.ReadByte()
		if err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				c.t.Fatal("the socket stays open")
			}
			return said
		}
		said = append(said, b)
	}
}

// The limits of an address are those of the client, whoever brings it.
func TestLimitsOfAnAddressAreThoseOfTheClientBehindAProxy(t *testing.T) {
	for name, test := range map[string]struct {
		cfg Config
		via func(p *proxyRig, from string) *client
	}{
		"PROXY protocol": {Config{ProxyProtocol: true}, func(p *proxyRig, from string) *client {
			return p.say(header(1, netip.AddrPortFrom(netip.MustParseAddr(from), 50000).String()))
		}},
		"X-Forwarded-For": {Config{}, func(p *proxyRig, from string) *client { return p.say("", "X-Forwarded-For: "+from) }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := test.cfg
			cfg.MaxConnsPerIP = 1
			p := behindProxy(t, cfg, false)
			first := test.via(p, "198.51.100.7")
			for _, step := range []struct {
				from string
				want int
			}{{"198.51.100.7", 429}, {"198.51.100.8", 101}, {"2001:db8::1", 101}, {"2001:db8::2", 429}} {
				if got := test.via(p, step.from).resp.StatusCode; got != step.want {
					t.Errorf("%s: got %d, want %d", step.from, got, step.want)
				}
			}
			p.until("who was refused has gone", func() bool { return p.s.Stats().Conns == 3 })
			first.nc.Close()
			p.until("the place is given back", func() bool { return p.s.Stats().Conns == 2 })
			if got := test.via(p, "198.51.100.7").resp.StatusCode; got != 101 {
				t.Errorf("after the first has gone: got %d", got)
			}
			if got := p.s.Stats().Refused["conns_per_ip"]; got != 2 {
				t.Errorf("refused: got %d, want 2", got)
			}

			cfg.MaxConnsPerIP, cfg.MaxHandshakesPerIP = 0, 0.001
			p = behindProxy(t, cfg, false)
			for _, want := range []int{101, 429} {
				if got := test.via(p, "198.51.100.7").resp.StatusCode; got != want {
					t.Errorf("handshakes per second: got %d, want %d", got, want)
				}
			}
			if got := test.via(p, "198.51.100.9").resp.StatusCode; got != 101 {
				t.Errorf("another client of the same proxy: got %d", got)
			}
		})
	}
}

// A proxy that names nobody has dialled for itself, and has more conns than any client.
func TestProxyItselfIsNotLimited(t *testing.T) {
	p := behindProxy(t, Config{Limits: Limits{MaxConnsPerIP: 1, MaxHandshakesPerIP: 0.001}}, false)
	for range 5 {
		if c := p.say(""); c.resp.StatusCode != 101 {
			t.Errorf("status: got %d", c.resp.StatusCode)
		}
	}
}

// Then limits by address would be off and nobody would know.
func TestForwardedForThatCannotBeReadIsSaid(t *testing.T) {
	var log bytes.Buffer
	p := behindProxy(t, Config{Limits: Limits{MaxConnsPerIP: 1}, Log: slog.New(slog.NewTextHandler(&log, nil))}, false)
	for range 3 {
		if c := p.say("", "X-Forwarded-For: unknown"); c.resp.StatusCode != 101 {
			t.Errorf("status: got %d", c.resp.StatusCode)
		}
	}
	for i, want := range []int{101, 429} {
		if c := p.say("", "X-Forwarded-For: 198.51.100.7:"+strconv.Itoa(50000+i)); c.resp.StatusCode != want {
			t.Errorf("with a port: got %d, want %d", c.resp.StatusCode, want)
		}
	}
	if st := p.s.Stats(); st.BadProxyHeaders != 3 || st.HandshakesFailed != 0 {
		t.Errorf("stats: %+v", st)
	}
	p.stop()
	<-p.served
	close(p.served)
	if got := strings.Count(log.String(), "cannot be read"); got != 1 || !strings.Contains(log.String(), `\"unknown\" is no address`) {
		t.Errorf("it is said %d times:\n%s", got, &log)
	}
}

// Over TLS a client that has too many conns is not worth a handshake of TLS, if the
// PROXY protocol has said who it is.
func TestClientOfAProxyIsTurnedAwayBeforeTLS(t *testing.T) {
	p := behindProxy(t, Config{ProxyProtocol: true, Limits: Limits{MaxConnsPerIP: 1}}, true)
	p.say(header(1, "198.51.100.7:50000"))
	c := rawDial(t, p.addr, false)
	c.write(header(1, "198.51.100.7:50001"))
	if err := tls.Client(c.nc, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("the TLS handshake succeeded")
	}
	p.until("it is counted", func() bool { return p.s.Stats().Refused["conns_per_ip"] == 1 })
}

// Proxies that say nothing have the places; who speaks gets one all the same, after a
// fifth of the time of a handshake. The whole of it would be longer than a client waits.
func TestSilentProxiesMakeRoom(t *testing.T) {
	p := behindProxy(t, Config{ProxyProtocol: true, Limits: Limits{MaxHandshakes: 2, HandshakeTimeout: 3 * patience / 2}}, false)
	for range 2 {
		rawDial(t, p.addr, false)
	}
	if c := p.say(header(1, "198.51.100.7:50000")); c.resp.StatusCode != 101 {
		t.Errorf("status: got %d", c.resp.StatusCode)
	}
}

func TestProxyProtocolNeedsProxies(t *testing.T) {
	if _, err := New(Config{ProxyProtocol: true}, &app{}); err == nil || !strings.Contains(err.Error(), "proxy-protocol: needs trusted-proxy") {
		t.Errorf("got %v", err)
	}
}
