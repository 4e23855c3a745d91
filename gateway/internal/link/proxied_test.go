package link

import (
	"net"
	"net/http"
	"net/netip"
	"testing"
)

func TestOnlyTrustedProxiesSayFromWhereAClientComes(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		peer    string
		headers []string
		want    string
	}{
		{"10.0.0.2:4000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"[::ffff:10.0.0.2]:4000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"[fd00::1]:4000", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		{"10.0.0.2:4000", []string{"198.51.100.7, 10.0.0.3"}, "198.51.100.7:0"},
		{"10.0.0.2:4000", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7:0"},   // the first is a claim
		{"10.0.0.2:4000", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7:0"}, // so here
		{"10.0.0.2:4000", []string{"198.51.100.7, nonsense"}, "10.0.0.2:4000"},
		{"10.0.0.2:4000", []string{"nonsense, 10.0.0.9"}, "10.0.0.9:0"},
		{"10.0.0.2:4000", nil, "10.0.0.2:4000"},
		{"198.51.100.7:4000", []string{"203.0.113.9"}, "198.51.100.7:4000"}, // no proxy of ours
	} {
		peer := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(test.peer))
		r := &http.Request{Header: http.Header{"X-Forwarded-For": test.headers}}
		if got := remoteOf(peer, r, trusted); got != test.want {
			t.Errorf("%s with %q: got %s, want %s", test.peer, test.headers, got, test.want)
		}
		if got := remoteOf(peer, r, nil); got != peer.String() {
			t.Errorf("%s, nobody trusted: got %s", test.peer, got)
		}
	}
}
