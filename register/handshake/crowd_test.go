package handshake_test

import (
	"net"
	"testing"

	"github.com/parley-im/parley/register/handshake"
)

func TestOneHostDoesNotTakeAllPlaces(t *testing.T) {
	const most, mostHost = 40, 10
	c := handshake.NewCrowd(most, mostHost)
	fill := func(host string) (n int) {
		for c.Enter(host) {
			n++
		}
		return n
	}
	if n := fill("10.0.0.1"); n != mostHost {
		t.Errorf("one host has %d", n)
	}
	if !c.Enter("10.0.0.2") {
		t.Error("another host is kept out")
	}
	c.Leave("10.0.0.2")
	c.Leave("10.0.0.1")
	if n := fill("10.0.0.1"); n != 1 {
		t.Errorf("after one has ended: %d", n)
	}
	others := fill("10.0.0.2") + fill("10.0.0.3") + fill("10.0.0.4") + fill("10.0.0.5")
	if n := mostHost + others; n != most {
		t.Errorf("in all %d", n)
	}
	for _, host := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"} {
		for range mostHost {
			c.Leave(host)
		}
	}
	if n := fill("10.0.0.5"); n != mostHost {
		t.Errorf("after all have ended one host has %d", n)
	}
}

func TestHostIsTheAddressWithoutItsPort(t *testing.T) {
	for _, test := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}, "10.0.0.1"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, "::1"},
		{&net.UnixAddr{Name: "/run/x", Net: "unix"}, "/run/x"},
	} {
		if got := handshake.Host(test.addr); got != test.want {
			t.Errorf("%v: got %q, want %q", test.addr, got, test.want)
		}
	}
}
