package ops_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/rpc"
	"github.com/parley-im/parley/worker/workertest"
)

func TestHeadsAreReadWhenTheConnIsBoundAndHasJoined(t *testing.T) {
	s, h := hooked(t)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	ann.Conn = s.Dial("/")
	var then worker.ConnContext
	h.on(h.before, "heads", func(ctx context.Context) (err error) {
		then, err = s.Sender().ConnContext(ctx, rpc.Conn(ctx).ID())
		return err
	})
	opened := ann.must("openSession", ann.opening())
	want := []string{delivery.Group(group), ops.FamilyGroup(ann.who.Family), ops.ExpiryGroup(tokenEnd(t, opened))}
	slices.Sort(want)
	if slices.Sort(then.Groups); then.User != string(ann.who.User) || !slices.Equal(then.Groups, want) {
		t.Errorf("as the heads were read it was %q in %q, want %q in %q", then.User, then.Groups, ann.who.User, want)
	}
}

// A gateway that stood still, and was out of the cluster, has conns that were passed over
// when somebody was added to a wide group chat or left one. When it is back it tells them
// to resync: from then on they hear what they have to, and nothing else.
func TestConnThatWasPassedOverIsInItsGroupsAfterAResync(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	hers, theirs := delivery.Group(s.wide(bob, ann)), delivery.Group(s.wide(bob))
	room := delivery.Group(chat.ConversationID(ann.must("createRoom", params{"name": "hall", "requestId": request()}).text("conversation", "id")))
	ann.must("openConversation", params{"conversation": strings.TrimPrefix(room, "c:")})
	ctx := within(t)
	if err := s.Sender().Join(ctx, ann.ID(), theirs, "x:other"); err != nil { // as if she had been in it
		t.Fatal(err)
	}
	s.MoveAll() // its gateway was out of the cluster, so whoever acts for it now acts for it anew
	s.Flush()
	before := ann.Groups()
	if slices.Contains(before, hers) {
		t.Fatalf("it is in %q", before)
	}
	ann.must("listHeads", nil)
	after := ann.Groups()
	for group, want := range map[string]bool{hers: true, theirs: false, room: true, "x:other": true} {
		if slices.Contains(after, group) != want {
			t.Errorf("it was in %q and is in %q: %s should be there is %v", before, after, group, want)
		}
	}
}

func TestWhatIsStoredWhileASessionOpensIsReadOrPushed(t *testing.T) {
	s, h := hooked(t)
	ann, bob := s.user("ann"), s.online("bob")
	id := bob.direct(ann)
	ann.Conn = s.Dial("/")
	h.on(h.before, "heads", func(context.Context) error {
		bob.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "before"})
		return nil
	})
	h.on(h.after, "heads", func(ctx context.Context) error {
		return s.Sender().ToUser(ctx, string(ann.who.User), worker.Text(`{"method":"after"}`)) // as package delivery would
	})
	ann.SendText(ann.frame("openSession", ann.opening()))
	var frames []string
	for range 2 {
		frames = append(frames, string(ann.Next().Payload))
	}
	got := strings.Join(frames, "\n")
	if !strings.Contains(got, `{"conversation":"`+id+`","seq":"1",`) || !strings.Contains(got, "after") {
		t.Errorf("got %s", got)
	}
}

func TestStoreThatIsAwayCostsAClientNothingButTime(t *testing.T) {
	for _, call := range []string{"groups", "heads"} {
		t.Run(call, func(t *testing.T) {
			s, h := hooked(t)
			ann := s.user("ann")
			ann.Conn = s.Dial("/")
			h.on(h.before, call, func(context.Context) error { return fault.New(fault.Unavailable, "") })
			r := ann.refused("UNAVAILABLE", "openSession", ann.opening())
			if wait := r.Error.Data.RetryAfterMs; !r.Error.Data.Temporary || wait < 1000 || wait > 3000 {
				t.Errorf("got %s", r.raw)
			}
			if ann.OnProbation() {
				t.Error("its time still runs")
			}
			if ops.UserOf(ann.Session()) != "" {
				t.Error("it has a session all the same")
			}
			ann.refused("UNAUTHENTICATED", "listHeads", nil)
			ann.must("openSession", ann.opening())
			ann.must("listHeads", nil)
		})
	}
}

func TestTokensThatAreNoGoodOpenNothing(t *testing.T) {
	s := newStage(t)
	ann, blue := s.user("ann"), s.userIn("blue", "ann")
	other := func(c auth.Config, who chat.Caller) string {
		c.Now = s.now
		k, err := auth.NewTokens(c)
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := k.Access(who)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	key := [][]byte{[]byte("this key signs the tokens of a test")}
	green := ann.who
	green.Realm = "green"
	for name, token := range map[string]string{
		"none":               "",
		"no token":           "none",
		"a forged one":       other(auth.Config{Issuer: "test", Keys: [][]byte{[]byte("another key of thirty-two bytes..")}}, ann.who),
		"changed":            ann.token[:len(ann.token)-4] + "AAAA",
		"of another cluster": other(auth.Config{Issuer: "prod", Keys: key}, ann.who),
		"of another realm":   other(auth.Config{Issuer: "test", Keys: key}, green),
		"too long":           strings.Repeat("a", 5000),
	} {
		ann.Conn = s.Dial("/")
		ann.refused("UNAUTHENTICATED", "openSession", params{"token": token, "device": "d"})
		if !ann.OnProbation() || ann.User() != "" {
			t.Errorf("%s: on probation %v, user %q", name, ann.OnProbation(), ann.User())
		}
	}
	// A realm's token is good in that realm, and shows nothing of another.
	blue.dial()
	blue.refused("NOT_FOUND", "createDirect", params{"user": ann.who.User})
	if got := blue.must("getUsers", params{"ids": []chat.UserID{ann.who.User}}); got.at("users") != nil {
		t.Errorf("got %s", got.raw)
	}

	s.pass(auth.DefaultAccess + time.Minute)
	ann.Conn = s.Dial("/")
	ann.refused("UNAUTHENTICATED", "openSession", ann.opening())
	if !ann.OnProbation() {
		t.Error("an expired token ended the probation")
	}
}

func TestSessionMayBeOpenedAgainBySameUserOnly(t *testing.T) {
	s := newStage(t)
	ann, bob := s.user("ann"), s.user("bob")
	cursor := ann.dial().text("cursor")
	again := ann.must("openSession", params{"token": ann.token, "device": "web-2", "cursor": cursor})
	if again.at("complete") != false {
		t.Errorf("got %s", again.raw)
	}
	ann.refused("CONFLICT", "openSession", bob.opening())
	if ann.User() != string(ann.who.User) {
		t.Errorf("it is %q now", ann.User())
	}
	ann.must("listHeads", nil)
}

func TestSessionThatIsOpenedTwiceByRedeliveryIsOpenedOnce(t *testing.T) {
	s := newStage(t)
	ann := s.user("ann")
	ann.Conn = s.Dial("/")
	s.LoseAcks(1)
	ann.must("openSession", ann.opening())
	if pushes := ann.heard(); len(pushes) > 0 {
		t.Errorf("it was answered again: %s", pushes)
	}
	if ops.UserOf(ann.Session()) != ann.who.User || ann.User() != string(ann.who.User) || len(ann.Groups()) != 2 {
		t.Errorf("session %s, user %q, groups %q", ann.Session(), ann.User(), ann.Groups())
	}
}

func TestSessionGoesOnAtAnotherWorker(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	s.MoveAll()
	ann.must("listHeads", nil)
}

func TestTokenMayComeWithTheHandshake(t *testing.T) {
	s := newStage(t)
	ann := s.user("ann")
	for name, opts := range map[string][]workertest.DialOption{
		"in a header":       {workertest.Header("Authorization", "bearer "+ann.token)},
		"as a subprotocol":  {workertest.Subprotocols("parley.v1.json", "bearer."+ann.token)},
		"and no other name": {workertest.Subprotocols("bearer." + ann.token)},
	} {
		t.Run(name, func(t *testing.T) {
			ann.Conn = s.Dial("/", opts...)
			if name == "as a subprotocol" && ann.Subprotocol() != "parley.v1.json" {
				t.Errorf("agreed on %q", ann.Subprotocol())
			}
			ann.refused("UNAUTHENTICATED", "listHeads", nil)
			ann.must("openSession", params{"device": "d"})
			if strings.Contains(string(ann.Session()), ann.token) {
				t.Error("the token is kept")
			}
		})
	}
}

func TestHandshakesThatCannotWorkAreRefused(t *testing.T) {
	s := newStage(t)
	for name, opt := range map[string]workertest.DialOption{
		"another subprotocol": workertest.Subprotocols("parley.v1.proto"),
		"a long token":        workertest.Header("Authorization", "Bearer "+strings.Repeat("a", 3000)),
	} {
		if _, refused := s.TryDial("/", opt); refused == nil || refused.Status != 400 {
			t.Errorf("%s: got %v", name, refused)
		}
	}
	if c := s.Dial("/"); !c.OnProbation() || c.Subprotocol() != "" {
		t.Errorf("on probation %v, subprotocol %q", c.OnProbation(), c.Subprotocol())
	}
}

func TestCursorsAreGoodForTheirUserOnly(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	cursor := ann.must("listHeads", nil).text("cursor")
	for name, test := range map[string]struct {
		who      *person
		cursor   string
		complete bool
	}{
		"own":       {ann, cursor, false},
		"another's": {bob, cursor, true},
		"none":      {ann, "", true},
		"garbage":   {ann, "%%%", true},
		"no cursor": {ann, "e30", true},
		"too long":  {ann, cursor + strings.Repeat("A", 600), true},
	} {
		if got := test.who.must("listHeads", params{"cursor": test.cursor}); got.at("complete") != test.complete {
			t.Errorf("%s: got %s", name, got.raw)
		}
	}
}

func FuzzCursorsOfOthersSayNothing(f *testing.F) {
	f.Add(ops.EncodeCursor(chat.Cursor{Since: 7, Until: 9, After: "c"}, "ann"))
	f.Add("eyJ2IjoxfQ")
	f.Fuzz(func(t *testing.T, s string) {
		c := ops.DecodeCursor(s, "ann")
		if c.Since < 0 || c.Until < 0 || len(c.After) > chat.MaxIDBytes {
			t.Errorf("%q became %+v", s, c)
		}
		if c != (chat.Cursor{}) && ops.DecodeCursor(s, "bob") != (chat.Cursor{}) {
			t.Errorf("%q is ann's and bob's", s)
		}
	})
}

func TestEveryTabAndDeviceHearsWhatItDidNotDo(t *testing.T) {
	s := newStage(t)
	bob, phone := s.online("bob"), s.online("ann")
	tab, other := phone.another(), phone.another()
	id := bob.direct(phone)
	bob.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "x"})
	for _, c := range []*person{phone, tab, other, bob} {
		c.heard()
	}
	tab.must("markRead", params{"conversation": id, "seq": "1"})
	for name, c := range map[string]*person{"the phone": phone, "another tab": other, "bob": bob} {
		if got := c.heard(); len(got) != 1 || !strings.Contains(got[0], `"method":"receipt"`) || !strings.Contains(got[0], `"readSeq":"1"`) {
			t.Errorf("%s heard %s", name, got)
		}
	}
	if got := tab.heard(); len(got) != 0 {
		t.Errorf("the tab that did it heard %s", got)
	}
	bob.must("setTyping", params{"conversation": id, "typing": true})
	for _, c := range []*person{phone, tab, other} {
		if got := c.heard(); len(got) != 1 || !strings.Contains(got[0], `"method":"typing"`) {
			t.Errorf("heard %s", got)
		}
	}
	if got := bob.heard(); len(got) != 0 {
		t.Errorf("bob heard %s", got)
	}
}

// tokenEnd is the time that an answer says.
func tokenEnd(t *testing.T, r reply) (at time.Time) {
	t.Helper()
	b, err := json.Marshal(r.at("tokenExpiresAt"))
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at
}
