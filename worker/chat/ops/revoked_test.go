package ops_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/workertest"
)

// signedIn makes an account and returns two of its conns, of one sign-in, one that is of
// another, and the refresh token of the first.
func signedIn(t *testing.T, s *stage) (one, two, other *person, refresh string) {
	t.Helper()
	door := s.from("192.0.2.1:1")
	name, word := "ann", "a password of some length"
	enter := func(method string, p params) (*person, string) {
		p["name"], p["password"], p["device"] = name, word, "web-1"
		r := door.must(method, p)
		return &person{s: s, name: name, token: r.text("tokens", "access")}, r.text("tokens", "refresh")
	}
	one, refresh = enter("signUp", params{"requestId": request()})
	other, _ = enter("signIn", params{})
	one.dial()
	other.dial()
	return one, one.another(), other, refresh
}

// revoked expects that a conn hears why, and is closed for good.
func revoked(t *testing.T, c *workertest.Conn) {
	t.Helper()
	if last := string(c.Next().Payload); !strings.Contains(last, `"method":"sessionRevoked"`) {
		t.Errorf("its last words are %s", last)
	}
	if code, _ := c.ExpectClosed(); code != fault.CloseKicked || code.Again() {
		t.Errorf("closed with %s", code)
	}
}

func TestStolenTokenEndsTheConnsOfItsSignIn(t *testing.T) {
	s := newStage(t)
	one, two, other, stolen := signedIn(t, s)
	owner, thief := s.from("192.0.2.1:2"), s.from("192.0.2.2:1")
	traded := owner.must("refresh", params{"refresh": stolen, "requestId": request()})
	thief.refused("UNAUTHENTICATED", "refresh", params{"refresh": stolen, "requestId": request()})
	revoked(t, one.Conn)
	revoked(t, two.Conn)
	other.must("listHeads", nil)

	// Access tokens that were given out before open nothing any more.
	for _, token := range []string{one.token, traded.text("tokens", "access")} {
		again := *one
		again.token, again.Conn = token, s.Dial("/")
		again.SendText(again.frame("openSession", again.opening()))
		revoked(t, again.Conn)
	}
	owner.refused("UNAUTHENTICATED", "refresh", params{"refresh": traded.text("tokens", "refresh"), "requestId": request()})
}

func TestSignInThatEndsWhileASessionOpensEndsIt(t *testing.T) {
	s, h := hooked(t)
	one, _, _, stolen := signedIn(t, s)
	thief := s.from("192.0.2.2:1")
	trade := func() { thief.call("refresh", params{"refresh": stolen, "requestId": request()}) }
	trade()
	late := *one
	late.Conn = s.Dial("/")
	h.on(h.after, "revoked", func(ctx context.Context) error { trade(); return nil }) // it has just been looked at
	late.SendText(late.frame("openSession", late.opening()))
	revoked(t, late.Conn)
}

func TestConnThatRenewsBelongsToTheSignInOfItsToken(t *testing.T) {
	s := newStage(t)
	one, two, other, stolen := signedIn(t, s)
	two.must("renew", params{"token": other.token})
	if a, b := two.Groups(), other.Groups(); !slices.Equal(a, b) {
		t.Errorf("it is in %q, want %q", a, b)
	}
	s.from("192.0.2.1:2").must("refresh", params{"refresh": stolen, "requestId": request()})
	s.from("192.0.2.2:1").refused("UNAUTHENTICATED", "refresh", params{"refresh": stolen, "requestId": request()})
	revoked(t, one.Conn)
	two.must("listHeads", nil)
	if in := two.Groups(); slices.Contains(in, ops.FamilyGroup(chat.FamilyID(strings.Split(stolen, ".")[0]))) {
		t.Errorf("it is in %q", in)
	}
	two.SendText(two.frame("renew", params{"token": one.token}))
	revoked(t, two.Conn)
}
