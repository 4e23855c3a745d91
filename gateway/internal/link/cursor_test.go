package link

import (
	"bytes"
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

func FuzzCursor(f *testing.F) {
	sum := listSum(7, []string{"g"})
	f.Add(cursor{place: 5<<32 | 9}.encode(gatewayv1.Listed_LISTED_CONNS, sum), int32(1))
	f.Add(cursor{name: "liubei"}.encode(gatewayv1.Listed_LISTED_USERS, sum), int32(2))
	f.Add(cursor{place: 64 << 32}.encode(gatewayv1.Listed_LISTED_CONNS, sum), int32(1))
	f.Add(cursor{name: "\xff"}.encode(gatewayv1.Listed_LISTED_GROUPS, sum), int32(3))
	f.Add([]byte{cursorVersion, 1}, int32(1))
	f.Fuzz(func(t *testing.T, b []byte, kind int32) {
		of := gatewayv1.Listed(kind)
		c, err := decodeCursor(b, of, sum)
		if err != nil || len(b) == 0 {
			return
		}
		if got := c.encode(of, sum); !bytes.Equal(got, b) {
			t.Errorf("read from %x, written as %x", b, got)
		}
	})
}
