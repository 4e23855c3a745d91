package ws

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestHandshakesPerSecondOfOneAddressAreBounded(t *testing.T) {
	r := start(t, Config{Limits: Limits{MaxHandshakesPerIP: 2}}, &app{})
	knock := func() *client {
		c := rawDial(t, r.addr, false)
		c.write(request())
		c.resp = c.response()
		return c
	}
	// A rate of two fills a bucket of two in a second; on a machine that is slow a
	// third handshake may find a token again, so many are tried at once.
	var opened, refused int
	for range 40 {
		switch c := knock(); c.resp.StatusCode {
		case 101:
			opened++
		case 429:
			refused++
			if got := c.resp.Header.Get("Retry-After"); got != "1" {
				t.Errorf("Retry-After: got %q, want 1", got)
			}
		default:
			t.Fatalf("status: got %d", c.resp.StatusCode)
		}
	}
	if opened < 2 || refused == 0 {
		t.Errorf("%d were let in, %d refused", opened, refused)
	}
	st := r.s.Stats()
	if st.Refused["handshakes_per_ip"] != uint64(refused) || st.RefusedLimit != uint64(refused) {
		t.Errorf("stats: %+v of %d", st.Refused, refused)
	}
	l := *r.s.limits()
	l.MaxHandshakesPerIP = 0
	if err := r.s.SetLimits(l); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if got := knock().resp.StatusCode; got != 101 {
			t.Errorf("without a limit: got %d", got)
		}
	}
	if n := len(r.s.addresses.buckets); n != 0 {
		t.Errorf("%d addresses are remembered without a limit", n)
	}
}

// Who has had the handshakes of its address takes none of those that all have: otherwise
// one host that tries often enough would keep out everybody.
func TestAddressThatIsRefusedTakesNoHandshakeOfOthers(t *testing.T) {
	r := start(t, Config{Limits: Limits{HandshakeRate: 1, MaxHandshakesPerIP: 0.001}}, &app{})
	r.dial() // the token of its address, and that of the first second
	for range 5 {
		c := rawDial(t, r.addr, false)
		c.write(request())
		if got := c.response().StatusCode; got != 429 {
			t.Errorf("status: got %d, want 429", got)
		}
	}
	if got := r.s.Stats().Refused; got["handshakes_per_ip"] != 5 || got["handshake_rate"] != 0 {
		t.Errorf("refused: %v", got)
	}
}

func TestBucketOfAnAddressFillsWithTime(t *testing.T) {
	var a addresses
	now := time.Unix(1_000, 0)
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range 3 {
		if _, ok := a.knock(one, 3, now); !ok {
			t.Errorf("handshake %d of a second's worth is refused", i)
		}
	}
	if wait, ok := a.knock(one, 3, now); ok || wait != time.Second/3 {
		t.Errorf("one too many: got %v after %v", ok, wait)
	}
	if _, ok := a.knock(other, 3, now); !ok {
		t.Error("another address pays for the first")
	}
	if _, ok := a.knock(one, 3, now.Add(400*time.Millisecond)); !ok {
		t.Error("no token after its time")
	}
	if _, ok := a.knock(one, 3, now.Add(-time.Hour)); ok {
		t.Error("a clock that goes back gives tokens")
	}
	// Less than one a second: one at a time, and the wait is longer.
	if _, ok := a.knock(netip.MustParseAddr("192.0.2.3"), 0.1, now); !ok {
		t.Error("the first handshake is refused")
	}
	if wait, ok := a.knock(netip.MustParseAddr("192.0.2.3"), 0.1, now); ok || wait != 10*time.Second {
		t.Errorf("the second: got %v after %v", ok, wait)
	}
}

// Whoever was here a while ago is no longer remembered, and a crowd of addresses that
// come at once takes a bounded place.
func TestIdleAddressesAreForgotten(t *testing.T) {
	var a addresses
	now := time.Unix(1_000, 0)
	for i := range 1_000 {
		a.knock(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1, now)
	}
	if n := len(a.buckets); n != 1_000 {
		t.Fatalf("%d of 1000 that are not idle are remembered", n)
	}
	now = now.Add(2 * time.Second)
	for i := range 300 {
		a.knock(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 1, now)
	}
	if n := len(a.buckets); n != 300 || a.recent.Len() != n {
		t.Errorf("%d addresses in use, %d and %d are remembered", 300, n, a.recent.Len())
	}
	for i := range maxBuckets + 5_000 {
		a.knock(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 1, now)
	}
	if n := len(a.buckets); n > maxBuckets || a.recent.Len() != n {
		t.Errorf("%d and %d are remembered, want at most %d", n, a.recent.Len(), maxBuckets)
	}
	if _, ok := a.knock(netip.AddrFrom4([4]byte{11, 1, 0, 0}), 1, now); ok {
		t.Error("the newest are forgotten first")
	}
}

func TestNetworkOfAnIPv6AddressCountsAsOne(t *testing.T) {
	for _, test := range []struct{ a, b string }{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"},
		{"fe80::1%eth0", "fe80::2%eth1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
	} {
		if a, b := network(netip.MustParseAddr(test.a)), network(netip.MustParseAddr(test.b)); a != b {
			t.Errorf("%s and %s: got %v and %v", test.a, test.b, a, b)
		}
	}
	for _, test := range []struct{ a, b string }{{"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"192.0.2.1", "192.0.2.2"}} {
		if a, b := network(netip.MustParseAddr(test.a)), network(netip.MustParseAddr(test.b)); a == b {
			t.Errorf("%s and %s are both %v", test.a, test.b, a)
		}
	}
}

func TestRateThatIsNoneIsNamed(t *testing.T) {
	if err := (Limits{MaxHandshakesPerIP: -1}).Validate(); err == nil || !strings.Contains(err.Error(), "max-handshakes-per-ip") {
		t.Errorf("got %v", err)
	}
	for _, r := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		err := Limits{MaxHandshakesPerIP: r, HandshakeRate: r, FrameRate: r, ByteRate: r}.Validate()
		if err == nil {
			t.Fatalf("%v is a rate", r)
		}
		for _, name := range []string{"max-handshakes-per-ip", "handshake-rate", "frame-rate", "byte-rate"} {
			if !strings.Contains(err.Error(), name+": ") {
				t.Errorf("%v of %s is taken: %v", r, name, err)
			}
		}
	}
	if err := (Limits{HandshakeRate: -1, FrameRate: -1, ByteRate: -1}).Validate(); err != nil {
		t.Errorf("none: %v", err)
	}
}

// A configuration that is read again without a change is no reason to let in a second's
// worth of handshakes more.
func TestSameRateAgainFillsNoBucket(t *testing.T) {
	g := newGate()
	g.set(1, 2, time.Second)
	at := g.at
	for range 3 { // one of them is promised
		g.take(at)
	}
	g.set(1, 2, time.Second)
	if _, ok := g.take(at); ok {
		t.Error("SetLimits filled the bucket")
	}
	g.set(1, 3, time.Second)
	if _, ok := g.take(g.at); !ok {
		t.Error("a new rate has no tokens")
	}
}
