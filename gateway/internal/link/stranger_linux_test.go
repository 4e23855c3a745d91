package link_test

import (
	"net"
	"testing"
)

// A host full of strangers keeps itself out, and neither other hosts nor those who
// are attached already. On Linux all of 127.0.0.0/8 is there without asking, so this
// test can be two hosts.
func TestHostOfStrangersKeepsNobodyOut(t *testing.T) {
	r := newRig(t)
	before := r.attach(script{node: "before"})
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 300 { // more than the gateway takes in all
		nc, err := from.DialContext(t.Context(), "tcp", r.links)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	eventually(t, "the crowd is full", func() bool { return r.link.Stats().RefusedAttaches.Load() == 300-64 })
	if got := r.log.with("not passed the handshake"); len(got) == 0 {
		t.Error("nothing was logged")
	}
	r.attach(script{node: "after"})
	before.result(before.command(query(nil)))
}
