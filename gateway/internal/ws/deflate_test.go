package ws

import (
	"runtime"
	"strings"
	"testing"

	"github.com/parley-im/parley/gateway/internal/frame"
)

const offer = "Sec-WebSocket-Extensions: permessage-deflate"

func TestDeflateIsOffByDefault(t *testing.T) {
	r := start(t, Config{}, &app{})
	c := r.dial(offer)
	if got := c.resp.Header.Get("Sec-Websocket-Extensions"); got != "" {
		t.Errorf("extension: got %q", got)
	}
	long := strings.Repeat("as it is ", 200)
	c.text(long)
	c.expect(0x81, long)
	c.send(0xc1, deflated(long))
	c.expectClose(1002)
	if got := r.s.Stats().Deflations; got != 0 {
		t.Errorf("%d bodies were compressed", got)
	}
}

// A broadcast is compressed once, by the first that needs it, and the same bytes go to
// all; one below the threshold is not compressed at all.
func TestBroadcastIsDeflatedOnce(t *testing.T) {
	r := start(t, Config{Deflate: true}, &app{})
	const many = 20
	var clients []*client
	var conns []*Conn
	for range many {
		c, conn := r.pair(offer)
		clients, conns = append(clients, c), append(conns, conn)
	}
	plain, plainConn := r.pair()
	body := strings.Repeat("to everybody ", 200)
	for round := range uint64(3) {
		f := r.s.mustFrame(frame.Text, body, frame.Must, "")
		for _, c := range append(conns, plainConn) {
			c.Send(f)
		}
		var first string
		for _, c := range clients {
			got := c.next()
			if got.first != 0xc1 || inflated(t, got.payload) != body {
				t.Fatalf("got %v", got)
			}
			if first == "" {
				first = string(got.payload)
			} else if string(got.payload) != first {
				t.Error("not the same bytes for all")
			}
		}
		plain.expect(0x81, body)
		if got := r.s.Stats().Deflations; got != round+1 {
			t.Fatalf("%d broadcasts to %d conns: compressed %d times", round+1, many, got)
		}
	}
	short := strings.Repeat("x", 511)
	f := r.s.mustFrame(frame.Text, short, frame.Must, "")
	for i, c := range conns {
		c.Send(f)
		clients[i].expect(0x81, short)
	}
	if got := r.s.Stats().Deflations; got != 3 {
		t.Errorf("a short frame was compressed: %d", got)
	}
}

// A bomb costs what a message may have, not what it would become.
func TestDecompressionBombIsNotInflated(t *testing.T) {
	const size = 256 << 20
	b := deflated(strings.Repeat("\x00", size))
	r := start(t, Config{Deflate: true, Limits: Limits{MaxFrameBytes: 512 << 10}}, &app{})
	if len(b) > 512<<10 {
		t.Fatalf("the bomb has %d bytes", len(b))
	}
	whole, pieces := r.dial(offer), r.dial(offer)
	in := string(masked(0xc2, []byte(b)))
	half := len(b) / 2
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	whole.write(in)
	whole.expectClose(1009)
	pieces.send(0x42, b[:half])
	pieces.send(0x80, b[half:])
	pieces.expectClose(1009)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
		t.Errorf("two bombs of %d MiB had %d MiB allocated", size>>20, got>>20)
	}
	// What was inflated of it is nobody else's.
	c := r.dial(offer)
	c.send(0xc1, deflated("after the bomb"))
	c.expect(0x81, "after the bomb")
}
