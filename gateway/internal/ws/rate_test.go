package ws

import "testing"

// A limit that is lowered holds for what is saved up too, and at once: not from the next
// tick on.
func TestLoweredRateHoldsWithinTheTick(t *testing.T) {
	const now = 7
	var r rate
	r.take(&Limits{FrameRate: 5000, ByteRate: 1 << 20}, now, 5, 500)
	if r.owes() {
		t.Fatalf("5 frames of 5,000 are a debt: %+v", r)
	}
	low := &Limits{FrameRate: 2, ByteRate: 100}
	r.take(low, now, 3, 50)
	if r.debt(low) == 0 || r.frames != -1 || r.bytes != 50 {
		t.Errorf("after 3 frames and 50 bytes at 2 and 100 a second: %+v, want one frame of debt", r)
	}
}
