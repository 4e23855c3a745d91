package ws

import "testing"

// Conns, handshakes and strangers of links together leave descriptors for links and logs: at 300 of
// them, 320 silent sockets brought accept to EMFILE, and workers found none.
func TestHandshakesStayWithinTheReserve(t *testing.T) {
	for _, limit := range []int64{128, 300, 1024, 4096, 17_000, 65_536, 1 << 20, 1 << 30} {
		conns, handshakes, spare := shares(limit)
		if left := limit - int64(conns) - int64(handshakes) - int64(spare); conns < 16 || handshakes < 16 || spare < 16 || left < 16 {
			t.Errorf("limit %d: %d conns, %d handshakes and %d spare leave %d", limit, conns, handshakes, spare, left)
		}
		if handshakes > 1024 || limit >= 65_536 && handshakes != 1024 {
			t.Errorf("limit %d: %d handshakes", limit, handshakes)
		}
	}
	if conns, handshakes, spare := shares(10); conns < 1 || handshakes < 1 || spare < 4 {
		t.Errorf("hardly any: %d conns, %d handshakes, %d spare", conns, handshakes, spare)
	}
}
