package push

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker/workertest"
)

func text(s string) *pushv1.SendRequest_Text { return &pushv1.SendRequest_Text{Text: s} }

// hi is said where it does not matter what.
var hi = text("hi")

func bindings(pairs ...string) (list []*pushv1.Binding) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, &pushv1.Binding{Conn: pairs[i], User: pairs[i+1]})
	}
	return list
}

func TestASendReachesWhomItNames(t *testing.T) {
	s := open(t)
	ann, bob := s.gates.Dial("/"), s.gates.Dial("/")
	s.does("bind", &pushv1.BindRequest{Bindings: bindings(ann.ID().String(), "ann", bob.ID().String(), "bob")}, 2)
	s.does("join", &pushv1.JoinRequest{Conns: []string{ann.ID().String()}, Users: []string{"bob"}, Groups: []string{"g", "h"}}, 2)
	gone := s.gates.Dial("/")
	gone.Drop()
	s.gates.Settle()

	for name, c := range map[string]struct {
		req      *pushv1.SendRequest
		want     *pushv1.SendResponse
		ann, bob bool
	}{
		"to everybody":      {&pushv1.SendRequest{All: true}, &pushv1.SendResponse{Hit: 2}, true, true},
		"to conns":          {&pushv1.SendRequest{Conns: []string{ann.ID().String(), gone.ID().String()}}, &pushv1.SendResponse{Hit: 1, Missed: 1}, true, false},
		"to users":          {&pushv1.SendRequest{Users: []string{"bob", "nobody"}}, &pushv1.SendResponse{Hit: 1, Offline: []string{"nobody"}}, false, true},
		"to groups, once":   {&pushv1.SendRequest{Groups: []string{"g", "h"}}, &pushv1.SendResponse{Hit: 2}, true, true},
		"but not a conn":    {&pushv1.SendRequest{All: true, ExceptConns: []string{bob.ID().String()}}, &pushv1.SendResponse{Hit: 1}, true, false},
		"but not a user":    {&pushv1.SendRequest{All: true, ExceptUsers: []string{"ann"}}, &pushv1.SendResponse{Hit: 1}, false, true},
		"that may be lost":  {&pushv1.SendRequest{All: true, Droppable: true}, &pushv1.SendResponse{Hit: 2}, true, true},
		"newest wins":       {&pushv1.SendRequest{All: true, MergeKey: "k", NoWait: true}, &pushv1.SendResponse{Hit: 2}, true, true},
		"without an answer": {&pushv1.SendRequest{All: true, Forget: true}, &pushv1.SendResponse{}, true, true},
	} {
		c.req.Kind = text(name)
		if got := gets[*pushv1.SendResponse](s, "send", c.req); !proto.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		s.gates.Flush()
		for conn, to := range map[*workertest.Conn]bool{ann: c.ann, bob: c.bob} {
			if to {
				conn.Expect(name)
			}
			conn.ExpectNothing()
		}
	}
}

func TestAFrameIsTextOrBinaryAndHasForms(t *testing.T) {
	s := open(t)
	c := s.gates.Dial("/")
	to := []string{c.ID().String()}
	gets[*pushv1.SendResponse](s, "send", &pushv1.SendRequest{Conns: to, Kind: &pushv1.SendRequest_Binary{Binary: []byte{0xff, 0}}})
	c.ExpectBinary([]byte{0xff, 0})
	gets[*pushv1.SendResponse](s, "send", &pushv1.SendRequest{Conns: to, Kind: text("")})
	c.Expect("")
	gets[*pushv1.SendResponse](s, "send", &pushv1.SendRequest{
		Conns: to, Kind: text("plain"), Forms: []*pushv1.Form{{Subprotocol: "v2", Frame: &pushv1.Frame{Kind: &pushv1.Frame_Text{Text: "other"}}}},
	})
	c.Expect("plain") // it agreed on no subprotocol
}

func TestOnceDropsARepeat(t *testing.T) {
	s := open(t)
	c := s.gates.Dial("/")
	req := &pushv1.SendRequest{Conns: []string{c.ID().String()}, Kind: text("order 7"), Once: "order-7"}
	first, second := gets[*pushv1.SendResponse](s, "send", req), gets[*pushv1.SendResponse](s, "send", req)
	if first.GetDuplicate() || first.GetHit() != 1 || !second.GetDuplicate() || second.GetHit() != 0 {
		t.Errorf("got %v, then %v", first, second)
	}
	c.Expect("order 7")
	c.ExpectNothing()
}

func TestConnsAreManagedAndTheirEndIsNoError(t *testing.T) {
	s := open(t)
	a, b, gone := s.gates.Dial("/"), s.gates.Dial("/"), s.gates.Dial("/")
	ida, idb, idgone := a.ID().String(), b.ID().String(), gone.ID().String()
	gone.Drop()
	s.gates.Settle()
	res := gets[*pushv1.BindResponse](s, "bind", &pushv1.BindRequest{Bindings: bindings(ida, "u", idb, "u", idgone, "u")})
	if want := (&pushv1.Outcome{Done: 2, Stale: []string{idgone}}); !proto.Equal(res.GetOutcome(), want) {
		t.Errorf("bind: %v, want %v", res.GetOutcome(), want)
	}
	s.does("join", &pushv1.JoinRequest{Users: []string{"u"}, Groups: []string{"g", "h"}}, 2)
	s.does("leave", &pushv1.LeaveRequest{Users: []string{"u"}, Groups: []string{"h"}}, 2)
	s.does("leave", &pushv1.LeaveRequest{Conns: []string{idb}, Groups: []string{"g"}}, 1)
	if !slices.Equal(a.Groups(), []string{"g"}) || len(b.Groups()) != 0 {
		t.Errorf("groups %v and %v", a.Groups(), b.Groups())
	}
	s.does("dissolveGroup", &pushv1.DissolveGroupRequest{Group: "g"}, 1)
	if len(a.Groups()) != 0 {
		t.Errorf("still in %v", a.Groups())
	}
	s.does("confirm", &pushv1.ConfirmRequest{Conns: []string{ida}}, 1)

	gets[*pushv1.UnbindResponse](s, "unbind", &pushv1.UnbindRequest{Bindings: bindings(ida, "another", idb, "")})
	if a.User() != "u" || b.User() != "" {
		t.Errorf("users %q and %q", a.User(), b.User())
	}
	s.does("unbind", &pushv1.UnbindRequest{Bindings: bindings(ida, "u")}, 1)
	if a.User() != "" {
		t.Errorf("still of %q", a.User())
	}
}

func TestConnsAreEndedWithCodeReasonAndLastFrame(t *testing.T) {
	s := open(t)
	a, b, c, d := s.gates.Dial("/"), s.gates.Dial("/"), s.gates.Dial("/"), s.gates.Dial("/")
	s.does("bind", &pushv1.BindRequest{Bindings: bindings(b.ID().String(), "u", d.ID().String(), "v")}, 2)
	s.does("join", &pushv1.JoinRequest{Conns: []string{c.ID().String()}, Groups: []string{"g"}}, 1)
	last := &pushv1.Frame{Kind: &pushv1.Frame_Text{Text: "bye"}}
	s.does("close", &pushv1.CloseRequest{Conns: []string{a.ID().String()}, Users: []string{"u"}, Groups: []string{"g"}, Code: 4504, Reason: "by order", Last: last}, 3)
	for _, conn := range []*workertest.Conn{a, b, c} {
		conn.Expect("bye")
		if code, reason := conn.ExpectClosed(); code != fault.CloseKicked || reason != "by order" {
			t.Errorf("closed with %v %q", code, reason)
		}
	}
	s.does("close", &pushv1.CloseRequest{Users: []string{"v"}, Now: true}, 1)
	if code, _ := d.ExpectClosed(); code != fault.CloseLost {
		t.Errorf("ended with %v", code)
	}
}

func TestSessionsAreReadWrittenAndCompared(t *testing.T) {
	s := open(t)
	c := s.gates.Dial("/")
	id := c.ID().String()
	session := func() *pushv1.Session {
		return gets[*pushv1.GetSessionResponse](s, "getSession", &pushv1.GetSessionRequest{Conn: id}).GetSession()
	}
	if got := session(); !proto.Equal(got, &pushv1.Session{}) {
		t.Errorf("none: %v", got)
	}
	set := func(text string, version *uint64) *pushv1.SetSessionRequest {
		return &pushv1.SetSessionRequest{Conn: id, Kind: &pushv1.SetSessionRequest_Text{Text: text}, IfVersion: version}
	}
	if got := gets[*pushv1.SetSessionResponse](s, "setSession", set(`{"a":1,"b":{"c":2}}`, proto.Uint64(0))); got.GetVersion() != 1 {
		t.Errorf("set: %v", got)
	}
	s.refused("setSession", set("late", proto.Uint64(0)), fault.Conflict)
	merge := &pushv1.MergeSessionRequest{Conn: id, Patch: `{"b":{"c":null,"d":12345678901234567890},"e":"x"}`}
	if got := gets[*pushv1.MergeSessionResponse](s, "mergeSession", merge); got.GetVersion() != 2 {
		t.Errorf("merge: %v", got)
	}
	gets[*pushv1.DeleteSessionKeysResponse](s, "deleteSessionKeys", &pushv1.DeleteSessionKeysRequest{Conn: id, Keys: []string{"a", "none"}})
	if got := session(); got.GetText() != `{"b":{"d":12345678901234567890},"e":"x"}` || got.GetVersion() != 3 {
		t.Errorf("got %v", got)
	}
	merge.IfVersion = proto.Uint64(2)
	s.refused("mergeSession", merge, fault.Conflict)
	gets[*pushv1.SetSessionResponse](s, "setSession", &pushv1.SetSessionRequest{Conn: id, Kind: &pushv1.SetSessionRequest_Binary{Binary: []byte{0xff}}})
	if got := session(); string(got.GetBinary()) != "\xff" || got.GetText() != "" {
		t.Errorf("bytes: %v", got)
	}
	s.refused("mergeSession", &pushv1.MergeSessionRequest{Conn: id, Patch: `{}`}, fault.Invalid)
	c.Drop()
	s.gates.Settle()
	for method, req := range map[string]proto.Message{
		"getSession": &pushv1.GetSessionRequest{Conn: id}, "setSession": set("x", nil), "mergeSession": &pushv1.MergeSessionRequest{Conn: id, Patch: "{}"},
		"deleteSessionKeys": &pushv1.DeleteSessionKeysRequest{Conn: id, Keys: []string{"a"}}, "getConn": &pushv1.GetConnRequest{Conn: id},
	} {
		s.refused(method, req, fault.Stale)
	}
}

func TestAConnIsToldWithoutTheSecretsOfItsClient(t *testing.T) {
	s := open(t)
	c := s.gates.Dial("/chat?room=1", workertest.Header("Cookie", "sid=topsecret"), workertest.Header("Authorization", "Bearer topsecret"),
		workertest.Header("User-Agent", "x"), workertest.Subprotocols("bearer.topsecret", "v1"))
	id := c.ID().String()
	s.does("bind", &pushv1.BindRequest{Bindings: bindings(id, "u")}, 1)
	s.does("join", &pushv1.JoinRequest{Conns: []string{id}, Groups: []string{"g"}}, 1)
	got := gets[*pushv1.GetConnResponse](s, "getConn", &pushv1.GetConnRequest{Conn: id}).GetConn()
	f := got.GetFacts()
	if got.GetId() != id || got.GetUser() != "u" || !slices.Equal(got.GetGroups(), []string{"g"}) || got.GetSession() != nil {
		t.Errorf("got %v", got)
	}
	if f.GetPath() != "/chat" || f.GetQuery() != "room=1" || f.GetRemoteAddr() != "192.0.2.1:1234" || !slices.Equal(f.GetSubprotocols(), []string{"v1"}) {
		t.Errorf("facts %v", f)
	}
	if len(f.GetHeaders()) != 1 || f.GetHeaders()[0].GetName() != "User-Agent" || strings.Contains(got.String(), "topsecret") {
		t.Errorf("headers %v", f.GetHeaders())
	}
	listed := gets[*pushv1.ListConnsResponse](s, "listConns", &pushv1.ListConnsRequest{WithFacts: true, WithGroups: true, WithSession: true})
	if len(listed.GetConns()) != 1 || !proto.Equal(listed.GetConns()[0], got) {
		t.Errorf("listed as %v", listed)
	}
}

func TestWhoIsThereIsCounted(t *testing.T) {
	s := open(t)
	a, b, c := s.gates.Dial("/"), s.gates.Dial("/"), s.gates.Dial("/")
	ids := []string{a.ID().String(), b.ID().String(), c.ID().String()}
	s.does("bind", &pushv1.BindRequest{Bindings: bindings(ids[0], "u", ids[1], "u")}, 2)
	s.does("join", &pushv1.JoinRequest{Conns: ids[:2], Groups: []string{"g"}}, 2)
	s.does("join", &pushv1.JoinRequest{Conns: ids[2:], Groups: []string{"h"}}, 1)
	c.Drop()
	s.gates.Settle()

	on := gets[*pushv1.IsOnlineResponse](s, "isOnline", &pushv1.IsOnlineRequest{Conns: ids, Users: []string{"u", "nobody"}})
	slices.Sort(on.Conns)
	here := slices.Sorted(slices.Values(ids[:2]))
	if u := on.GetUsers()["u"]; !slices.Equal(on.GetConns(), here) || len(on.GetUsers()) != 1 || u.GetCount() != 2 || len(on.GetLost())+len(on.GetUnsure()) != 0 ||
		!slices.Equal(slices.Sorted(slices.Values(u.GetConns())), here) {
		t.Errorf("online: %v", on)
	}
	groups := gets[*pushv1.GetUserGroupsResponse](s, "getUserGroups", &pushv1.GetUserGroupsRequest{Users: []string{"u", "nobody"}})
	if len(groups.GetUsers()) != 1 || !slices.Equal(groups.GetUsers()["u"].GetGroups(), []string{"g"}) {
		t.Errorf("groups: %v", groups)
	}
	sizes := gets[*pushv1.GetGroupSizesResponse](s, "getGroupSizes", &pushv1.GetGroupSizesRequest{Groups: []string{"g", "h"}})
	if g := sizes.GetGroups()["g"]; len(sizes.GetGroups()) != 1 || g.GetConns() != 2 || g.GetUsers() < 1 {
		t.Errorf("sizes: %v", sizes)
	}
	counts := gets[*pushv1.GetTotalsResponse](s, "getTotals", &pushv1.GetTotalsRequest{})
	var sum int32
	for _, n := range counts.GetGateways() {
		sum += n.GetConns()
	}
	if counts.GetTotal().GetConns() != 2 || sum != 2 || len(counts.GetGateways()) != 2 {
		t.Errorf("counts: %v", counts)
	}
}

func TestListsComePageByPage(t *testing.T) {
	s := open(t)
	want := map[string]bool{}
	var list []*pushv1.Binding
	for i := range 23 {
		id := s.gates.Dial("/").ID().String()
		want[id] = true
		list = append(list, &pushv1.Binding{Conn: id, User: string(rune('a' + i))})
	}
	s.does("bind", &pushv1.BindRequest{Bindings: list}, 23)
	s.does("join", &pushv1.JoinRequest{Conns: slices.Collect(maps.Keys(want)), Groups: []string{"g1", "g2", "g3"}}, 23)
	pages, cursor := 0, ""
	for {
		r := gets[*pushv1.ListConnsResponse](s, "listConns", &pushv1.ListConnsRequest{Limit: 5, Cursor: cursor, Groups: []string{"g1", "g2"}})
		for _, c := range r.GetConns() {
			if !want[c.GetId()] {
				t.Errorf("%s came twice, or is not there", c.GetId())
			}
			delete(want, c.GetId())
		}
		pages, cursor = pages+1, r.GetCursor()
		if cursor == "" || len(r.GetConns()) > 5 || len(r.GetLost()) > 0 {
			break
		}
	}
	if len(want) > 0 || pages < 5 {
		t.Errorf("%d are missing after %d pages, the last of which goes on at %q", len(want), pages, cursor)
	}
	users := gets[*pushv1.ListUsersResponse](s, "listUsers", &pushv1.ListUsersRequest{Groups: []string{"g3"}})
	groups := gets[*pushv1.ListGroupsResponse](s, "listGroups", &pushv1.ListGroupsRequest{})
	if len(users.GetUsers()) != 23 || !slices.Equal(slices.Sorted(slices.Values(groups.GetGroups())), []string{"g1", "g2", "g3"}) {
		t.Errorf("users %v, groups %v", users, groups)
	}
}

// TestAPageEndsBeforeItIsTooLarge: large sessions make pages shorter, and none is lost or
// doubled by that.
func TestAPageEndsBeforeItIsTooLarge(t *testing.T) {
	s := open(t)
	large := strings.Repeat("x", 16<<10)
	const all = 150 // 2.4 MiB
	for range all {
		c := s.gates.Dial("/")
		gets[*pushv1.SetSessionResponse](s, "setSession", &pushv1.SetSessionRequest{Conn: c.ID().String(), Kind: &pushv1.SetSessionRequest_Text{Text: large}})
	}
	seen, pages, cursor := map[string]int{}, 0, ""
	for pages == 0 || cursor != "" {
		r := gets[*pushv1.ListConnsResponse](s, "listConns", &pushv1.ListConnsRequest{Limit: 1000, WithSession: true, Cursor: cursor})
		if n := proto.Size(r); n > maxAnswer {
			t.Errorf("a page of %d bytes", n)
		}
		for _, c := range r.GetConns() {
			seen[c.GetId()]++
		}
		pages, cursor = pages+1, r.GetCursor()
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if len(seen) != all || pages != 2 {
		t.Errorf("%d conns on %d pages", len(seen), pages)
	}
}

func TestMembersAndRegistersAreListed(t *testing.T) {
	began := time.UnixMilli(1_700_000_000_000)
	s := open(t,
		Member{Role: "worker", ID: "w-1", Boot: 0xab, Load: 3}, Member{Role: "gateway", ID: "gw-2", Boot: 2},
		Member{Role: "gateway", ID: "gw-1", Boot: 1, Addr: "10.0.0.1:2900", PublicURL: "ws://:8282", Build: "b", Load: 7, Labels: map[string]string{"a": "b"}, Started: began})
	got := gets[*pushv1.ListMembersResponse](s, "listMembers", &pushv1.ListMembersRequest{})
	var names []string
	for _, m := range got.GetMembers() {
		names = append(names, m.GetRole()+" "+m.GetNode())
	}
	if want := []string{"gateway gw-1", "gateway gw-2", "worker w-1"}; !slices.Equal(names, want) {
		t.Fatalf("got %v", names)
	}
	m := got.GetMembers()[0]
	if m.GetBoot() != "0000000000000001" || m.GetAddr() != "10.0.0.1:2900" || m.GetPublicUrl() != "ws://:8282" || m.GetBuild() != "b" || m.GetLoad() != 7 ||
		m.GetLabels()["a"] != "b" || !m.GetStartedAt().AsTime().Equal(began) || got.GetMembers()[1].GetStartedAt() != nil {
		t.Errorf("got %v", m)
	}
	if r := got.GetRegisters(); len(r) != 2 || r[0].GetAddr() != "r:1" || !r[0].GetUp() || r[1].GetUp() {
		t.Errorf("registers %v", r)
	}
}

func TestBadInputIsRefusedAndSaysWhy(t *testing.T) {
	s := open(t, Member{Role: "gateway", ID: "gw-1", Boot: 1})
	id := s.gates.Dial("/").ID().String()
	many := func(n int) []string { return slices.Repeat([]string{"x"}, n) }
	ids := func(n int) []string { return slices.Repeat([]string{id}, n) }
	for name, c := range map[string]struct {
		method string
		req    proto.Message
		want   fault.Code
	}{
		"nothing":                {"send", &pushv1.SendRequest{All: true}, fault.Invalid},
		"to nobody":              {"send", &pushv1.SendRequest{Kind: hi}, fault.Invalid},
		"to two kinds":           {"send", &pushv1.SendRequest{Kind: hi, All: true, Users: many(1)}, fault.Invalid},
		"to no conn":             {"send", &pushv1.SendRequest{Kind: hi, Conns: many(1)}, fault.Invalid},
		"to too many conns":      {"send", &pushv1.SendRequest{Kind: hi, Conns: ids(maxMany + 1)}, fault.TooLarge},
		"to too many users":      {"send", &pushv1.SendRequest{Kind: hi, Users: many(maxMany + 1)}, fault.TooLarge},
		"to too many groups":     {"send", &pushv1.SendRequest{Kind: hi, Groups: many(maxGroups + 1)}, fault.TooLarge},
		"to a user of no name":   {"send", &pushv1.SendRequest{Kind: hi, Users: []string{""}}, fault.Invalid},
		"but too many":           {"send", &pushv1.SendRequest{Kind: hi, All: true, ExceptUsers: many(257)}, fault.TooLarge},
		"but no conn":            {"send", &pushv1.SendRequest{Kind: hi, All: true, ExceptConns: many(1)}, fault.Invalid},
		"of two classes":         {"send", &pushv1.SendRequest{Kind: hi, All: true, Droppable: true, MergeKey: "k"}, fault.Invalid},
		"with a long once":       {"send", &pushv1.SendRequest{Kind: hi, All: true, Once: strings.Repeat("k", 257)}, fault.Invalid},
		"with a long merge key":  {"send", &pushv1.SendRequest{Kind: hi, All: true, MergeKey: strings.Repeat("k", 257)}, fault.Invalid},
		"too large":              {"send", &pushv1.SendRequest{All: true, Kind: text(strings.Repeat("x", 1<<20+1))}, fault.TooLarge},
		"with a form of no name": {"send", &pushv1.SendRequest{Kind: hi, All: true, Forms: []*pushv1.Form{{}}}, fault.Invalid},
		"with four forms":        {"send", &pushv1.SendRequest{Kind: hi, All: true, Forms: slices.Repeat([]*pushv1.Form{{Subprotocol: "a"}}, 4)}, fault.TooLarge},
		"bind nobody":            {"bind", &pushv1.BindRequest{}, fault.Invalid},
		"bind to nobody":         {"bind", &pushv1.BindRequest{Bindings: bindings(id, "")}, fault.Invalid},
		"bind too many":          {"bind", &pushv1.BindRequest{Bindings: slices.Repeat(bindings(id, "u"), maxMany+1)}, fault.TooLarge},
		"unbind too many users":  {"unbind", &pushv1.UnbindRequest{Bindings: slices.Repeat(bindings(id, "u"), maxEach+1)}, fault.TooLarge},
		"nobody joins":           {"join", &pushv1.JoinRequest{Groups: many(1)}, fault.Invalid},
		"nothing is joined":      {"join", &pushv1.JoinRequest{Conns: ids(1)}, fault.Invalid},
		"too much is joined":     {"join", &pushv1.JoinRequest{Users: many(5000), Groups: many(500)}, fault.TooLarge},
		"no group":               {"dissolveGroup", &pushv1.DissolveGroupRequest{}, fault.Invalid},
		"nobody is closed":       {"close", &pushv1.CloseRequest{Code: 4500}, fault.Invalid},
		"a code of the protocol": {"close", &pushv1.CloseRequest{Conns: ids(1), Code: 1006}, fault.Invalid},
		"a code that is none":    {"close", &pushv1.CloseRequest{Conns: ids(1), Code: 70_000}, fault.Invalid},
		"a long reason":          {"close", &pushv1.CloseRequest{Conns: ids(1), Reason: strings.Repeat("x", 124)}, fault.Invalid},
		"now, and with a reason": {"close", &pushv1.CloseRequest{Conns: ids(1), Now: true, Reason: "x"}, fault.Invalid},
		"nobody is confirmed":    {"confirm", &pushv1.ConfirmRequest{}, fault.Invalid},
		"no keys":                {"deleteSessionKeys", &pushv1.DeleteSessionKeysRequest{Conn: id}, fault.Invalid},
		"no patch":               {"mergeSession", &pushv1.MergeSessionRequest{Conn: id, Patch: "[1]"}, fault.Invalid},
		"a large session":        {"setSession", &pushv1.SetSessionRequest{Conn: id, Kind: &pushv1.SetSessionRequest_Text{Text: strings.Repeat("x", 1<<20)}}, fault.TooLarge},
		"nobody is asked for":    {"isOnline", &pushv1.IsOnlineRequest{}, fault.Invalid},
		"too many are":           {"isOnline", &pushv1.IsOnlineRequest{Users: many(maxEach + 1)}, fault.TooLarge},
		"no conn":                {"getConn", &pushv1.GetConnRequest{Conn: "x"}, fault.Invalid},
		"groups of too many":     {"getUserGroups", &pushv1.GetUserGroupsRequest{Users: many(maxAsked + 1)}, fault.TooLarge},
		"counts of no group":     {"getGroupSizes", &pushv1.GetGroupSizesRequest{}, fault.Invalid},
		"a long page":            {"listConns", &pushv1.ListConnsRequest{Limit: 1001}, fault.Invalid},
		"a cursor that is none":  {"listUsers", &pushv1.ListUsersRequest{Cursor: "x"}, fault.Invalid},
		"a group of no name":     {"listUsers", &pushv1.ListUsersRequest{Groups: []string{""}}, fault.Invalid},
		"drain an api":           {"drainNode", &pushv1.DrainNodeRequest{Role: "api", Node: "a"}, fault.Invalid},
		"drain a stranger":       {"drainNode", &pushv1.DrainNodeRequest{Role: "worker", Node: "gw-1"}, fault.NotFound},
		"shed nothing":           {"shedGateway", &pushv1.ShedGatewayRequest{Node: "gw-1"}, fault.Invalid},
		"shed too much":          {"shedGateway", &pushv1.ShedGatewayRequest{Node: "gw-1", Share: 25}, fault.Invalid},
		"shed too fast":          {"shedGateway", &pushv1.ShedGatewayRequest{Node: "gw-1", Share: 1, Window: durationpb.New(time.Millisecond)}, fault.Invalid},
		"shed a stranger":        {"shedGateway", &pushv1.ShedGatewayRequest{Node: "gw-2", Share: 1}, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := s.asks(c.method, c.req)
			if err == nil || fault.CodeOf(err) != c.want || fault.Of(err).Message() == "" {
				t.Errorf("%.200v, %v, want %v", res, err, c.want)
			}
		})
	}
}

// TestAGatewayThatStandsStillIsNamedInTime: the others do what was asked, and the answer
// comes before the caller gives up.
func TestAGatewayThatStandsStillIsNamedInTime(t *testing.T) {
	s := open(t)
	conns := map[uint64]*workertest.Conn{}
	for len(conns) < 2 {
		c := s.gates.Dial("/")
		conns[c.ID().Gateway] = c
	}
	var ids []string
	for _, c := range conns {
		ids = append(ids, c.ID().String())
		s.does("bind", &pushv1.BindRequest{Bindings: bindings(c.ID().String(), "u")}, 1)
	}
	s.does("join", &pushv1.JoinRequest{Conns: ids, Groups: []string{"g"}}, 2)
	defer s.gates.FreezeGateway(1)()
	from := Caller{Authorization: "Bearer " + s.texts["admin"]}
	for method, c := range map[string]struct {
		req  proto.Message
		half func(proto.Message) bool // what the other gateway did is there
	}{
		"send":          {&pushv1.SendRequest{Kind: hi, Users: []string{"u"}}, func(m proto.Message) bool { return m.(*pushv1.SendResponse).GetHit() == 1 }},
		"leave":         {&pushv1.LeaveRequest{Users: []string{"u"}, Groups: []string{"x"}}, nil},
		"isOnline":      {&pushv1.IsOnlineRequest{Users: []string{"u"}}, func(m proto.Message) bool { return m.(*pushv1.IsOnlineResponse).GetUsers()["u"].GetCount() == 1 }},
		"getUserGroups": {&pushv1.GetUserGroupsRequest{Users: []string{"u"}}, func(m proto.Message) bool { return len(m.(*pushv1.GetUserGroupsResponse).GetUsers()) == 1 }},
		"getGroupSizes": {&pushv1.GetGroupSizesRequest{Groups: []string{"g"}}, func(m proto.Message) bool { return m.(*pushv1.GetGroupSizesResponse).GetGroups()["g"].GetConns() == 1 }},
		"getTotals":     {&pushv1.GetTotalsRequest{}, func(m proto.Message) bool { return len(m.(*pushv1.GetTotalsResponse).GetGateways()) == 1 }},
		"listConns":     {&pushv1.ListConnsRequest{}, func(m proto.Message) bool { return len(m.(*pushv1.ListConnsResponse).GetConns()) >= 1 }},
		"bind": {&pushv1.BindRequest{Bindings: bindings(ids[0], "u", ids[1], "u")}, func(m proto.Message) bool {
			o := m.(*pushv1.BindResponse).GetOutcome()
			return o.GetDone() == 1 && len(o.GetUnsure()) == 1
		}},
	} {
		began := time.Now()
		if from.Timeout = 400 * time.Millisecond; method == "listConns" { // which asks one after the other at first, for half a second
			from.Timeout = 2 * time.Second
		}
		res, err := s.as(from, method, c.req)
		if err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		lost := append(lostIn(res), "")
		if lost[0] == "" || c.half != nil && !c.half(res) {
			t.Errorf("%s: %v", method, res)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %v", method, took)
		}
	}
}

func lostIn(m proto.Message) []string {
	if o, ok := m.(interface{ GetOutcome() *pushv1.Outcome }); ok {
		return o.GetOutcome().GetLost()
	}
	return m.(interface{ GetLost() []string }).GetLost()
}
