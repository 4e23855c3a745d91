package registertest_test

import (
	"net"
	"testing"

	"github.com/parley-im/parley/register/registertest"
)

// With so many of each, somebody would get an address that is not kept: six times on
// average.
func TestAddressesAreKeptWhileNobodyListens(t *testing.T) {
	kept := map[string]bool{}
	for range 300 {
		kept[registertest.Address(t)] = true
	}
	hub, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hub.Close() }()
	for range 300 {
		dialling, err := net.Dial("tcp", hub.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = dialling.Close() }()
		listening, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listening.Close() }()
		for _, got := range []string{dialling.LocalAddr().String(), listening.Addr().String()} {
			if kept[got] {
				t.Fatalf("%s was kept, and somebody else got it", got)
			}
		}
	}
	for address := range kept {
		if nc, err := net.Dial("tcp", address); err == nil {
			_ = nc.Close()
			t.Fatalf("somebody listens at %s", address)
		}
		for range 2 { // it comes back
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
