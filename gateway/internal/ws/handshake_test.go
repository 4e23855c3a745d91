package ws

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

func TestHandshakeIsRefusedWithAReason(t *testing.T) {
	r := start(t, Config{Limits: Limits{Origins: []string{"chat.example.com", "*.example.org"},
		Hosts: []string{"chat.example.com"}}}, &app{})
	for _, tt := range []struct {
		name, request string
		status        int
		header        string // that must be there
	}{
		{"plain HTTP", "GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n", 426, "Upgrade"},
		{"wrong method", strings.Replace(request(), "GET", "POST", 1), 405, "Allow"},
		{"HTTP/1.0", strings.Replace(request(), "HTTP/1.1", "HTTP/1.0", 1), 505, ""},
		{"HTTP/2.0 on one line", strings.Replace(request(), "HTTP/1.1", "HTTP/2.0", 1), 505, ""},
		{"no Host", request("Host: -"), 400, ""},
		{"two Hosts", request("Host: chat.example.com\r\nHost: chat.example.com"), 400, ""},
		{"two versions", request("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8"), 426, "Sec-Websocket-Version"},
		{"two origins", request("Origin: https://chat.example.com\r\nOrigin: https://evil.example"), 403, ""},
		{"no Upgrade", request("Upgrade: -"), 426, "Sec-Websocket-Version"},
		{"no Connection", request("Connection: keep-alive"), 426, ""},
		{"version 8", request("Sec-WebSocket-Version: 8"), 426, "Sec-Websocket-Version"},
		{"no version", request("Sec-WebSocket-Version: -"), 426, ""},
		{"no key", request("Sec-WebSocket-Key: -"), 400, ""},
		{"short key", request("Sec-WebSocket-Key: c2hvcnQ="), 400, ""},
		{"a body", request("Content-Length: 3") + "abc", 400, ""},
		{"foreign origin", request("Origin: https://evil.example"), 403, ""},
		{"origin that ends alike", request("Origin: https://evilchat.example.com"), 403, ""},
		{"origin null", request("Origin: null"), 403, ""},
		{"foreign host", request("Host: other.example.com"), 421, ""},
		{"header too big", request("X-Big: " + strings.Repeat("x", 9<<10)), 431, ""},
		{"no HTTP", "\x16\x03\x01 hello\r\n\r\n", 400, ""},
		{"data before the 101", request() + string(masked(0x81, []byte("early"))), 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := rawDial(t, r.addr, false)
			c.write(tt.request)
			resp := c.response()
			if resp.StatusCode != tt.status {
				t.Errorf("status: got %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.header != "" && resp.Header.Get(tt.header) == "" {
				t.Errorf("header %s is missing: %v", tt.header, resp.Header)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || len(body) < 5 {
				t.Errorf("body: got %q, %v", body, err)
			}
			if !resp.Close {
				t.Error("the answer does not say Connection: close")
			}
			c.expectEnd()
		})
	}
	if got := r.app.count(); got != 0 {
		t.Errorf("Open was asked %d times", got)
	}
}

func TestAnswerThatNamesAnUpgradeSaysSoInConnection(t *testing.T) {
	r := start(t, Config{}, &app{})
	c := rawDial(t, r.addr, false)
	c.write(request("Sec-WebSocket-Version: 8"))
	raw, err := io.ReadAll(c.br) // http.ReadResponse hides Connection
	if err != nil || !strings.Contains(string(raw), "\r\nUpgrade: websocket\r\n") ||
		!strings.Contains(string(raw), "\r\nConnection: Upgrade, close\r\n") {
		t.Errorf("got %q, %v", raw, err)
	}
}

func TestHandshakeAcceptsWhatBrowsersAndProxiesSend(t *testing.T) {
	r := start(t, Config{Limits: Limits{Origins: []string{"chat.example.com", "*.example.org"}}}, &app{})
	for name, header := range map[string][]string{
		"lower case":           {"Upgrade: WebSocket", "Connection: upgrade"},
		"several tokens":       {"Connection: keep-alive, Upgrade"},
		"own origin":           {"Origin: https://chat.example.com:8443"},
		"origin below":         {"Origin: https://a.b.example.org"},
		"no origin":            {},
		"extensions unknown":   {"Sec-WebSocket-Extensions: x-foo; bar=1"},
		"version with a space": {"Sec-WebSocket-Version:  13 "},
	} {
		t.Run(name, func(t *testing.T) {
			c := rawDial(t, r.addr, false).handshake(header...)
			c.text("hi")
			c.expect(0x81, "hi")
		})
	}
}

func TestConnectionInTwoHeaderLines(t *testing.T) {
	r := start(t, Config{}, &app{})
	c := rawDial(t, r.addr, false)
	c.write(strings.Replace(request(), "Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade", 1))
	if got := c.response().StatusCode; got != 101 {
		t.Fatalf("status: got %d, want 101", got)
	}
}

func TestSlowHeaderEndsAtItsDeadline(t *testing.T) {
	r := start(t, Config{Limits: Limits{HandshakeTimeout: 150 * time.Millisecond}}, &app{})
	c := rawDial(t, r.addr, false)
	c.write("GET / HTTP/1.1\r\nHost: a")
	resp := c.response()
	if resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status: got %d, want 408", resp.StatusCode)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	c.expectEnd()
	silent := rawDial(t, r.addr, false)
	if got := silent.response().StatusCode; got != http.StatusRequestTimeout {
		t.Errorf("status: got %d, want 408", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	r := start(t, Config{}, &app{open: func(_ context.Context, c *Conn, _ *http.Request) Answer {
		return Answer{Status: 401, Reason: "who are you", RetryAfter: 1500 * time.Millisecond,
			Header: http.Header{"Www-Authenticate": {"Bearer"}, "X-Split": {"a\r\nX-Injected: b"}}}
	}})
	c := rawDial(t, r.addr, false)
	c.write(request())
	resp := c.response()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 401 || string(body) != "who are you\n" || resp.Header.Get("Retry-After") != "2" ||
		resp.Header.Get("Www-Authenticate") != "Bearer" || resp.Header.Get("X-Injected") != "" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
	c.expectEnd()
	if st := r.s.Stats(); st.RefusedHandler != 1 || st.Opened != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestOpenHasADeadline(t *testing.T) {
	r := start(t, Config{Limits: Limits{OpenTimeout: 100 * time.Millisecond}}, &app{
		open: func(ctx context.Context, _ *Conn, _ *http.Request) Answer {
			<-ctx.Done()
			return Answer{Status: 503, RetryAfter: time.Second}
		}})
	c := rawDial(t, r.addr, false)
	c.write(request())
	if resp := c.response(); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}

func TestPanicInOpenIsAnswered500(t *testing.T) {
	r := start(t, Config{}, &app{open: func(context.Context, *Conn, *http.Request) Answer { panic("boom") }})
	c := rawDial(t, r.addr, false)
	c.write(request())
	if got := c.response().StatusCode; got != 500 {
		t.Errorf("status: got %d, want 500", got)
	}
	if got := r.s.Stats().Panics; got != 1 {
		t.Errorf("panics: got %d, want 1", got)
	}
}

func TestFullServerSays503AndWhenToComeBack(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{Limits: Limits{MaxConns: 2}}, &app{}, secure)
		r.dial()
		last := r.dial()
		c := rawDial(t, r.addr, secure)
		if secure { // not worth a TLS handshake
			_ = c.nc.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(c.nc, request()); err == nil {
				t.Error("TLS handshake of a conn too many succeeded")
			}
			continue
		}
		c.write(request())
		if resp := c.response(); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("got %d %v", resp.StatusCode, resp.Header)
		}
		last.nc.Close()
		r.until("a place is free", func() bool { return r.s.Stats().Conns == 1 })
		r.dial()
	}
}

// TestRefusedClientTakesNoPlace has a client that was refused keep its socket: a
// place that becomes free meanwhile goes to the next.
func TestRefusedClientTakesNoPlace(t *testing.T) {
	r := start(t, Config{Limits: Limits{MaxConns: 1}}, &app{})
	c, conn := r.pair()
	for range 5 {
		refused := rawDial(t, r.addr, false)
		refused.write(request())
		if got := refused.response().StatusCode; got != http.StatusServiceUnavailable {
			t.Fatalf("status: got %d, want 503", got)
		}
	}
	c.nc.Close()
	r.end(conn)
	r.until("the conn has left", func() bool { return r.s.stats.conns.Load()-r.s.stats.turnedAway.Load() == 0 })
	r.dial()
}

func TestHandshakesPerSecondAreBounded(t *testing.T) {
	r := start(t, Config{Limits: Limits{HandshakeRate: 1}}, &app{})
	r.dial() // the token of the first second
	c := rawDial(t, r.addr, false)
	c.write(request())
	if resp := c.response(); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}

func TestGatePacesABurstBeforeItRefuses(t *testing.T) {
	g := newGate()
	g.set(1, 10, time.Second)
	at := g.at
	for i := range 15 {
		wait, ok := g.take(at)
		if want := i < 15; ok != want || (i < 10) != (wait == 0) {
			t.Errorf("handshake %d: wait %v, ok %v", i, wait, ok)
		}
	}
	if _, ok := g.take(at); ok {
		t.Error("a handshake that would wait longer than 500 ms is let in")
	}
	if wait, ok := g.take(at.Add(2 * time.Second)); !ok || wait != 0 {
		t.Errorf("after 2 s: wait %v, ok %v", wait, ok)
	}
}

func TestHandshakesAtOnceAreBounded(t *testing.T) {
	release := make(chan struct{})
	r := start(t, Config{Limits: Limits{MaxHandshakes: 2}}, &app{
		open: func(context.Context, *Conn, *http.Request) Answer { <-release; return Answer{} }})
	var clients []*client
	for range 4 {
		c := rawDial(t, r.addr, false)
		c.write(request())
		clients = append(clients, c)
	}
	r.until("two handshakes are under way", func() bool { return r.s.Stats().Conns == 2 })
	if got := r.s.Stats().Conns; got != 2 {
		t.Errorf("handshakes at once: got %d, want 2", got)
	}
	close(release)
	for _, c := range clients {
		if got := c.response().StatusCode; got != 101 {
			t.Errorf("status: got %d, want 101", got)
		}
	}
}

// Silent sockets have every place. Who speaks has to wait for a fifth of the time
// that they have for their handshakes, and only so many go as there are newcomers.
func TestSilentSocketsMakeRoomForWhoSpeaks(t *testing.T) {
	limits := Limits{MaxHandshakes: 4, HandshakeTimeout: 10 * time.Second}
	bubble(t, Config{Limits: limits}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		var silent []*client
		began := time.Now()
		for range 4 {
			silent = append(silent, r.knock())
			time.Sleep(time.Millisecond) // so that one is the oldest
		}
		dial()
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("the first who spoke waited %v, want 2 s", waited)
		}
		time.Sleep(time.Second)
		dial() // there is a place again: the first has left its own
		if waited := time.Since(began); waited != 3*time.Second {
			t.Errorf("the second waited until %v, want 3 s", waited)
		}
		for i, c := range silent {
			_ = c.nc.SetReadDeadline(time.Now().Add(time.Second))
			_, err := c.nc.Read(make([]byte, 1))
			if gone := err == io.EOF; gone != (i == 0) {
				t.Errorf("silent socket %d: %v", i, err)
			}
		}
	})
}

func TestConnsPerAddressAreBounded(t *testing.T) {
	r := start(t, Config{Limits: Limits{MaxConnsPerIP: 1}}, &app{})
	first := r.dial()
	c := rawDial(t, r.addr, false)
	c.write(request())
	if got := c.response().StatusCode; got != 429 {
		t.Errorf("status: got %d, want 429", got)
	}
	first.nc.Close()
	r.until("the place is given back", func() bool { return r.s.Stats().Conns == 0 })
	r.dial()
}

func TestSubprotocolAndHeaderAreToldPerConn(t *testing.T) {
	r := start(t, Config{}, &app{open: func(_ context.Context, c *Conn, r *http.Request) Answer {
		return Answer{Subprotocol: "parley.v1.json", Header: http.Header{
			"Set-Cookie": {"a=1", "b=2"}, "Sec-Websocket-Accept": {"forged"}, "X-Split": {"a\r\nX-Injected: b"}}}
	}})
	c, conn := r.pair("Sec-WebSocket-Protocol: bearer.abc, parley.v1.json")
	h := c.resp.Header
	if got := h.Get("Sec-Websocket-Protocol"); got != "parley.v1.json" {
		t.Errorf("subprotocol: got %q", got)
	}
	if got := h.Values("Set-Cookie"); len(got) != 2 {
		t.Errorf("Set-Cookie: got %q", got)
	}
	if h.Get("X-Injected") != "" {
		t.Error("a header value split the answer")
	}
	if got := conn.Subprotocol(); got != "parley.v1.json" {
		t.Errorf("Conn.Subprotocol: got %q", got)
	}
	c, conn = r.pair() // offered none: none is told, but it counts for the body
	if got := c.resp.Header.Values("Sec-Websocket-Protocol"); len(got) != 0 {
		t.Errorf("subprotocol told without an offer: %q", got)
	}
	if got := conn.Subprotocol(); got != "parley.v1.json" {
		t.Errorf("Conn.Subprotocol: got %q", got)
	}
}

func TestBodyFollowsTheSubprotocol(t *testing.T) {
	r := start(t, Config{}, &app{open: func(_ context.Context, c *Conn, r *http.Request) Answer {
		return Answer{Subprotocol: r.Header.Get("Sec-Websocket-Protocol")}
	}})
	f := r.s.mustFrame(frame.Text, `{"a":1}`, frame.Must, "")
	if err := f.AddBody("parley.v1.proto", frame.Binary, []byte{8, 1}); err != nil {
		t.Fatal(err)
	}
	j, jc := r.pair("Sec-WebSocket-Protocol: parley.v1.json")
	p, pc := r.pair("Sec-WebSocket-Protocol: parley.v1.proto")
	jc.Send(f)
	pc.Send(f)
	j.expect(0x81, `{"a":1}`)
	p.expect(0x82, "\x08\x01")
}

func TestFirstFramesPrecedeWhatWasSentDuringOpen(t *testing.T) {
	a := &app{}
	a.open = func(_ context.Context, c *Conn, _ *http.Request) Answer {
		for _, s := range []string{"three", "four", "five"} {
			if !c.Send(a.server.mustFrame(frame.Text, s, frame.Must, "")) {
				t.Error("Send during Open was refused")
			}
		}
		return Answer{First: []*frame.Frame{
			a.server.mustFrame(frame.Text, "one", frame.Must, ""),
			a.server.mustFrame(frame.Text, "two", frame.Must, "")}, Owner: "me"}
	}
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{}, a, secure)
		c, conn := r.pair()
		for _, s := range []string{"one", "two", "three", "four", "five"} {
			c.expect(0x81, s)
		}
		if conn.Owner() != "me" {
			t.Errorf("Owner: got %v", conn.Owner())
		}
	}
}

func TestConnClosedOrKilledDuringOpen(t *testing.T) {
	a := &app{}
	kill := true
	a.open = func(_ context.Context, c *Conn, _ *http.Request) Answer {
		if kill {
			c.Kill()
		} else {
			c.Close(4500, "no", nil)
		}
		return Answer{}
	}
	r := start(t, Config{}, a)
	c := rawDial(t, r.addr, false)
	c.write(request())
	r.until("conn is known", func() bool { return a.count() == 1 })
	if why := r.end(a.conns[0]); why.Code != codeLost || why.By != ByServer {
		t.Errorf("killed: got %+v", why)
	}
	kill = false
	c, conn := r.pair()
	c.expectClose(4500)
	c.send(0x88, closeBody(4500, ""))
	c.expectEnd()
	if why := r.end(conn); why.Code != 4500 || why.By != ByServer {
		t.Errorf("closed: got %+v", why)
	}
}
