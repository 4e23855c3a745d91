package push

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// TestEveryRPCIsRefusedWithoutItsRole walks the descriptor: what is added is tried too.
func TestEveryRPCIsRefusedWithoutItsRole(t *testing.T) {
	s := open(t)
	if got, want := len(s.door.byName), len(pushv1.PushService_ServiceDesc.Methods); got != want || want == 0 {
		t.Fatalf("%d methods, and the service has %d", got, want)
	}
	for name, m := range s.door.byName {
		for role, text := range s.texts {
			from := Caller{Authorization: "Bearer " + text}
			reached := false
			_, err := s.door.Call(t.Context(), from, m, func(any) error {
				reached = true
				return fault.New(fault.Conflict, "as far as that")
			})
			own := strings.EqualFold("ROLE_"+role, m.Role.String())
			want := fault.Forbidden
			if own || role == "admin" {
				want = fault.Conflict
			}
			if fault.CodeOf(err) != want || reached != (want == fault.Conflict) {
				t.Errorf("%s, which needs %v, with the key for %s: %v; its request was read: %v", name, m.Role, role, err, reached)
			}
		}
	}
	// A role that is taken from an rpc, or given away, is to be seen in a review.
	byRole := map[pushv1.Role][]string{}
	for _, name := range slices.Sorted(maps.Keys(s.door.byName)) {
		byRole[s.door.byName[name].Role] = append(byRole[s.door.byName[name].Role], name)
	}
	for role, want := range map[pushv1.Role]string{
		pushv1.Role_ROLE_SEND:   "send",
		pushv1.Role_ROLE_QUERY:  "getConn getGroupSizes getSession getTotals getUserGroups isOnline listConns listGroups listUsers",
		pushv1.Role_ROLE_MANAGE: "bind close confirm deleteSessionKeys dissolveGroup join leave mergeSession setSession unbind",
		pushv1.Role_ROLE_ADMIN:  "drainNode listMembers shedGateway",
	} {
		if got := strings.Join(byRole[role], " "); got != want {
			t.Errorf("%v: %s\nwant %s", role, got, want)
		}
	}
}

func TestWrongKeysAreAllAnsweredAlike(t *testing.T) {
	s := open(t)
	good := s.texts["send"]
	other := "A"
	if good[20] == 'A' {
		other = "B"
	}
	for i, header := range []string{
		"", "Bearer", "Bearer ", good, "Basic " + good, "Bearer parley_nobody_" + good[len(good)-43:], "Bearer " + good[:20] + other + good[21:], "Bearer " + good[1:],
	} {
		_, err := s.as(Caller{Authorization: header, Client: fmt.Sprint(i)}, "send", &pushv1.SendRequest{Kind: hi, All: true})
		if fault.CodeOf(err) != fault.Unauthenticated || fault.Of(err).Message() != "no such key" {
			t.Errorf("%q: %v", header, err)
		}
	}
	if _, err := s.as(Caller{Authorization: "bearer  " + good}, "send", &pushv1.SendRequest{Kind: hi, All: true}); err != nil {
		t.Errorf("a good key: %v", err)
	}
	if strings.Contains(s.log.String(), good[len(good)-30:]) {
		t.Errorf("the log has a key:\n%s", s.log)
	}
}

func TestAKeyHasItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		texts, set := keysOf(t, 3, "send", "query")
		s.door.SetKeys(set)
		send := func(role string) error {
			_, err := s.as(Caller{Authorization: "Bearer " + texts[role]}, "send", &pushv1.SendRequest{Kind: hi, All: true})
			return err
		}
		for range 3 {
			must(t, send("send"))
		}
		err := send("send")
		if fault.CodeOf(err) != fault.RateLimited || fault.Of(err).RetryAfter() <= 0 || fault.Of(err).RetryAfter() > time.Second/3 {
			t.Errorf("the fourth at once: %v, after %v", err, fault.Of(err).RetryAfter())
		}
		s.door.SetKeys(set) // SIGHUP is no way to have more
		if fault.CodeOf(send("send")) != fault.RateLimited {
			t.Error("the same file again has filled the bucket")
		}
		if fault.CodeOf(send("query")) != fault.Forbidden {
			t.Error("another key pays for it")
		}
		time.Sleep(time.Second / 3)
		must(t, send("send"))
	})
}

// Whoever has a key cannot fill the log by calls that are refused.
func TestRefusalsOfAKeyAreLoggedSoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		texts, set := keysOf(t, 3, "query")
		s.door.SetKeys(set)
		got := map[fault.Code]int{}
		for range 1000 {
			_, err := s.as(Caller{Authorization: "Bearer " + texts["query"]}, "send", &pushv1.SendRequest{Kind: hi, All: true})
			got[fault.CodeOf(err)]++
		}
		if got[fault.Forbidden] != 3 || got[fault.RateLimited] != 997 {
			t.Errorf("the key has three calls a second: %v", got)
		}
		if lines := strings.Count(s.log.String(), "push call"); lines != 3+linesAtOnce {
			t.Errorf("%d lines", lines)
		}
		texts, set = keysOf(t, 3, "admin")
		s.door.SetKeys(set)
		if _, err := s.as(Caller{Authorization: "Bearer " + texts["admin"]}, "drainNode", &pushv1.DrainNodeRequest{Node: strings.Repeat("n", 1<<20)}); err == nil {
			t.Error("a node of a megabyte is there")
		}
		if n := len(s.log.String()); n > 16<<10 {
			t.Errorf("the log has %d bytes", n)
		}
	})
}

func TestTriesWithBadKeysAreBoundedByAddressAndGoodOnesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		try := func(from, key string) fault.Code {
			_, err := s.as(Caller{Authorization: "Bearer " + key, Client: from}, "send", &pushv1.SendRequest{Kind: hi, All: true})
			if err == nil {
				return fault.Code(255)
			}
			return fault.CodeOf(err)
		}
		for i := range triesAtOnce {
			if got := try(fmt.Sprintf("2001:db8::%d", i), "x"); got != fault.Unauthenticated {
				t.Fatalf("try %d: %v", i, got)
			}
		}
		if got := try("2001:db8::ffff", "x"); got != fault.RateLimited {
			t.Errorf("one too many of a network: %v", got)
		}
		if got := try("2001:db8:0:1::1", "x"); got != fault.Unauthenticated {
			t.Errorf("of another network: %v", got)
		}
		if got := try("2001:db8::ffff", s.texts["send"]); got != fault.Code(255) {
			t.Errorf("a good key: %v", got)
		}
		if lines := strings.Count(s.log.String(), "UNAUTHENTICATED") + strings.Count(s.log.String(), "RATE_LIMITED"); lines != triesAtOnce+1 {
			t.Errorf("%d tries are logged, of %d", lines, triesAtOnce+2)
		}
		time.Sleep(tryEvery)
		if got := try("2001:db8::1", "x"); got != fault.Unauthenticated {
			t.Errorf("later: %v", got)
		}
	})
}

func TestTriersAreForgottenInTime(t *testing.T) {
	var all tries
	for i := range maxTriers + 100 {
		_ = all.count(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
		if len(all.by) > maxTriers {
			t.Fatalf("%d are remembered", len(all.by))
		}
	}
}

func TestKeysThatAreTakenOutAreRefusedAtOnce(t *testing.T) {
	s := open(t)
	text := s.texts["send"]
	_, others := keysOf(t, 1, "send")
	s.door.SetKeys(others)
	if _, err := s.as(Caller{Authorization: "Bearer " + text}, "send", &pushv1.SendRequest{Kind: hi, All: true}); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("got %v", err)
	}
}

// TestTheLogSaysWhoDidWhatAndNothingOfItsContent: names of people, of groups and of conns,
// and what is sent, are in no line.
func TestTheLogSaysWhoDidWhatAndNothingOfItsContent(t *testing.T) {
	s := open(t, Member{Role: "gateway", ID: "gw-1", Boot: 1})
	secret := "topsecret"
	conn := s.gates.Dial("/").ID().String()
	calls := []struct {
		method string
		req    proto.Message
	}{
		{"send", &pushv1.SendRequest{Users: []string{secret, secret + "2"}, Kind: &pushv1.SendRequest_Text{Text: secret}, MergeKey: secret, Once: secret}},
		{"bind", &pushv1.BindRequest{Bindings: []*pushv1.Binding{{Conn: conn, User: secret}}}},
		{"join", &pushv1.JoinRequest{Conns: []string{conn}, Groups: []string{secret}}},
		{"dissolveGroup", &pushv1.DissolveGroupRequest{Group: secret}},
		{"setSession", &pushv1.SetSessionRequest{Conn: conn, Kind: &pushv1.SetSessionRequest_Text{Text: secret}}},
		{"mergeSession", &pushv1.MergeSessionRequest{Conn: conn, Patch: secret}},
		{"close", &pushv1.CloseRequest{Conns: []string{"nobody"}, Reason: secret}},
		{"drainNode", &pushv1.DrainNodeRequest{Role: "gateway", Node: "gw-9"}},
		{"listConns", &pushv1.ListConnsRequest{Groups: []string{secret}, Cursor: secret}},
	}
	for _, c := range calls {
		_, _ = s.asks(c.method, c.req)
	}
	log := s.log.String()
	for _, line := range []string{
		`"method":"send","from":"192.0.2.1","reason":"OK"`, `"users":2,"hit":0`, `"bindings":1,"done":1`, `"conns":1,"groups":1,"done":1`,
		`"method":"dissolveGroup"`, `"groups":1,"done":1`, `"method":"mergeSession","from":"192.0.2.1","reason":"INVALID"`,
		`"peer_role":"gateway","peer":"gw-9"`, `"reason":"NOT_FOUND"`,
	} {
		if !strings.Contains(log, line) {
			t.Errorf("%s is not in the log:\n%s", line, log)
		}
	}
	for _, never := range []string{secret, conn, s.texts["admin"], "nobody"} {
		if strings.Contains(log, never) {
			t.Errorf("%s is in the log:\n%s", never, log)
		}
	}
	if n := strings.Count(log, `"msg":"push call"`); n != len(calls) || len(s.called) != n {
		t.Errorf("%d lines and %d counted, of %d calls", n, len(s.called), len(calls))
	}
}

func TestCallsUnderWayAreBounded(t *testing.T) {
	s := open(t)
	m, from := s.door.Method("getTotals"), Caller{Authorization: "Bearer " + s.texts["query"]}
	inside, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	for range 16 {
		go func() {
			_, err := s.door.Call(context.Background(), from, m, func(any) error {
				inside <- struct{}{}
				<-goOn
				return nil
			})
			ended <- err
		}()
	}
	for range 16 {
		<-inside
	}
	if _, err := s.asks("getTotals", &pushv1.GetTotalsRequest{}); fault.CodeOf(err) != fault.Overloaded || fault.Of(err).RetryAfter() == 0 {
		t.Errorf("one too many: %v", err)
	}
	close(goOn)
	for range 16 {
		must(t, <-ended)
	}
	gets[*pushv1.GetTotalsResponse](s, "getTotals", &pushv1.GetTotalsRequest{})
}

func TestAPanicIsAnErrorThatTellsNobodyWhy(t *testing.T) {
	s := open(t)
	_, err := s.door.Call(t.Context(), Caller{Authorization: "Bearer " + s.texts["admin"]}, s.door.Method("send"), func(any) error { panic("at the left") })
	if fault.CodeOf(err) != fault.Internal || strings.Contains(fault.Of(err).Message(), "left") {
		t.Errorf("got %v", err)
	}
	if log := s.log.String(); !strings.Contains(log, "at the left") || !strings.Contains(log, `"reason":"INTERNAL"`) {
		t.Errorf("the log:\n%s", log)
	}
	if s.door.UnderWay() != 0 {
		t.Error("its place is taken")
	}
}

func TestFieldsOfALaterVersionAreRefused(t *testing.T) {
	s := open(t)
	req := &pushv1.SendRequest{Kind: hi, All: true}
	req.ProtoReflect().SetUnknown([]byte{0x98, 0x06, 0x01})
	s.refused("send", req, fault.Invalid)
}

func TestPatienceLeavesTimeForTheAnswer(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: 4800 * time.Millisecond, time.Second: 900 * time.Millisecond, 10 * time.Second: 9800 * time.Millisecond,
		time.Hour: 29800 * time.Millisecond, -time.Second: 4800 * time.Millisecond,
	} {
		if got := patience(asked); got != want {
			t.Errorf("asked for %v: %v, want %v", asked, got, want)
		}
	}
}
