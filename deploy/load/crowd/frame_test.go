package crowd

import (
	"bytes"
	"errors"
	"testing"
)

// unmask takes a client's frame apart as a server does.
func unmask(t *testing.T, b []byte) (op byte, payload []byte) {
	t.Helper()
	size, at := int(b[1]&0x7f), 2
	switch size {
	case 126:
		size, at = int(b[2])<<8|int(b[3]), 4
	case 127:
		size, at = int(b[6])<<24|int(b[7])<<16|int(b[8])<<8|int(b[9]), 10
	}
	key, payload := b[at:at+4], bytes.Clone(b[at+4:])
	if len(payload) != size || b[1]&0x80 == 0 || b[0]&0x80 == 0 {
		t.Fatalf("head % x of a frame with %d bytes", b[:at], len(payload))
	}
	for i := range payload {
		payload[i] ^= key[i&3]
	}
	return b[0] & 0x0f, payload
}

func TestServersReadWhatIsMasked(t *testing.T) {
	for _, size := range []int{0, 1, 7, 8, 9, 100, 125, 126, 65535, 65536} {
		want := bytes.Repeat([]byte("abcdefghi"), size/9+1)[:size]
		if op, got := unmask(t, AppendText(nil, want)); op != opText || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came as %d bytes of opcode %d", size, len(got), op)
		}
	}
}

// serverFrame makes a frame as servers do.
func serverFrame(op byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{0x80 | op, byte(n)}, payload...)
	case n < 1<<16:
		return append([]byte{0x80 | op, 126, byte(n >> 8), byte(n)}, payload...)
	default:
		return append([]byte{0x80 | op, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	}
}

func TestFramesAreCutWhereverTheyBreak(t *testing.T) {
	for _, size := range []int{0, 100, 125, 126, 65535, 65536} {
		want := bytes.Repeat([]byte("x"), size)
		b := append(serverFrame(opText, want), "next"...)
		for _, n := range []int{0, 1, 2, 3, 5, 9, len(b) - 5} {
			if n > len(b)-5 {
				continue
			}
			if _, _, rest, whole, err := cut(b[:n]); whole || err != nil || len(rest) != n {
				t.Errorf("%d of %d bytes: whole %v, %v", n, len(b)-4, whole, err)
			}
		}
		op, payload, rest, whole, err := cut(b)
		if op != opText || !bytes.Equal(payload, want) || string(rest) != "next" || !whole || err != nil {
			t.Errorf("frame of %d: opcode %d, %d bytes, rest %q, %v %v", size, op, len(payload), rest, whole, err)
		}
	}
}

func TestWhatACrowdDoesNotSpeakIsAnError(t *testing.T) {
	for _, c := range []struct {
		head string
		want error
	}{{"\x01\x00", errFragment}, {"\x80\x00", errFragment}, {"\x81\x80", errMasked}, {"\xc1\x00", errMasked}} {
		if _, _, _, _, err := cut([]byte(c.head)); !errors.Is(err, c.want) {
			t.Errorf("% x: %v, want %v", c.head, err, c.want)
		}
	}
	if _, _, _, _, err := cut([]byte("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff")); err == nil {
		t.Error("a frame larger than memory is taken")
	}
}
