package ws

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Bytes that come one by one do not put off the deadline of a handshake: not within the
// request line, not within a header that never ends, not within TLS.
func TestHandshakeThatDripsEndsAtItsDeadline(t *testing.T) {
	for name, said := range map[string]string{
		"request line":  "GET /" + strings.Repeat("a", 4000),
		"header":        strings.TrimSuffix(request("X-Slow: "+strings.Repeat("a", 4000)), "\r\n"),
		"many headers":  "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", 600),
		"line breaks":   strings.Repeat("\r\n", 2000),
		"hello of TLS":  string(clientHello(t)[:200]),
		"record of TLS": "\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + strings.Repeat("\x00", 4000),
	} {
		secure := strings.Contains(name, "TLS")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const deadline = 200 * time.Millisecond
			r := startWith(t, Config{Limits: Limits{HandshakeTimeout: deadline}}, &app{}, secure)
			began := time.Now()
			c := rawDial(t, r.addr, false)
			stop := drip(t, c, said)
			answer := c.untilEnd()
			stop()
			if name == "line breaks" { // none is a request line
				return
			}
			if took := time.Since(began); took < deadline {
				t.Errorf("ended after %v", took)
			}
			if !secure && !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
				t.Errorf("answer: %q", answer)
			}
			r.until("it is counted", func() bool { return r.s.Stats().HandshakesFailed == 1 })
			if n := r.app.count(); n != 0 {
				t.Errorf("Open was asked %d times", n)
			}
		})
	}
}

// clientHello is how a client of TLS begins.
func clientHello(t *testing.T) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go func() { _ = tls.Client(near, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
	b := make([]byte, 4096)
	_ = far.SetReadDeadline(time.Now().Add(patience))
	n, err := far.Read(b)
	if err != nil || n < 200 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	return b[:n]
}

// A handshake that is done has no deadline any more.
func TestDeadlineOfTheHandshakeEndsWithIt(t *testing.T) {
	chat := func(t *testing.T, r *rig, c *client, deadline time.Duration) {
		t.Helper()
		until := time.Now().Add(2 * deadline)
		for time.Now().Before(until) {
			c.text("hi")
			c.expect(0x81, "hi")
			<-time.After(deadline / 4)
		}
		if got := r.s.Stats().HandshakesFailed; got != 0 || c.resp.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("%d handshakes failed", got)
		}
	}
	const deadline = time.Second // also for TLS on a machine that is busy
	cfg := Config{Limits: Limits{HandshakeTimeout: deadline}}
	bubble(t, cfg, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		c, _ := dial()
		chat(t, r, c, deadline)
	})
	r := startWith(t, cfg, &app{}, true)
	chat(t, r, r.dial(), deadline)
}
