package ops_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/workertest"
)

// ends is how a conn has ended.
func ends(t *testing.T, c *workertest.Conn) {
	t.Helper()
	if code, _ := c.ExpectClosed(); code != fault.CloseRenew {
		t.Errorf("closed with %s", code)
	}
}

// fresh is another token of the same user, of the clock's time.
func (p *person) fresh() string {
	p.s.t.Helper()
	token, _, err := p.s.tokens.Access(p.who)
	if err != nil {
		p.s.t.Fatal(err)
	}
	return token
}

func TestTokenThatEndsIsAskedForOnceAndThenTheConnIsClosed(t *testing.T) {
	s := newStage(t)
	renews, sleeps := s.online("ann"), s.online("bob")
	over := sleeps.another()
	over.Close(1000, "")
	end := s.now().Add(auth.DefaultAccess)

	s.pass(auth.DefaultAccess - 5*time.Minute)
	s.service.RenewAt(within(t), s.now())
	for _, p := range []*person{renews, sleeps} {
		if got := p.heard(); len(got) != 0 {
			t.Errorf("%s heard %s five minutes before the end", p.name, got)
		}
	}
	s.pass(3 * time.Minute)
	for range 3 { // each worker says so
		s.service.RenewAt(within(t), s.now())
	}
	for _, p := range []*person{renews, sleeps} {
		got := p.heard()
		if len(got) != 1 || !strings.Contains(got[0], `"method":"renew"`) {
			t.Fatalf("%s heard %s", p.name, got)
		}
	}
	before := renews.Groups()
	r := renews.must("renew", params{"token": renews.fresh()})
	if at := tokenEnd(t, r); at.Before(end.Add(12*time.Minute)) || !slices.Equal(renews.Groups(), []string{ops.FamilyGroup(renews.who.Family), ops.ExpiryGroup(at)}) {
		t.Errorf("until %s, in %q after %q", at, renews.Groups(), before)
	}
	s.pass(5 * time.Minute)
	sleeps.refused("UNAUTHENTICATED", "listHeads", nil)
	s.service.RenewAt(within(t), s.now())
	ends(t, sleeps.Conn)
	renews.must("listHeads", nil)
}

func TestWorkersThatWereAwayCloseWhatEndedMeanwhile(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	s.pass(auth.DefaultAccess + 20*time.Minute)
	s.service.RenewAt(within(t), s.now())
	ends(t, ann.Conn)
}

func TestConnWhoseTokenEndedMayStillRenew(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.user("bob")
	s.pass(auth.DefaultAccess + 10*time.Second)
	ann.refused("UNAUTHENTICATED", "listHeads", nil)
	ann.refused("UNAUTHENTICATED", "renew", params{"token": bob.fresh()})
	ann.refused("UNAUTHENTICATED", "renew", params{"token": ann.token})
	ann.refused("UNAUTHENTICATED", "listHeads", nil)
	s.LoseAcks(1) // a renewal that is handled twice is one
	ann.must("renew", params{"token": ann.fresh()})
	ann.must("listHeads", nil)
	if len(ann.Groups()) != 2 {
		t.Errorf("it is in %q", ann.Groups())
	}
}

func TestSessionThatIsOpenedAgainMovesToTheNewTokensEnd(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	s.pass(10 * time.Minute)
	ann.token = ann.fresh()
	r := ann.must("openSession", ann.opening())
	if want := []string{ops.FamilyGroup(ann.who.Family), ops.ExpiryGroup(tokenEnd(t, r))}; !slices.Equal(ann.Groups(), want) {
		t.Errorf("it is in %q, want %q", ann.Groups(), want)
	}
}
