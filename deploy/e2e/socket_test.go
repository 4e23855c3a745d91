package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/register/registertest"
)

// doorstep is a stage of one gateway, whose configuration file can be written anew.
type doorstep struct {
	*staged
	file string
}

func newDoorstep(t *testing.T, text string, flags ...string) *doorstep {
	t.Helper()
	d := &doorstep{file: filepath.Join(t.TempDir(), "gateway.conf")}
	d.write(t, text)
	c := cast{gateways: 1, workers: 1}
	c.withDefaults()
	d.staged = processes(t, c, func(cfg *local.Config) {
		cfg.GatewayArgs = append(append(cfg.GatewayArgs, "--config", d.file), flags...)
	})
	begin(t, d)
	return d
}

func (d *doorstep) write(t *testing.T, text string) {
	t.Helper()
	must(t, os.WriteFile(d.file, []byte(text), 0o600))
}

// hangUp has the gateway read its configuration, and returns when that is done.
func (d *doorstep) hangUp(t *testing.T, says string) {
	t.Helper()
	before := strings.Count(d.said.String(), says)
	must(t, d.Cluster.Gateways[0].Signal(syscall.SIGHUP))
	eventually(t, func() bool { return strings.Count(d.said.String(), says) > before }, func() string { return "the gateway does not say: " + says })
}

const readAgain = "configuration read again"

// knock asks to be let in as a client of a proxy, and keeps what it gets until the test
// ends.
func (d *doorstep) knock(t *testing.T, from string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http"+strings.TrimPrefix(d.URL(0), "ws")+"?tag=knock", nil)
	must(t, err)
	for name, value := range map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "X-Forwarded-For": from} {
		r.Header.Set(name, value)
	}
	resp, err := new(http.Transport).RoundTrip(r)
	must(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// TestWhichWorkersAreWantedChangesOnHangUp has a gateway want a zone that no worker is of:
// it has nobody to ask about a client, until it takes the wish back.
func TestWhichWorkersAreWantedChangesOnHangUp(t *testing.T) {
	d := newDoorstep(t, "", "--open-timeout", "300ms")
	for _, step := range []struct {
		text string
		want int
	}{
		{"", http.StatusSwitchingProtocols},
		{"gateway.worker-label = zone=b\ngateway.slow-start = -1s\ngateway.rebalance = -1\n", http.StatusServiceUnavailable},
		{"", http.StatusSwitchingProtocols},
	} {
		d.write(t, step.text)
		d.hangUp(t, readAgain)
		if got := d.knock(t, "").StatusCode; got != step.want {
			t.Errorf("with %q: got %d, want %d", step.text, got, step.want)
		}
	}
	if strings.Contains(d.said.String(), "restart needed") {
		t.Error("a restart is asked for")
	}
}

// TestLimitsOfTheDoorChangeOnHangUp changes what clients may cost while the gateway runs.
// All clients come from a proxy that is trusted to tell their addresses.
func TestLimitsOfTheDoorChangeOnHangUp(t *testing.T) {
	d := newDoorstep(t, "", "--trusted-proxy", "127.0.0.1")
	type knock struct {
		from       string
		status     int
		retryAfter string // "": any
	}
	for _, phase := range []struct {
		conf   string
		knocks []knock
		limit  string // that is counted
	}{
		{"", []knock{{"198.51.100.1", 101, ""}, {"198.51.100.1", 101, ""}, {"198.51.100.1", 101, ""}}, ""},
		{"max-conns-per-ip = 1", []knock{{"198.51.100.2", 101, ""}, {"198.51.100.2", 429, "60"}, {"198.51.100.3", 101, ""}, {"2001:db8::1", 101, ""}, {"2001:db8::2", 429, "60"}}, "conns_per_ip"},
		{"max-handshakes-per-ip = 0.001", []knock{{"198.51.100.2", 101, ""}, {"198.51.100.2", 429, ""}, {"198.51.100.3", 101, ""}}, "handshakes_per_ip"},
		{"handshake-rate = 0.001", []knock{{"198.51.100.2", 503, ""}}, "handshake_rate"},
		{"max-conns = 1", []knock{{"198.51.100.2", 503, ""}}, "conns"},
		{"", []knock{{"198.51.100.2", 101, ""}, {"198.51.100.2", 101, ""}}, ""},
	} {
		d.write(t, phase.conf+"\n")
		d.hangUp(t, readAgain)
		refused := 0
		for _, k := range phase.knocks {
			resp := d.knock(t, k.from)
			after := resp.Header.Get("Retry-After")
			if resp.StatusCode != k.status || k.status != 101 && after == "" || k.retryAfter != "" && after != k.retryAfter {
				t.Errorf("%q: %s got %s and Retry-After %q, want %d and %q", phase.conf, k.from, resp.Status, after, k.status, k.retryAfter)
			}
			if k.status != 101 {
				refused++
			}
		}
		m, err := d.Cluster.Gateways[0].Metrics()
		must(t, err)
		if got := m[fmt.Sprintf("parley_gateway_limit_refusals_total{limit=%q}", phase.limit)]; int(got) != refused {
			t.Errorf("%q: %v refusals are counted, want %d", phase.conf, got, refused)
		}
	}

	// What a conn may say is another matter: it is read more slowly.
	p := enter(t, d.URL(0), "p")
	for range 5 {
		p.asks(answer.Reply, "")
	}
	if n := sum(t, d.Gateways(), "parley_gateway_throttled_total"); n != 0 {
		t.Errorf("throttled %v times without a need", n)
	}
	// burst says four things at once and, when they are answered, one more: it is not read
	// before what the four owe is paid.
	burst := func(arg string) (throttled float64) {
		t.Helper()
		first := p.n + 1
		for range 4 {
			p.says(answer.Reply, arg)
		}
		for n := first; n < first+4; n++ {
			p.hears(p.tag, n, false)
		}
		p.asks(answer.Reply, arg)
		return sum(t, d.Gateways(), "parley_gateway_throttled_total")
	}
	d.write(t, "frame-rate = 2\n")
	d.hangUp(t, readAgain)
	byFrames := burst("")
	d.write(t, "byte-rate = 100\n")
	d.hangUp(t, readAgain)
	byBytes := burst(strings.Repeat("x", 40))
	if byFrames == 0 || byBytes == byFrames {
		t.Errorf("throttled %v times for frames, then %v for bytes", byFrames, byBytes-byFrames)
	}
}

// TestCertificateOfClientsChangesWithoutARestart renews it, breaks it, and mends it.
func TestCertificateOfClientsChangesWithoutARestart(t *testing.T) {
	authority := registertest.NewAuthority(t)
	files := filepath.Join(t.TempDir())
	cert, key := filepath.Join(files, "cert.pem"), filepath.Join(files, "key.pem")
	copied := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(to, b, 0o600))
	}
	renew := func(name string) {
		t.Helper()
		c, k := authority.Issue(t, name)
		copied(c, cert)
		copied(k, key)
	}
	renew("first")
	d := newDoorstep(t, "client-tls-cert = "+cert+"\nclient-tls-key = "+key+"\n")
	url := "wss" + strings.TrimPrefix(d.URL(0), "ws") + "?tag="
	open := func(tag string) (p *person, serial string) {
		t.Helper()
		var c *client.Conn
		eventually(t, func() bool {
			var err error
			c, err = client.Dial(within(t, everything), url+tag, client.Options{TLS: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: authority.Pool()}})
			if err != nil && !strings.Contains(err.Error(), "503") {
				t.Fatal(err)
			}
			return err == nil
		}, func() string { return "nobody is let in" })
		t.Cleanup(c.Cut)
		shown := c.NetConn().(*tls.Conn).ConnectionState().PeerCertificates[0]
		return &person{Conn: c, t: t, tag: tag}, shown.SerialNumber.String()
	}

	old, first := open("old")
	old.asks(answer.Reply, "")
	renew("second")
	if _, same := open("before"); same != first {
		t.Error("a file that changes is read without SIGHUP, which operating.md denies")
	}
	d.hangUp(t, readAgain)
	young, second := open("young")
	if second == first {
		t.Error("the old certificate is shown")
	}
	old.asks(answer.Reply, "")
	young.asks(answer.Reply, "")

	for what, breaks := range map[string]func(){
		"broken":        func() { must(t, os.WriteFile(cert, []byte("-----BEGIN CERTIFICATE-----\nhalf of it"), 0o600)) },
		"gone":          func() { must(t, os.Remove(cert)) },
		"another's key": func() { c, _ := authority.Issue(t, "other"); copied(c, cert) },
	} {
		breaks()
		lines := strings.Count(d.said.String(), "--client-tls-cert, --client-tls-key: ")
		d.hangUp(t, "configuration not taken over")
		if got := strings.Count(d.said.String(), "--client-tls-cert, --client-tls-key: ") - lines; got != 1 {
			t.Errorf("%s: %d lines name the flags, want 1", what, got)
		}
		p, kept := open("kept")
		if kept != second {
			t.Errorf("%s: another certificate is shown", what)
		}
		p.asks(answer.Reply, "")
		old.asks(answer.Reply, "")
		p.Cut()
	}
	renew("third")
	d.hangUp(t, readAgain)
	if p, third := open("mended"); third == second {
		t.Error("the certificate that is good again is not shown")
	} else {
		p.asks(answer.Reply, "")
	}
}

// TestClusterOnIPv6 has every listener on ::1: registers, links, clients, health.
func TestClusterOnIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		if inCI() {
			t.Fatalf("no IPv6 here: %v", err)
		}
		t.Skipf("no IPv6 here (sysctl net.ipv6.conf.lo.disable_ipv6=0): %v", err)
	}
	must(t, l.Close())
	c := cast{registers: 2, gateways: 2, workers: 2}
	c.withDefaults()
	s := processes(t, c, func(cfg *local.Config) { cfg.Host = "::1" })
	begin(t, s)
	var all []*person
	for i := range s.Gateways() {
		if !strings.Contains(s.URL(i), "[::1]") {
			t.Errorf("gateway at %s", s.URL(i))
		}
		p := enter(t, s.URL(i), fmt.Sprintf("p%d", i))
		if host, _, _ := net.SplitHostPort(p.LocalAddr().String()); host != "::1" {
			t.Errorf("client at %s", p.LocalAddr())
		}
		p.asks(answer.Reply, "")
		all = append(all, p)
	}
	s.Workers()[0].Stop(t) // its conns move, over links that are IPv6 too
	began := time.Now()
	for _, p := range all {
		p.asks(answer.Reply, "")
	}
	t.Logf("answered by the other worker after %v", time.Since(began))
}
