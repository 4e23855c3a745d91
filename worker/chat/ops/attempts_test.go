package ops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat/ops"
)

// guess tries to sign in with a password that costs nothing to refuse.
func (p *person) guess(name string) reply {
	p.s.t.Helper()
	return p.call("signIn", params{"name": name, "password": strings.Repeat("x", 2000), "device": "d"})
}

func TestOneNameIsGuessedAtSlowly(t *testing.T) {
	s := newStage(t)
	s.user("ann")
	a, b := s.from("192.0.2.7:1"), s.from("198.51.100.7:1")
	for i := range ops.AttemptsByName {
		if r := a.guess([]string{"ann", "ANN"}[i%2]); r.reason() != "UNAUTHENTICATED" {
			t.Fatalf("try %d: got %s", i, r.raw)
		}
	}
	for _, from := range []*person{a, b} {
		if r := from.guess("ann"); r.reason() != "RATE_LIMITED" || r.Error.Data.RetryAfterMs <= 0 || !r.Error.Data.Temporary {
			t.Errorf("got %s", r.raw)
		}
	}
	if r := a.guess("bob"); r.reason() != "UNAUTHENTICATED" {
		t.Errorf("another name: got %s", r.raw)
	}
	s.pass(4 * time.Second)
	if r := a.guess("ann"); r.reason() != "UNAUTHENTICATED" {
		t.Errorf("after a pause: got %s", r.raw)
	}
}

func TestOneAddressGuessesSlowly(t *testing.T) {
	s := newStage(t)
	a := s.from("[2001:db8::1]:1")
	for i := range ops.AttemptsByAddress {
		if r := a.guess(fmt.Sprintf("name %d", i)); r.reason() != "UNAUTHENTICATED" {
			t.Fatalf("try %d: got %s", i, r.raw)
		}
	}
	// The same network is the same guesser; signing up counts too.
	for name, b := range map[string]*person{"it": a, "its network": s.from("[2001:db8::ffff:2]:7")} {
		if r := b.guess("another name"); r.reason() != "RATE_LIMITED" {
			t.Errorf("%s: got %s", name, r.raw)
		}
		r := b.call("signUp", params{"name": "bob", "password": "12345678", "device": "d", "requestId": "r"})
		if r.reason() != "RATE_LIMITED" {
			t.Errorf("%s signs up: got %s", name, r.raw)
		}
	}
	if r := s.from("[2001:db8:0:1::1]:1").guess("x"); r.reason() != "UNAUTHENTICATED" {
		t.Errorf("another network: got %s", r.raw)
	}
}
