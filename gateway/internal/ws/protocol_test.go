package ws

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// The cases of this file follow the Autobahn test suite; their numbers are
// given.

// TestMessagesAreEchoed is 1.x: sizes around each length encoding.
func TestMessagesAreEchoed(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{}, &app{}, secure)
		c := r.dial()
		for _, n := range []int{0, 1, 125, 126, 127, 128, 511, 512, 513, 4096, 65535, 65536} {
			body := strings.Repeat("*", n)
			c.text(body)
			c.expect(0x81, body)
			c.send(0x82, body)
			c.expect(0x82, body)
		}
	}
}

// TestMessagesArriveByteByByte is 1.1.8, 2.6 and 5.x with chops of one byte.
func TestMessagesArriveByteByByte(t *testing.T) {
	r := start(t, Config{}, &app{})
	c := r.dial()
	stream := slices.Concat(masked(0x01, []byte("frag")), masked(0x89, []byte("ping")),
		masked(0x80, []byte(strings.Repeat("m", 200))), masked(0x82, []byte{0x00, 0xff, 0x80}))
	for i := range stream {
		c.write(string(stream[i : i+1]))
	}
	c.expect(0x8a, "ping")
	c.expect(0x81, "frag"+strings.Repeat("m", 200))
	c.expect(0x82, "\x00\xff\x80")
}

// TestPingsAreEchoed is 2.1–2.11.
func TestPingsAreEchoed(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{}, &app{}, secure)
		c := r.dial()
		for n := range 126 {
			payload := strings.Repeat("\xfe", n)
			c.send(0x89, payload)
			c.expect(0x8a, payload)
		}
		c.send(0x8a, "unsolicited pong")
		c.send(0x8a, "")
		c.text("still there")
		c.expect(0x81, "still there")
		var burst, pongs []byte
		for i := range 10 {
			burst = append(burst, masked(0x89, []byte{byte('0' + i)})...)
			pongs = append(pongs, byte('0'+i))
		}
		c.write(string(burst))
		for _, p := range pongs {
			c.expect(0x8a, string(p))
		}
	}
}

// TestBrokenFramesEndTheConn is 2.5, 3.x, 4.x, 5.1–5.2, 5.9–5.18, and what gws
// lets pass.
func TestBrokenFramesEndTheConn(t *testing.T) {
	longPing := string([]byte{0x89, 0x80 | 126, 0, 126, 1, 2, 3, 4}) + strings.Repeat("x", 126)
	topBit := string([]byte{0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4})
	allBits := string([]byte{0x82, 0x80 | 127, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4})
	hugePing := string([]byte{0x89, 0x80 | 127, 0, 0, 0, 0, 0, 2, 0, 0, 1, 2, 3, 4})
	topBitPing := string([]byte{0x89, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})
	for _, tt := range []struct {
		name, bytes string
		code        uint16
	}{
		{"ping of 126 bytes", longPing, 1002},
		{"ping of 128 KiB", hugePing, 1002},
		{"RSV1", string(masked(0xc1, []byte("x"))), 1002},
		{"RSV2", string(masked(0xa1, []byte("x"))), 1002},
		{"RSV3", string(masked(0x91, []byte("x"))), 1002},
		{"RSV on a ping", string(masked(0xd9, []byte("x"))), 1002},
		{"RSV on a close", string(masked(0xf8, nil)), 1002},
		{"opcode 3", string(masked(0x83, nil)), 1002},
		{"opcode 7", string(masked(0x87, []byte("x"))), 1002},
		{"opcode 11", string(masked(0x8b, nil)), 1002},
		{"opcode 15", string(masked(0x8f, []byte("x"))), 1002},
		{"fragmented ping", string(masked(0x09, []byte("x"))), 1002},
		{"fragmented close", string(masked(0x08, nil)), 1002},
		{"continuation of nothing", string(masked(0x80, []byte("x"))), 1002},
		{"continuation of nothing, not final", string(masked(0x00, []byte("x"))), 1002},
		{"text within a text", string(masked(0x01, []byte("x"))) + string(masked(0x81, []byte("y"))), 1002},
		{"unmasked", "\x81\x01x", 1002},
		{"unmasked ping", "\x89\x00", 1002},
		{"length with the top bit", topBit, 1002},
		{"length of all ones", allBits, 1002},
		{"ping with the top bit", topBitPing, 1002},
		{"too big", string([]byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4}), 1009},
		{"enormous", string([]byte{0x82, 0x80 | 127, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4}), 1009},
		{"too big in fragments", string(masked(0x01, []byte(strings.Repeat("x", 40000)))) +
			string(masked(0x80, []byte(strings.Repeat("x", 30000)))), 1009},
		{"text not UTF-8", string(masked(0x81, []byte("a\xffb"))), 1007},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, before := range []string{"", string(masked(0x81, []byte("before")))} {
				r := start(t, Config{}, &app{})
				c, conn := r.pair()
				c.write(before + tt.bytes + string(masked(0x81, []byte("never read"))))
				if before != "" {
					c.expect(0x81, "before")
				}
				c.expectClose(tt.code)
				c.expectEnd()
				c.nc.Close()
				if why := r.end(conn); why.Code != tt.code || why.By != ByError {
					t.Errorf("Closed: got %+v", why)
				}
				if got := r.s.Stats().Panics; got != 0 {
					t.Errorf("panics: got %d", got)
				}
			}
		})
	}
}

// TestFragments is 5.3–5.8 and 5.19–5.20.
func TestFragments(t *testing.T) {
	r := start(t, Config{}, &app{})
	c := r.dial()
	c.send(0x01, "one ")
	c.send(0x00, "two ")
	c.send(0x89, "in between")
	c.expect(0x8a, "in between")
	c.send(0x00, "")
	c.send(0x89, "again")
	c.expect(0x8a, "again")
	c.send(0x80, "three")
	c.expect(0x81, "one two three")
	c.send(0x02, "")
	c.send(0x00, "")
	c.send(0x80, "")
	c.expect(0x82, "")
	var all []byte
	for i := range 20 { // in one segment
		first := byte(0x00)
		if i == 0 {
			first = 0x01
		}
		all = append(append(all, masked(first, []byte("f"))...), masked(0x89, []byte{'a' + byte(i)})...)
	}
	c.write(string(append(all, masked(0x80, []byte("end"))...)))
	for i := range 20 {
		c.expect(0x8a, string([]byte{'a' + byte(i)}))
	}
	c.expect(0x81, strings.Repeat("f", 20)+"end")
}

// TestUTF8 is 6.x: valid and not, whole and split at every place.
func TestUTF8(t *testing.T) {
	for _, tt := range []struct {
		text  string
		valid bool
	}{
		{"Hello-µ@ßöäüàá-UTF-8!!", true},
		{"κόσμε", true},
		{"\U00010000", true},
		{"\U0010ffff", true},
		{"\ufffd\ufffe\uffff", true}, // noncharacters are valid
		{"\x00", true},
		{"", true},
		{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", false}, // a surrogate
		{"\xf4\x90\x80\x80", false}, // above U+10FFFF
		{"\xc0\xaf", false},         // overlong
		{"\xe0\x80\xaf", false},
		{"\x80", false},
		{"\xbf", false},
		{"\xce", false}, // cut off
		{"\xf0\x9f\x98", false},
		{"\xfe\xfe\xff\xff", false},
		{"\xf8\x88\x80\x80\x80", false},
	} {
		r := start(t, Config{Limits: Limits{FrameRate: -1}}, &app{})
		for cut := 0; cut <= len(tt.text); cut++ {
			c := r.dial()
			c.send(0x01, tt.text[:cut])
			c.send(0x89, "between")
			c.send(0x80, tt.text[cut:])
			c.expect(0x8a, "between")
			if tt.valid {
				c.expect(0x81, tt.text)
			} else {
				c.expectClose(1007)
			}
			c.nc.Close()
		}
		if c := r.dial(); tt.valid {
			c.text(tt.text)
			c.expect(0x81, tt.text)
		}
		c := r.dial() // a binary message is not looked into
		c.send(0x82, tt.text)
		c.expect(0x82, tt.text)
	}
}

// TestCloseByClient is 7.x.
func TestCloseByClient(t *testing.T) {
	long := strings.Repeat("r", 123)
	for _, tt := range []struct {
		name, body string
		answer     uint16
		code       uint16
		reason     string
	}{
		{name: "empty", body: "", answer: 1005, code: 1005},
		{name: "1000", body: closeBody(1000, ""), answer: 1000, code: 1000},
		{name: "with a reason", body: closeBody(1000, "bye"), answer: 1000, code: 1000, reason: "bye"},
		{name: "reason of 123 bytes", body: closeBody(1000, long), answer: 1000, code: 1000, reason: long},
		{name: "1001", body: closeBody(1001, ""), answer: 1000, code: 1001},
		{name: "1003", body: closeBody(1003, ""), answer: 1000, code: 1003},
		{name: "1007", body: closeBody(1007, ""), answer: 1000, code: 1007},
		{name: "1011", body: closeBody(1011, ""), answer: 1000, code: 1011},
		{name: "3000", body: closeBody(3000, ""), answer: 3000, code: 3000},
		{name: "3999", body: closeBody(3999, "x"), answer: 3999, code: 3999, reason: "x"},
		{name: "4000", body: closeBody(4000, ""), answer: 4000, code: 4000},
		{name: "4999", body: closeBody(4999, ""), answer: 4999, code: 4999},
		{name: "one byte", body: "\x03", answer: 1002, code: 3},
		{name: "0", body: closeBody(0, ""), answer: 1002, code: 1005},
		{name: "999", body: closeBody(999, ""), answer: 1002, code: 999},
		{name: "1004", body: closeBody(1004, ""), answer: 1002, code: 1004},
		{name: "1005", body: closeBody(1005, ""), answer: 1002, code: 1005},
		{name: "1006", body: closeBody(1006, ""), answer: 1002, code: 1006},
		{name: "1015", body: closeBody(1015, ""), answer: 1002, code: 1015},
		{name: "1016", body: closeBody(1016, ""), answer: 1002, code: 1016},
		{name: "1100", body: closeBody(1100, ""), answer: 1002, code: 1100},
		{name: "2999", body: closeBody(2999, ""), answer: 1002, code: 2999},
		{name: "5000", body: closeBody(5000, ""), answer: 1002, code: 5000},
		{name: "65535", body: closeBody(65535, ""), answer: 1002, code: 65535},
		{name: "reason not UTF-8", body: closeBody(1000, "a\xffb"), answer: 1007, code: 1000, reason: "a\ufffdb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, secure := range []bool{false, true} {
				r := startWith(t, Config{}, &app{}, secure)
				c, conn := r.pair()
				c.text("last words")
				c.send(0x88, tt.body)
				c.expect(0x81, "last words")
				c.expectClose(tt.answer)
				c.expectEnd()
				why := r.end(conn)
				if why.Code != tt.code || why.Reason != tt.reason || why.By != ByClient {
					t.Errorf("Closed: got %+v", why)
				}
				if why.FramesIn != 2 || why.BytesIn == 0 || why.Duration <= 0 {
					t.Errorf("Closed: figures %+v", why)
				}
			}
		})
	}
}

func TestNothingIsReadBehindAClose(t *testing.T) {
	r := start(t, Config{}, &app{})
	c, conn := r.pair()
	c.write(string(masked(0x88, []byte(closeBody(1000, "")))) + string(masked(0x81, []byte("late"))) +
		string(masked(0x89, nil)) + string(masked(0x88, []byte(closeBody(1001, "")))))
	c.expectClose(1000)
	if why := r.end(conn); why.Code != 1000 {
		t.Errorf("Closed: got %+v", why)
	}
	if got := r.s.Stats().MessagesIn; got != 0 {
		t.Errorf("messages: got %d, want 0", got)
	}
}

// TestNothingIsLostWhenThePeerTalksOnBehindItsClose is 7.1.3–7.1.6: what the peer
// sends too late must not reset the socket while echoes and the close frame are
// still on their way to it.
func TestNothingIsLostWhenThePeerTalksOnBehindItsClose(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{Limits: Limits{CloseWait: time.Minute}}, &app{}, secure)
		c := rawDial(t, r.addr, secure)
		if tcp, ok := socketOf(c.nc).(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(16 << 10) // most of it waits in the server's kernel
		}
		c.handshake()
		r.until("conn is known", func() bool { return r.app.count() > 0 })
		r.app.mu.Lock()
		conn := r.app.conns[0]
		r.app.mu.Unlock()
		big := strings.Repeat("b", 100_000)
		conn.Send(r.s.mustFrame(frame.Text, big, frame.Must, ""))
		r.until("all is in the kernel", func() bool { return conn.Queued() == 0 })
		c.send(0x88, closeBody(1000, ""))
		r.end(conn)
		var got []byte
		for b := make([]byte, 4000); ; {
			_ = c.nc.SetDeadline(time.Now().Add(patience))
			n, err := c.br.Read(b)
			got = append(got, b[:n]...)
			if err != nil {
				if err != io.EOF {
					t.Errorf("after %d bytes: %v", len(got), err)
				}
				break
			}
			_, _ = c.nc.Write(masked(0x89, []byte("late")))
		}
		if want := string(r.s.mustFrame(frame.Text, big, frame.Must, "").Wire("", false)) + "\x88\x02\x03\xe8"; string(got) != want {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
	}
}

// TestPeerThatHalfClosesBehindItsCloseGetsEverything has a peer whose end of the
// stream comes right behind its close frame, while much is still queued for it.
func TestPeerThatHalfClosesBehindItsCloseGetsEverything(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{Limits: Limits{QueueBytes: 32 << 20}}, &app{}, secure)
		c, conn := r.pair()
		big := strings.Repeat("b", 16<<20)
		conn.Send(r.s.mustFrame(frame.Text, big, frame.Must, ""))
		c.send(0x88, closeBody(1000, ""))
		_ = c.nc.(halfCloser).CloseWrite()
		_ = socketOf(c.nc).(halfCloser).CloseWrite()
		r.end(conn)
		c.expect(0x81, big)
		c.expectClose(1000)
		c.expectEnd()
	}
}

func TestLostConnHas1006(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{}, &app{}, secure)
		c, conn := r.pair()
		c.nc.Close()
		if why := r.end(conn); why.Code != codeLost || why.By != ByLoss {
			t.Errorf("end of the stream: got %+v", why)
		}
		c, conn = r.pair()
		c.write("\x81") // half a header
		c.nc.Close()
		if why := r.end(conn); why.Code != codeLost || why.By != ByLoss {
			t.Errorf("cut off in a frame: got %+v", why)
		}
	}
}

func TestCloseByServerWaitsForThePeersClose(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{}, &app{}, secure)
		c, conn := r.pair()
		conn.Send(r.s.mustFrame(frame.Text, "queued", frame.Must, ""))
		conn.Close(4501, "kicked", r.s.mustFrame(frame.Text, "last", frame.Must, ""))
		conn.Close(4000, "second", nil)
		if conn.Send(r.s.mustFrame(frame.Text, "late", frame.Must, "")) || !conn.Closing() {
			t.Error("a closing conn takes frames")
		}
		c.expect(0x81, "queued")
		c.expect(0x81, "last")
		if got := c.expectClose(4501); got != "kicked" {
			t.Errorf("reason: got %q", got)
		}
		c.text("sent before I saw the close")
		c.send(0x88, closeBody(4501, ""))
		c.expectEnd()
		why := r.end(conn)
		if why.Code != 4501 || why.Reason != "kicked" || why.By != ByServer {
			t.Errorf("Closed: got %+v", why)
		}
		if got := r.s.Stats().MessagesIn; got != 1 {
			t.Errorf("messages read until the peer's close: got %d, want 1", got)
		}
	}
}

func TestCloseByServerDoesNotWaitForEver(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{Limits: Limits{CloseWait: 100 * time.Millisecond}}, &app{}, secure)
		c, conn := r.pair()
		began := time.Now()
		conn.Close(1001, strings.Repeat("ß", 100), nil)
		if got := c.expectClose(1001); got != strings.Repeat("ß", 61) {
			t.Errorf("reason is not cut at a letter: %q", got)
		}
		r.end(conn)
		if took := time.Since(began); took < 100*time.Millisecond || took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	}
}

func TestPanicInMessageEndsThatConnOnly(t *testing.T) {
	a := &app{}
	a.message = func(c *Conn, m *Message) {
		if string(m.Bytes()) == "boom" {
			panic("boom")
		}
		c.Send(a.server.mustFrame(frame.Text, string(m.Bytes()), frame.Must, ""))
	}
	r := start(t, Config{}, a)
	other := r.dial()
	c, conn := r.pair()
	c.write(string(masked(0x81, []byte("boom"))) + string(masked(0x81, []byte("behind"))))
	c.expectClose(1011)
	c.expectEnd()
	if why := r.end(conn); why.Code != 1011 || why.By != ByError {
		t.Errorf("Closed: got %+v", why)
	}
	other.text("alive")
	other.expect(0x81, "alive")
	if st := r.s.Stats(); st.Panics != 1 || st.MessagesIn != 2 {
		t.Errorf("stats: %+v", st)
	}
}

func TestMessagesCanBeKeptAndReleasedLater(t *testing.T) {
	a := &keeper{kept: make(chan *Message, 100)}
	s, err := New(Config{}, a)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, ln, nil) }()
	c := rawDial(t, ln.Addr().String(), false).handshake()
	for i := range cap(a.kept) {
		c.text(strings.Repeat(string(rune('A'+i)), 300))
	}
	for i := range cap(a.kept) {
		m := <-a.kept
		defer m.Release()
		defer m.Release() // twice does no harm
		if want := strings.Repeat(string(rune('A'+i)), 300); string(m.Bytes()) != want || m.Binary() {
			t.Fatalf("message %d has changed: %.20q", i, m.Bytes())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type keeper struct {
	app
	kept chan *Message
}

func (k *keeper) Message(_ *Conn, m *Message) { k.kept <- m }

// TestDeflate is 12.x and 13.x in what matters here: negotiated without context
// takeover, both ways, mixed with plain frames and fragments.
func TestDeflate(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{Deflate: true, DeflateThreshold: 100}, &app{}, secure)
		c := r.dial("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
		if got := c.resp.Header.Get("Sec-Websocket-Extensions"); got != deflateOffer {
			t.Errorf("extension: got %q", got)
		}
		long := strings.Repeat("compress me ", 200)
		for range 3 { // without takeover each message stands alone
			c.send(0xc1, deflated(long))
			f := c.next()
			if f.first != 0xc1 || inflated(t, f.payload) != long || len(f.payload) > 200 {
				t.Fatalf("got %v", f)
			}
		}
		c.text("short and plain")
		c.expect(0x81, "short and plain")
		d := deflated("in pieces")
		c.send(0x41, d[:3])
		c.send(0x89, "p")
		c.send(0x00, d[3:6])
		c.send(0x80, d[6:])
		c.expect(0x8a, "p")
		c.expect(0x81, "in pieces")
		c.send(0xc1, deflated("a\xffb"))
		c.expectClose(1007)
	}
}

func TestDeflateIsOfferedInManyWays(t *testing.T) {
	for offer, accepted := range map[string]bool{
		"permessage-deflate":                         true,
		"permessage-deflate;":                        true,
		"permessage-deflate; client_max_window_bits": true,
		"permessage-deflate; client_max_window_bits=15; server_no_context_takeover; client_no_context_takeover": true,
		"permessage-deflate; client_max_window_bits=09":                                                         false,
		"permessage-deflate; client_max_window_bits=+9":                                                         false,
		"permessage-deflate; server_max_window_bits=10":                                                         false,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":                                     true,
		"permessage-deflate; unknown=1":                                                                         false,
		"permessage-deflate; server_no_context_takeover=1":                                                      false,
		"permessage-deflate; client_max_window_bits=7":                                                          false,
		"permessage-deflate; client_max_window_bits; client_max_window_bits":                                    false,
		"x-webkit-deflate-frame":                                                                                false,
		"permessage-deflatex":                                                                                   false,
		"":                                                                                                      false,
	} {
		h := map[string][]string{"Sec-Websocket-Extensions": {offer}}
		if got := negotiate(h, true); got != accepted || (len(h) == 1) != accepted {
			t.Errorf("%q: got %v, header %v", offer, got, h)
		}
		if negotiate(map[string][]string{"Sec-Websocket-Extensions": {offer}}, false) {
			t.Errorf("%q: accepted although off", offer)
		}
	}
}

func TestDeflateBreachesEndTheConn(t *testing.T) {
	bomb := deflated(strings.Repeat("\x00", 10<<20))
	if len(bomb) > 64<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	for _, tt := range []struct {
		name, bytes string
		code        uint16
	}{
		{"bomb", string(masked(0xc2, []byte(bomb))), 1009},
		{"garbage", string(masked(0xc2, []byte("\xff\xff\xff\xff"))), 1007},
		{"RSV2", string(masked(0xa1, []byte("x"))), 1002},
		{"RSV3", string(masked(0x91, []byte("x"))), 1002},
		{"RSV1 on a ping", string(masked(0xc9, []byte("x"))), 1002},
		{"RSV1 on a continuation", string(masked(0x01, []byte("x"))) + string(masked(0xc0, []byte("x"))), 1002},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, Config{Deflate: true}, &app{})
			c, conn := r.pair("Sec-WebSocket-Extensions: permessage-deflate")
			c.write(tt.bytes)
			c.expectClose(tt.code)
			c.expectEnd()
			c.nc.Close()
			if why := r.end(conn); why.Code != tt.code || why.By != ByError {
				t.Errorf("Closed: got %+v", why)
			}
		})
	}
}

func TestSharedFrameIsDeflatedForThoseWhoNegotiated(t *testing.T) {
	r := start(t, Config{Deflate: true}, &app{})
	plain, pc := r.pair()
	small, sc := r.pair("Sec-WebSocket-Extensions: permessage-deflate")
	body := strings.Repeat("all the same ", 100)
	f := r.s.mustFrame(frame.Text, body, frame.Must, "")
	for range 2 {
		pc.Send(f)
		sc.Send(f)
		plain.expect(0x81, body)
		if got := small.next(); got.first != 0xc1 || inflated(t, got.payload) != body {
			t.Errorf("deflated: got %v", got)
		}
	}
	incompressible := make([]byte, 600)
	state := uint64(1)
	for i := range incompressible[:592] {
		state = state*6364136223846793005 + 1442695040888963407
		incompressible[i] = byte(state >> 56)
	}
	binary.BigEndian.PutUint64(incompressible[592:], state)
	sc.Send(r.s.mustFrame(frame.Binary, string(incompressible), frame.Must, ""))
	small.expect(0x82, string(incompressible))
}
