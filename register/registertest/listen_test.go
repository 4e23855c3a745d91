package registertest_test

import (
	"net"
	"testing"
	"time"

	"github.com/parley-im/parley/register/registertest"
)

func TestAgainWaitsForAnAddressThatIsStillHeld(t *testing.T) {
	address := registertest.Address(t)
	first, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = first.Close() })
	l := registertest.Again(t, func() (net.Listener, error) { return net.Listen("tcp", address) })
	if got := l.Addr().String(); got != address {
		t.Errorf("listens at %s, want %s", got, address)
	}
	_ = l.Close()
}
