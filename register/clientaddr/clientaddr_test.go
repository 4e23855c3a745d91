package clientaddr

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestOnlyProxiesThatWereNamedSayFromWhereAClientComes(t *testing.T) {
	ours, err := Parse([]string{"10.0.0.0/24", "fd00::/8", "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		peer    string
		headers []string
		want    string
	}{
		{"10.0.0.2:4000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"192.0.2.1:4000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"[::ffff:10.0.0.2]:4000", []string{"198.51.100.7"}, "198.51.100.7:0"},
		{"[fd00::1]:4000", []string{"2001:db8::1"}, "[2001:db8::1]:0"},
		{"10.0.0.2:4000", []string{"198.51.100.7, 10.0.0.3"}, "198.51.100.7:0"},
		{"10.0.0.2:4000", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7:0"},   // the first is a claim
		{"10.0.0.2:4000", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7:0"}, // so here
		{"10.0.0.2:4000", []string{"198.51.100.7, nonsense"}, "10.0.0.2:4000"},
		{"10.0.0.2:4000", []string{"nonsense, 10.0.0.9"}, "10.0.0.9:0"},
		{"10.0.0.2:4000", []string{"198.51.100.7:41234"}, "198.51.100.7:0"},
		{"10.0.0.2:4000", []string{"[2001:db8::1]:443"}, "[2001:db8::1]:0"},
		{"10.0.0.2:4000", []string{"[2001:db8::1]"}, "[2001:db8::1]:0"},
		{"10.0.0.2:4000", []string{"198.51.100.7:41234, 10.0.0.3:443, [fd00::1]:80"}, "198.51.100.7:0"},
		{"10.0.0.2:4000", []string{"[198.51.100.7]"}, "10.0.0.2:4000"},
		{"10.0.0.2:4000", []string{"[2001:db8::1"}, "10.0.0.2:4000"},
		{"10.0.0.2:4000", []string{"198.51.100.7:"}, "10.0.0.2:4000"},
		{"10.0.0.2:4000", nil, "10.0.0.2:4000"},
		{"192.0.2.2:4000", []string{"203.0.113.9"}, "192.0.2.2:4000"}, // none of ours
		{"a pipe", []string{"203.0.113.9"}, "a pipe"},
	} {
		h := http.Header{"X-Forwarded-For": test.headers}
		if got := ours.Client(test.peer, h); got != test.want {
			t.Errorf("%s with %q: got %s, want %s", test.peer, test.headers, got, test.want)
		}
		if got := Proxies(nil).Client(test.peer, h); got != test.peer {
			t.Errorf("%s, nobody named: got %s", test.peer, got)
		}
	}
}

func TestProxiesAreKnownHoweverTheirAddressIsWritten(t *testing.T) {
	ours, err := Parse([]string{"10.0.0.0/24", "fe80::7"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{"10.0.0.9": true, "::ffff:10.0.0.9": true, "fe80::7%eth0": true, "10.0.1.9": false, "fe80::8": false} {
		if got := ours.Has(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %v", addr, got)
		}
	}
	if ours.Has(netip.Addr{}) {
		t.Error("no address at all is taken for a proxy")
	}
}

func TestWhatIsNoAddressIsNamed(t *testing.T) {
	for _, bad := range []string{"balancer", "10.0.0.0/33", "10.0.0.1:80", ""} {
		if p, err := Parse([]string{"10.0.0.1", bad}); err == nil {
			t.Errorf("%q was read: %v", bad, p)
		}
	}
}

// A proxy that names nobody has dialled for itself. One that says what nobody can read
// has somebody behind it.
func TestHeaderThatIsThereAndCannotBeReadIsAnError(t *testing.T) {
	ours, err := Parse([]string{"10.0.0.0/24"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		peer    string
		headers []string
		wrong   string // part of the error; "": none
	}{
		{"10.0.0.2:4000", nil, ""},
		{"10.0.0.2:4000", []string{"198.51.100.7"}, ""},
		{"10.0.0.2:4000", []string{"nonsense, 198.51.100.7"}, ""}, // a claim, which nobody reads
		{"10.0.0.2:4000", []string{"10.0.0.3"}, ""},
		{"192.0.2.2:4000", []string{"nonsense"}, ""}, // none of ours
		{"10.0.0.2:4000", []string{"unknown"}, `"unknown"`},
		{"10.0.0.2:4000", []string{""}, `""`},
		{"10.0.0.2:4000", []string{"198.51.100.7,"}, `""`},
		{"10.0.0.2:4000", []string{"nonsense, 10.0.0.9"}, `"nonsense"`},
		{"10.0.0.2:4000", []string{strings.Repeat("x", 1000)}, strings.Repeat("x", 64) + `" is no address`},
	} {
		_, err := ours.Find(netip.MustParseAddrPort(test.peer), http.Header{"X-Forwarded-For": test.headers})
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s with %q: got %v, want %q", test.peer, test.headers, err, test.wrong)
		}
	}
}
