package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// walk does every rpc through one door.
type walk struct {
	*backOffice
	t    *testing.T
	name string
	door pushDoor
	done map[string]bool

	a, b *person // at gateways 0 and 1
	ids  [2]string
}

// gets calls an rpc with the key of a role, and wants an answer.
func (w *walk) gets(role, rpc string, req, res proto.Message) {
	w.t.Helper()
	w.done[rpc] = true
	if err := w.door(within(w.t, everything), w.keys[role], rpc, req, res); err != nil {
		w.t.Fatalf("%s over %s: %v", rpc, w.name, err)
	}
	if lost, ok := res.(interface{ GetLost() []string }); ok && len(lost.GetLost()) > 0 {
		w.t.Errorf("%s over %s: %v is lost", rpc, w.name, lost.GetLost())
	}
}

// does calls an rpc that changes conns, and wants it done for so many and nothing else.
func (w *walk) does(rpc string, req, res proto.Message, conns int32) {
	w.t.Helper()
	w.gets("manage", rpc, req, res)
	if got := res.(interface{ GetOutcome() *pushv1.Outcome }).GetOutcome(); !proto.Equal(got, &pushv1.Outcome{Done: conns}) {
		w.t.Errorf("%s over %s: %v, want it done for %d", rpc, w.name, got, conns)
	}
}

// hears wants the next frame of a socket to be this text.
func (w *walk) hears(p *person, text string) {
	w.t.Helper()
	if m, err := p.ReadWithin(everything); err != nil || string(m.Payload) != text {
		w.t.Fatalf("over %s: heard %q, %v, want %q", w.name, m.Payload, err, text)
	}
}

// ended wants a socket to be closed with a code.
func (w *walk) ended(p *person, code int) {
	w.t.Helper()
	_, err := p.ReadWithin(everything)
	closed := new(client.Closed)
	if !errors.As(err, &closed) || closed.Code != code {
		w.t.Errorf("over %s: ended with %v, want %d", w.name, err, code)
	}
}

// tag names a client of this walk.
func (w *walk) tag(name string) string { return w.name + name }

func (w *walk) all() {
	w.a, w.b = enter(w.t, w.URL(0), w.tag("a")), enter(w.t, w.URL(1), w.tag("b"))
	w.finds()
	w.binds()
	w.groups()
	w.sends()
	w.sessions()
	w.counts()
	w.closes()
	w.administers()
}

// finds reads the ids of both from the lists, as an operator does.
func (w *walk) finds() {
	var conns pushv1.ListConnsResponse
	w.gets("query", "ListConns", &pushv1.ListConnsRequest{WithFacts: true, Groups: []string{w.tag("a"), w.tag("b")}}, &conns)
	for _, c := range conns.GetConns() {
		i := strings.Index("ab", strings.TrimPrefix(c.GetFacts().GetQuery(), "tag="+w.name))
		if i < 0 || c.GetGateway() != w.Gateways()[i].Name() || c.GetUser() != answer.User(w.tag("ab"[i:i+1]), 0) {
			w.t.Fatalf("over %s: %v", w.name, c)
		}
		w.ids[i] = c.GetId()
	}
	if w.ids[0] == "" || w.ids[1] == "" {
		w.t.Fatalf("over %s: the list is %v", w.name, conns.GetConns())
	}
	var one pushv1.GetConnResponse
	w.gets("query", "GetConn", &pushv1.GetConnRequest{Conn: w.ids[0]}, &one)
	if c := one.GetConn(); c.GetId() != w.ids[0] || !slices.Equal(c.GetGroups(), []string{w.tag("a")}) || c.GetFacts().GetQuery() != "tag="+w.tag("a") {
		w.t.Errorf("over %s: %v", w.name, c)
	}
}

func (w *walk) binds() {
	user := w.tag("user")
	w.does("Unbind", &pushv1.UnbindRequest{Bindings: []*pushv1.Binding{{Conn: w.ids[0]}}}, new(pushv1.UnbindResponse), 1)
	w.does("Bind", &pushv1.BindRequest{Bindings: []*pushv1.Binding{{Conn: w.ids[0], User: user}, {Conn: w.ids[1], User: user}}}, new(pushv1.BindResponse), 2)
	w.does("Confirm", &pushv1.ConfirmRequest{Conns: w.ids[:1]}, new(pushv1.ConfirmResponse), 1)
	var on pushv1.IsOnlineResponse
	w.gets("query", "IsOnline", &pushv1.IsOnlineRequest{Conns: w.ids[:], Users: []string{user, answer.User(w.tag("a"), 0)}}, &on)
	if len(on.GetConns()) != 2 || len(on.GetUsers()) != 1 || on.GetUsers()[user].GetCount() != 2 {
		w.t.Errorf("over %s: online are %v", w.name, &on)
	}
	var users pushv1.ListUsersResponse
	w.gets("query", "ListUsers", &pushv1.ListUsersRequest{Groups: []string{w.tag("a"), w.tag("b")}}, &users)
	if !slices.Equal(users.GetUsers(), []string{user}) {
		w.t.Errorf("over %s: users %v", w.name, users.GetUsers())
	}
}

func (w *walk) groups() {
	user, kept, left, gone := w.tag("user"), w.tag("kept"), w.tag("left"), w.tag("gone")
	w.does("Join", &pushv1.JoinRequest{Conns: w.ids[:1], Groups: []string{kept}}, new(pushv1.JoinResponse), 1)
	w.does("Join", &pushv1.JoinRequest{Users: []string{user}, Groups: []string{left, gone}}, new(pushv1.JoinResponse), 2)
	w.does("Leave", &pushv1.LeaveRequest{Users: []string{user}, Groups: []string{left}}, new(pushv1.LeaveResponse), 2)
	w.does("DissolveGroup", &pushv1.DissolveGroupRequest{Group: gone}, new(pushv1.DissolveGroupResponse), 2)
	var of pushv1.GetUserGroupsResponse
	w.gets("query", "GetUserGroups", &pushv1.GetUserGroupsRequest{Users: []string{user}}, &of)
	want := []string{w.tag("a"), w.tag("b"), kept}
	if got := of.GetUsers()[user].GetGroups(); !slices.Equal(got, want) {
		w.t.Errorf("over %s: groups %v, want %v", w.name, got, want)
	}
	var groups pushv1.ListGroupsResponse
	w.gets("query", "ListGroups", &pushv1.ListGroupsRequest{Limit: 1000}, &groups)
	if got := slices.DeleteFunc(groups.GetGroups(), func(g string) bool { return !slices.Contains(want, g) && g != left && g != gone }); len(got) != 3 {
		w.t.Errorf("over %s: the list of groups has %v", w.name, got)
	}
	var sizes pushv1.GetGroupSizesResponse
	w.gets("query", "GetGroupSizes", &pushv1.GetGroupSizesRequest{Groups: []string{kept, left}}, &sizes)
	if got := sizes.GetGroups(); len(got) != 1 || got[kept].GetConns() != 1 || got[kept].GetUsers() != 1 {
		w.t.Errorf("over %s: sizes %v", w.name, got)
	}
}

func (w *walk) sends() {
	user := w.tag("user")
	for n, c := range []struct {
		req  *pushv1.SendRequest
		a, b bool
		want *pushv1.SendResponse
	}{
		{&pushv1.SendRequest{Conns: w.ids[:1]}, true, false, &pushv1.SendResponse{Hit: 1}},
		{&pushv1.SendRequest{Users: []string{user, "nobody"}}, true, true, &pushv1.SendResponse{Hit: 2, Offline: []string{"nobody"}}},
		{&pushv1.SendRequest{Groups: []string{w.tag("a"), w.tag("kept"), w.tag("b")}}, true, true, &pushv1.SendResponse{Hit: 2}},
		{&pushv1.SendRequest{All: true, ExceptConns: w.ids[1:], Once: w.tag("once")}, true, false, &pushv1.SendResponse{Hit: 1}},
		{&pushv1.SendRequest{All: true, ExceptConns: w.ids[1:], Once: w.tag("once")}, false, false, &pushv1.SendResponse{Duplicate: true}},
		{&pushv1.SendRequest{All: true, ExceptUsers: []string{user}}, false, false, &pushv1.SendResponse{}},
	} {
		text := fmt.Sprint(w.name, " ", n)
		c.req.Kind = &pushv1.SendRequest_Text{Text: text}
		got := new(pushv1.SendResponse)
		w.gets("send", "Send", c.req, got)
		if !proto.Equal(got, c.want) {
			w.t.Errorf("over %s: send %d is answered with %v, want %v", w.name, n, got, c.want)
		}
		if c.a {
			w.hears(w.a, text)
		}
		if c.b {
			w.hears(w.b, text)
		}
	}
}

func (w *walk) sessions() {
	id := w.ids[0]
	write := new(pushv1.SetSessionResponse)
	w.gets("manage", "SetSession", &pushv1.SetSessionRequest{Conn: id, Kind: &pushv1.SetSessionRequest_Text{Text: `{"a":1,"b":2}`}, IfVersion: proto.Uint64(0)}, write)
	w.gets("manage", "MergeSession", &pushv1.MergeSessionRequest{Conn: id, Patch: `{"a":3,"c":4}`, IfVersion: proto.Uint64(write.GetVersion())}, new(pushv1.MergeSessionResponse))
	w.gets("manage", "DeleteSessionKeys", &pushv1.DeleteSessionKeysRequest{Conn: id, Keys: []string{"b"}}, new(pushv1.DeleteSessionKeysResponse))
	late := &pushv1.SetSessionRequest{Conn: id, IfVersion: proto.Uint64(write.GetVersion())}
	if err := w.door(within(w.t, everything), w.keys["manage"], "SetSession", late, new(pushv1.SetSessionResponse)); !errors.Is(err, fault.Conflict) {
		w.t.Errorf("over %s: a write that came late: %v", w.name, err)
	}
	var got pushv1.GetSessionResponse
	w.gets("query", "GetSession", &pushv1.GetSessionRequest{Conn: id}, &got)
	if s := got.GetSession(); s.GetText() != `{"a":3,"c":4}` || s.GetVersion() != write.GetVersion()+2 {
		w.t.Errorf("over %s: the session is %v", w.name, s)
	}
	if a := w.a.asks(answer.Reply, ""); a.Session != `{"a":3,"c":4}` {
		w.t.Errorf("over %s: a handler sees the session %q", w.name, a.Session)
	}
}

func (w *walk) counts() {
	var got pushv1.GetTotalsResponse
	w.gets("query", "GetTotals", new(pushv1.GetTotalsRequest), &got)
	if n := got.GetGateways()[w.Gateways()[0].Name()].GetConns(); got.GetTotal().GetConns() != 2 || n != 1 || len(got.GetGateways()) < 2 {
		w.t.Errorf("over %s: counts %v", w.name, &got)
	}
	err := w.door(within(w.t, everything), w.keys["query"], "Close", &pushv1.CloseRequest{Conns: w.ids[:]}, new(pushv1.CloseResponse))
	if !errors.Is(err, fault.Forbidden) {
		w.t.Errorf("over %s: with a key for queries conns are closed: %v", w.name, err)
	}
}

func (w *walk) closes() {
	last := &pushv1.Frame{Kind: &pushv1.Frame_Text{Text: "bye"}}
	w.does("Close", &pushv1.CloseRequest{Conns: w.ids[:1], Code: 4504, Reason: "by order", Last: last}, new(pushv1.CloseResponse), 1)
	w.hears(w.a, "bye")
	w.ended(w.a, int(fault.CloseKicked))
	// Its client has read the close; the gateway is done with it when the answer is in.
	eventually(w.t, func() bool {
		var there pushv1.IsOnlineResponse
		w.gets("query", "IsOnline", &pushv1.IsOnlineRequest{Conns: w.ids[:1]}, &there)
		return len(there.GetConns()) == 0
	}, func() string { return "the conn that was closed is open" })
	w.does("Close", &pushv1.CloseRequest{Users: []string{w.tag("user")}}, new(pushv1.CloseResponse), 1)
	w.ended(w.b, int(fault.CloseNormal))
	var stale pushv1.BindResponse
	w.gets("manage", "Bind", &pushv1.BindRequest{Bindings: []*pushv1.Binding{{Conn: w.ids[0], User: "u"}}}, &stale)
	if got := stale.GetOutcome(); !proto.Equal(got, &pushv1.Outcome{Stale: w.ids[:1]}) {
		w.t.Errorf("over %s: bind of one that has ended: %v", w.name, got)
	}
}

// administers ends processes: over HTTP the second worker, over gRPC the third gateway.
func (w *walk) administers() {
	role, ends := "worker", w.Cluster.Workers[1]
	if w.name == "gRPC" {
		role, ends = "gateway", w.Cluster.Gateways[2]
	}
	there := w.members()
	if there["register"] != 1 || there["api"] != 1 || there["gateway"] != 3 || there["worker"] < 1 {
		w.t.Errorf("over %s: members are %v", w.name, there)
	}
	shed := enter(w.t, w.URL(0), w.tag("shed"))
	asked := new(pushv1.ShedGatewayResponse)
	w.gets("admin", "ShedGateway", &pushv1.ShedGatewayRequest{Node: w.Gateways()[0].Name(), Share: 1, Window: durationpb.New(time.Second)}, asked)
	if asked.GetAsked() != 1 {
		w.t.Errorf("over %s: %d are asked to go", w.name, asked.GetAsked())
	}
	w.ended(shed, int(fault.CloseRestart))
	w.gets("admin", "DrainNode", &pushv1.DrainNodeRequest{Role: role, Node: ends.Name()}, new(pushv1.DrainNodeResponse))
	endsInOrder(w.t, ends)
	eventually(w.t, func() bool { return w.members()[role] == there[role]-1 }, func() string { return ends.Name() + " is still a member" })
}

// members counts them, by role.
func (w *walk) members() map[string]int {
	w.t.Helper()
	var got pushv1.ListMembersResponse
	w.gets("admin", "ListMembers", new(pushv1.ListMembersRequest), &got)
	n := map[string]int{}
	for _, m := range got.GetMembers() {
		n[m.GetRole()]++
	}
	for _, r := range got.GetRegisters() {
		if r.GetUp() {
			n["register"]++
		}
	}
	return n
}

// endsInOrder waits for the end of a process that was asked to drain.
func endsInOrder(t *testing.T, p *proc.Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(everything):
		t.Fatalf("%s has not ended", p.Name())
	}
	if e, _ := p.Exit(); e.Code != 0 {
		t.Errorf("%s ended with %v", p.Name(), e)
	}
}
