package ws

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzMeter compares the meter, fed in pieces, with a reader that has all at once.
func FuzzMeter(f *testing.F) {
	f.Add(masked(0x81, []byte("hello")), uint8(3), false)
	f.Add(append(masked(0x01, bytes.Repeat([]byte("x"), 200)), masked(0x80, nil)...), uint8(1), true)
	f.Add(masked(0x82, make([]byte, 70_000)), uint8(200), false)
	f.Add([]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4}, uint8(5), false)
	f.Add([]byte{0x89, 0xfe, 0, 126, 1, 2, 3, 4}, uint8(1), false)
	f.Add([]byte{0x81, 0x02, 'a', 'b', 0xd1, 0x80}, uint8(1), true)
	f.Fuzz(func(t *testing.T, stream []byte, step uint8, deflate bool) {
		var m meter
		frames, good := 0, 0
		whole := true
		for at := 0; at < len(stream) && whole; {
			n := min(int(step)+1, len(stream)-at)
			g, k, ok := m.feed(stream[at:at+n], deflate)
			if g > n || ok != (g == n) && ok {
				t.Fatalf("feed of %d bytes: good %d, ok %v", n, g, ok)
			}
			frames += k
			good += g
			at += n
			whole = ok
		}
		wantFrames, wantGood, wantWhole, unfinished := readAll(stream, deflate)
		if frames != wantFrames || whole != wantWhole {
			t.Fatalf("got %d frames, whole %v; want %d, %v", frames, whole, wantFrames, wantWhole)
		}
		if whole && (good != len(stream) || m.unfinished() != unfinished) {
			t.Fatalf("good %d of %d, unfinished %v, want %v", good, len(stream), m.unfinished(), unfinished)
		}
		if !whole && (good < wantGood || good > wantGood+13) {
			t.Fatalf("good %d, want the %d before the broken frame and at most its header", good, wantGood)
		}
	})
}

// readAll is the meter's specification.
func readAll(b []byte, deflate bool) (frames, good int, whole, unfinished bool) {
	total, partial := len(b), false
	for len(b) > 0 {
		good = total - len(b)
		first := b[0]
		if op := first & 0x0f; deflate && (first&0x30 != 0 || first&0x40 != 0 && op != 1 && op != 2) {
			return frames, good, false, false
		}
		header, length := 2, uint64(0)
		if len(b) < 2 {
			return frames, good, true, true
		}
		if first&0x0f >= 8 && b[1]&0x7f > 125 { // a control frame is short
			return frames, good, false, false
		}
		switch n := b[1] & 0x7f; n {
		case 126:
			header = 4
			if len(b) >= 4 {
				length = uint64(binary.BigEndian.Uint16(b[2:]))
			}
		case 127:
			header = 10
			if len(b) > 2 && b[2]&0x80 != 0 {
				return frames, good, false, false
			}
			if len(b) >= 10 {
				length = binary.BigEndian.Uint64(b[2:])
			}
		default:
			length = uint64(n)
		}
		if b[1]&0x80 != 0 {
			header += 4
		}
		if len(b) < header {
			return frames, good, true, true
		}
		frames++
		b = b[header:]
		if uint64(len(b)) < length {
			return frames, good, true, true
		}
		b = b[length:]
		if first&0x0f < 8 {
			partial = first&0x80 == 0
		}
	}
	return frames, good, true, partial
}

// FuzzConnSurvivesAnyBytes sends a server whatever comes; it must close the conn
// and not panic.
func FuzzConnSurvivesAnyBytes(f *testing.F) {
	f.Add(masked(0x81, []byte("hello")))
	f.Add([]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4})
	f.Add(masked(0xc1, []byte(deflated("hello"))))
	f.Add(masked(0x88, []byte(closeBody(1000, "bye"))))
	f.Add([]byte{0x89, 0xfe, 0, 0})
	r := start(f, Config{Deflate: true, Limits: Limits{MaxFrameBytes: 4096}}, &app{})
	f.Fuzz(func(t *testing.T, stream []byte) {
		c := rawDial(t, r.addr, false).handshake("Sec-WebSocket-Extensions: permessage-deflate")
		if _, err := c.nc.Write(stream); err == nil {
			_, _ = c.nc.Write(masked(0x88, nil))
		}
		c.nc.Close()
		if got := r.s.Stats().Panics; got != 0 {
			t.Fatalf("panics: %d", got)
		}
	})
}
