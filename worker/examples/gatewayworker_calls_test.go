package examples

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// call is a row of docs/from-gatewayworker.md: what it names of ours, and what their
// manual promises, done with ours.
type call struct {
	ours  []string
	holds func(*world)
}

func of(holds func(*world), ours ...string) call { return call{ours, holds} }

// elsewhere is a conn of a gateway that is not there.
var elsewhere = connid.ID{Gateway: 7, Conn: 7}

// calls are all public static methods of Lib\Gateway.
var calls = map[string]call{
	"sendToAll": of(func(w *world) {
		w.good(w.s.ToAll(w.ctx, worker.Text("x")))
		w.heard("x", w.all()...)
		w.good(w.s.ToAll(w.ctx, worker.Text("y"), worker.Except(w.ann.ID())))
		w.heard("y", w.bob, w.guest, w.ann2)
		w.good(w.s.ToConns(w.ctx, []connid.ID{w.ann.ID(), w.bob.ID(), elsewhere}, worker.Text("z")))
		w.heard("z", w.ann, w.bob)
		w.good(w.s.ToConns(w.ctx, nil, worker.Text("nobody")))
		w.heard("nobody")
	}, "Sender.ToAll", "Sender.ToConns", "worker.Except"),
	"sendToClient": of(func(w *world) {
		w.good(w.s.ToConn(w.ctx, w.bob.ID(), worker.Text("x")))
		w.heard("x", w.bob)
		w.gone(w.bob)
		var r worker.Result
		w.good(w.s.ToConn(w.ctx, w.bob.ID(), worker.Text("y"), worker.Await(&r)))
		w.is(r, worker.Result{Missed: 1})
		w.good(w.s.ToConn(w.ctx, elsewhere, worker.Text("z"), worker.Await(&r)))
		w.is(r, worker.Result{Missed: 1})
	}, "Sender.ToConn", "worker.Await", "Result.Missed"),
	"sendToCurrentClient": of(func(w *world) {
		w.within(w.ann, func(ctx context.Context, c *worker.Conn) error {
			return errors.Join(c.Reply(worker.Text("reply")), c.Send(ctx, worker.Text("sent at once")))
		})
		w.ann.Expect("sent at once")
		w.heard("reply", w.ann)
	}, "Conn.Reply", "Conn.Send"),
	"sendToUid": of(func(w *world) {
		w.good(w.s.ToUser(w.ctx, "ann", worker.Text("x")))
		w.heard("x", w.ann, w.ann2)
		var r worker.Result
		w.good(w.s.ToUsers(w.ctx, []string{"ann", "bob", "carl", "ann"}, worker.Text("y"), worker.Await(&r)))
		w.heard("y", w.ann, w.ann2, w.bob)
		w.is(r, worker.Result{Hit: 3, Offline: []string{"carl"}})
	}, "Sender.ToUser", "Sender.ToUsers", "Result.Offline"),
	"sendToGroup": of(func(w *world) {
		w.good(w.s.ToGroup(w.ctx, "kitchen", worker.Text("x"), worker.Except(w.ann2.ID())))
		w.heard("x", w.ann)
		w.good(w.s.ToGroups(w.ctx, []string{"kitchen", "hall"}, worker.Text("y")))
		w.heard("y", w.ann, w.ann2, w.bob)
	}, "Sender.ToGroup", "Sender.ToGroups", "worker.Except"),
	"bindUid": of(func(w *world) {
		w.good(w.s.Bind(w.ctx, w.guest.ID(), "carl"))
		w.good(w.s.ToUser(w.ctx, "carl", worker.Text("x")))
		w.heard("x", w.guest)
		w.good(w.s.Bind(w.ctx, w.guest.ID(), "dan"))
		online, err := w.s.Online(w.ctx, "carl", "dan") // reads its own write
		w.good(err)
		w.is(online.Conns, map[string][]connid.ID{"dan": {w.guest.ID()}})
		w.code(w.s.Bind(w.ctx, elsewhere, "x"), fault.Stale)
		w.within(w.guest, func(ctx context.Context, c *worker.Conn) error { return c.Bind(ctx, "eve") })
		w.is(w.guest.User(), "eve")
	}, "Sender.Bind", "Conn.Bind"),
	"unbindUid": of(func(w *world) {
		w.good(w.s.Unbind(w.ctx, w.ann.ID(), "bob"))
		w.is(w.ann.User(), "ann")
		w.good(w.s.Unbind(w.ctx, w.ann.ID(), "ann"))
		w.good(w.s.ToUser(w.ctx, "ann", worker.Text("x")))
		w.heard("x", w.ann2)
		w.within(w.ann2, func(ctx context.Context, c *worker.Conn) error { return c.Unbind(ctx) })
		w.is(w.ann2.User(), "")
	}, "Sender.Unbind", "Conn.Unbind"),
	"joinGroup": of(func(w *world) {
		w.good(w.s.Join(w.ctx, w.guest.ID(), "hall"))
		w.good(w.s.Join(w.ctx, w.guest.ID(), "hall", "attic"))
		w.good(w.s.ToGroup(w.ctx, "hall", worker.Text("x")))
		w.heard("x", w.ann, w.bob, w.guest)
		w.gone(w.guest)
		w.is(w.names(w.s.Groups(w.ctx)), []string{"hall", "kitchen"}) // the attic went with its last conn
		w.within(w.bob, func(ctx context.Context, c *worker.Conn) error { return c.Join(ctx, "kitchen") })
		w.is(w.bob.Groups(), []string{"hall", "kitchen"})
	}, "Sender.Join", "Conn.Join"),
	"leaveGroup": of(func(w *world) {
		w.good(w.s.Leave(w.ctx, w.guest.ID(), "hall"))
		w.good(w.s.Leave(w.ctx, w.ann.ID(), "hall"))
		w.good(w.s.ToGroup(w.ctx, "hall", worker.Text("x")))
		w.heard("x", w.bob)
		w.within(w.bob, func(ctx context.Context, c *worker.Conn) error { return c.Leave(ctx, "hall") })
		w.is(len(w.bob.Groups()), 0)
	}, "Sender.Leave", "Conn.Leave"),
	"ungroup": of(func(w *world) {
		did, err := w.s.DissolveGroup(w.ctx, "kitchen")
		w.good(err)
		w.is(did, worker.Affected{Conns: 2})
		w.good(w.s.ToGroup(w.ctx, "kitchen", worker.Text("x")))
		w.heard("x")
		w.good(w.s.Join(w.ctx, w.bob.ID(), "kitchen"))
		w.good(w.s.ToGroup(w.ctx, "kitchen", worker.Text("y")))
		w.heard("y", w.bob)
	}, "Sender.DissolveGroup"),
	"isOnline": of(func(w *world) {
		there, err := w.s.IsOnline(w.ctx, w.guest.ID())
		w.good(err)
		w.gone(w.guest)
		ended, err := w.s.IsOnline(w.ctx, w.guest.ID())
		w.good(err)
		never, err := w.s.IsOnline(w.ctx, elsewhere)
		w.good(err)
		w.is([]bool{there, ended, never}, []bool{true, false, false})
	}, "Sender.IsOnline"),
	"isUidOnline": of(func(w *world) {
		bob, lost, err := w.s.IsUserOnline(w.ctx, "bob")
		w.good(err)
		w.gone(w.bob)
		after, lostAfter, err := w.s.IsUserOnline(w.ctx, "bob")
		w.good(err)
		w.is([]any{bob, lost, after, lostAfter}, []any{true, nil, false, nil})
	}, "Sender.IsUserOnline"),
	"getClientIdByUid": of(func(w *world) {
		ids, lost, err := w.s.ConnsOf(w.ctx, "ann")
		w.good(err)
		if len(ids) != 2 || !slices.Contains(ids, w.ann.ID()) || !slices.Contains(ids, w.ann2.ID()) || lost != nil {
			w.t.Errorf("got %v, lost %v", ids, lost)
		}
	}, "Sender.ConnsOf"),
	"getUidByClientId": of(func(w *world) {
		user, err := w.s.UserOf(w.ctx, w.bob.ID())
		w.good(err)
		nobody, err := w.s.UserOf(w.ctx, w.guest.ID())
		w.good(err)
		w.is([]string{user, nobody}, []string{"bob", ""})
		w.is(w.gone(w.bob).User, "bob") // in OnClose it is known
		_, err = w.s.UserOf(w.ctx, w.bob.ID())
		w.code(err, fault.Stale)
		_, err = w.s.UserOf(w.ctx, elsewhere)
		w.code(err, fault.Stale)
	}, "Sender.UserOf", "Close.User"),
	"setSession": of(func(w *world) {
		_, err := w.s.SetSession(w.ctx, w.ann.ID(), []byte(`{"a":1}`))
		w.good(err)
		version, err := w.s.SetSession(w.ctx, w.ann.ID(), []byte(`{"b":2}`))
		w.good(err)
		w.is([]any{version, string(w.ann.Session())}, []any{2, `{"b":2}`})
		w.within(w.ann, func(_ context.Context, c *worker.Conn) error {
			return errors.Join(c.SetSession([]byte("mine")), c.Reply(worker.Text(string(c.Session()))))
		})
		w.heard("mine", w.ann)
		w.is(string(w.gone(w.ann).Session), "mine") // in OnClose it is the last
	}, "Sender.SetSession", "Conn.SetSession"),
	"updateSession": of(func(w *world) {
		_, err := w.s.UpdateSession(w.ctx, w.ann.ID(), map[string]any{"a": map[string]int{"b": 1}, "c": 2})
		w.good(err)
		_, err = w.s.MergeSession(w.ctx, w.ann.ID(), []byte(`{"a":{"d":3},"c":null}`))
		w.good(err)
		w.is(string(w.ann.Session()), `{"a":{"b":1,"d":3}}`)
		_, err = w.s.DeleteSessionKeys(w.ctx, w.ann.ID(), "a")
		w.good(err)
		w.is(string(w.ann.Session()), `{}`)
	}, "Sender.UpdateSession", "Sender.MergeSession", "Sender.DeleteSessionKeys"),
	"getSession": of(func(w *world) {
		none, version, err := w.s.Session(w.ctx, w.bob.ID())
		w.good(err)
		w.is([]any{none, version}, []any{nil, 0})
		_, err = w.s.SetSession(w.ctx, w.bob.ID(), []byte("s"))
		w.good(err)
		b, version, err := w.s.Session(w.ctx, w.bob.ID())
		w.good(err)
		w.is([]any{string(b), version}, []any{"s", 1})
		w.gone(w.bob)
		_, _, err = w.s.Session(w.ctx, w.bob.ID())
		w.code(err, fault.Stale)
	}, "Sender.Session"),
	"setSocketSession": of(func(w *world) {
		_, err := w.s.SetSession(w.ctx, w.bob.ID(), []byte{0, 1, 0xff})
		w.good(err)
		w.is(w.bob.Session(), []byte{0, 1, 0xff})
	}, "Sender.SetSession"),
	"closeClient": of(func(w *world) {
		w.good(w.s.Close(w.ctx, w.bob.ID(), fault.CloseKicked, "out", worker.Text("last")))
		w.bob.Expect("last")
		code, reason := w.bob.ExpectClosed()
		w.is([]any{code, reason}, []any{fault.CloseKicked, "out"})
		w.code(w.s.Close(w.ctx, w.bob.ID(), 0, ""), fault.Stale)
	}, "Sender.Close"),
	"closeCurrentClient": of(func(w *world) {
		w.within(w.bob, func(_ context.Context, c *worker.Conn) error {
			return errors.Join(c.Reply(worker.Text("first")), c.Close(0, "bye", worker.Text("last")))
		})
		w.bob.Expect("first")
		w.bob.Expect("last")
		code, reason := w.bob.ExpectClosed()
		w.is([]any{code, reason}, []any{1000, "bye"})
	}, "Conn.Close"),
	"destoryClient": of(func(w *world) {
		w.good(w.s.Kill(w.ctx, w.bob.ID()))
		code, _ := w.bob.ExpectClosed()
		w.is(code, 1006)
	}, "Sender.Kill"),
	"destoryCurrentClient": of(func(w *world) {
		w.within(w.bob, func(_ context.Context, c *worker.Conn) error { return c.Kill() })
		code, _ := w.bob.ExpectClosed()
		w.is(code, 1006)
	}, "Conn.Kill"),
	"getAllClientSessions":     of(sessions(nil), "Sender.Conns", "worker.WithSession"),
	"getClientSessionsByGroup": of(sessions([]string{"hall"}), "Sender.Conns", "worker.InGroups", "worker.WithSession"),
	"getAllClientIdCount":      of(countAll, "Totals.Conns"),
	"getAllClientCount":        of(countAll, "Totals.Conns"),
	"getClientIdCountByGroup":  of(countGroup, "Sender.GroupSize"),
	"getClientCountByGroup":    of(countGroup, "Sender.GroupSize"),
	"getClientIdListByGroup": of(func(w *world) {
		w.ids(w.conns(worker.InGroups("kitchen", "hall")), w.ann, w.ann2, w.bob)
	}, "Sender.Conns", "worker.InGroups"),
	"getAllClientIdList": of(func(w *world) { w.ids(w.conns(), w.all()...) }, "Sender.Conns"),
	"getUidListByGroup": of(func(w *world) {
		w.is(w.names(w.s.Users(w.ctx, worker.InGroups("kitchen", "hall"))), []string{"ann", "bob"})
		few, err := w.s.GroupUsers(w.ctx, "kitchen", 10)
		w.good(err)
		w.is(few, worker.Crowd{Users: []string{"ann"}, Conns: 2})
	}, "Sender.Users", "worker.InGroups", "Sender.GroupUsers"),
	"getUidCountByGroup": of(func(w *world) {
		size, _, err := w.s.GroupSize(w.ctx, "hall")
		w.good(err)
		w.is(size.Users, 2)
		size, _, err = w.s.GroupSize(w.ctx, "kitchen")
		w.good(err)
		w.is(size.Users, 2) // ann, once for each gateway
	}, "GroupSize.Users"),
	"getAllUidList": of(func(w *world) { w.is(w.names(w.s.Users(w.ctx)), []string{"ann", "bob"}) }, "Sender.Users"),
	"getAllUidCount": of(func(w *world) {
		totals, err := w.s.Totals(w.ctx)
		w.good(err)
		w.is(totals.Users, 3) // ann, once for each gateway
	}, "Totals.Users"),
	"getAllGroupIdList":  of(func(w *world) { w.is(w.names(w.s.Groups(w.ctx)), []string{"hall", "kitchen"}) }, "Sender.Groups"),
	"getAllGroupUidList": of(usersByGroup, "Sender.Conns", "worker.WithGroups"),
	"getAllGroupClientIdList": of(func(w *world) {
		groups := map[string]int{}
		for _, c := range w.conns(worker.WithGroups()) { // of whom one is in none
			for _, g := range c.Groups {
				groups[g]++
			}
		}
		w.is(groups, map[string]int{"hall": 2, "kitchen": 2})
	}, "Sender.Conns", "worker.WithGroups"),
	"getAllGroupUidCount":      of(allSizes, "Sender.Groups", "Sender.GroupSizes"),
	"getAllGroupClientIdCount": of(allSizes, "Sender.Groups", "Sender.GroupSizes"),
	"getAllClientInfo":         of(sessions([]string{"hall"}), "Sender.Conns"),
	"getClientInfoByGroup":     of(sessions([]string{"hall"}), "Sender.Conns"),
	"setBusinessWorker": of(func(w *world) {
		if w.h.Worker().Sender() != w.s {
			w.t.Error("a worker has several senders")
		}
	}, "Worker.Sender", "Conn.Sender"),
}

// batches are what GatewayClient has besides.
var batches = map[string]call{
	"isUidsOnline":          of(onlineOf, "Sender.Online"),
	"batchGetClientIdByUid": of(onlineOf, "Sender.Online"),
	"batchGetClientIdCountByGroup": of(func(w *world) {
		sizes, err := w.s.GroupSizes(w.ctx, "hall", "kitchen", "nowhere")
		w.good(err)
		w.is(sizes.Groups, map[string]worker.GroupSize{"hall": {Conns: 2, Users: 2}, "kitchen": {Conns: 2, Users: 2}})
	}, "Sender.GroupSizes"),
}

// asked are calls that its users ask for.
var asked = map[string]call{
	"groups of a client": of(func(w *world) {
		groups, err := w.s.GroupsOf(w.ctx, w.ann.ID())
		w.good(err)
		slices.Sort(groups)
		w.is(groups, []string{"hall", "kitchen"})
	}, "Sender.GroupsOf", "Conn.Groups"),
	"groups of a uid": of(func(w *world) {
		got, err := w.s.UserGroups(w.ctx, "ann", "carl")
		w.good(err)
		slices.Sort(got.Groups["ann"])
		w.is(got, worker.UserGroups{Groups: map[string][]string{"ann": {"hall", "kitchen"}}})
	}, "Sender.UserGroups"),
	"users of several groups": of(func(w *world) {
		w.is(w.names(w.s.Users(w.ctx, worker.InGroups("hall", "kitchen"))), []string{"ann", "bob"})
	}, "Sender.Users", "worker.InGroups"),
	"batch bind, unbind": of(func(w *world) {
		out, err := w.s.BindAll(w.ctx, []worker.Binding{{Conn: w.guest.ID(), User: "x"}, {Conn: w.bob.ID(), User: "y"}, {Conn: elsewhere, User: "z"}})
		w.good(err)
		w.is(out, worker.Outcome{Done: 2, Stale: []connid.ID{elsewhere}})
		out, err = w.s.UnbindAll(w.ctx, []connid.ID{w.guest.ID(), w.bob.ID()})
		w.good(err)
		w.is([]any{out.Done, w.guest.User(), w.bob.User()}, []any{2, "", ""})
	}, "Sender.BindAll", "Sender.UnbindAll"),
	"batch join, leave": of(func(w *world) {
		out, err := w.s.JoinAll(w.ctx, []connid.ID{w.guest.ID(), w.bob.ID()}, "attic", "hall")
		w.good(err)
		w.is(out.Done, 2)
		did, err := w.s.JoinUsers(w.ctx, []string{"ann", "bob"}, "attic")
		w.good(err)
		w.is(did.Conns, 3)
		did, err = w.s.LeaveUsers(w.ctx, []string{"ann", "bob"}, "attic")
		w.good(err)
		w.good(w.s.ToGroup(w.ctx, "attic", worker.Text("x")))
		w.heard("x", w.guest)
		out, err = w.s.LeaveAll(w.ctx, []connid.ID{w.guest.ID()}, "attic")
		w.good(err)
		w.is([]any{did.Conns, out.Done, len(w.conns(worker.InGroups("attic")))}, []any{3, 1, 0})
	}, "Sender.JoinAll", "Sender.LeaveAll", "Sender.JoinUsers", "Sender.LeaveUsers"),
	"kick a uid": of(func(w *world) {
		did, err := w.s.CloseUser(w.ctx, "ann", fault.CloseKicked, "out")
		w.good(err)
		w.is(did.Conns, 2)
		did, err = w.s.KillUser(w.ctx, "bob")
		w.good(err)
		w.is(did.Conns, 1)
		code, _ := w.ann2.ExpectClosed()
		killed, _ := w.bob.ExpectClosed()
		w.is([]any{code, killed}, []any{fault.CloseKicked, 1006})
	}, "Sender.CloseUser", "Sender.KillUser"),
	"kick a group": of(func(w *world) {
		did, err := w.s.CloseGroup(w.ctx, "kitchen", fault.CloseKicked, "out")
		w.good(err)
		w.is(did.Conns, 2)
		did, err = w.s.KillGroup(w.ctx, "hall")
		w.good(err)
		w.is(did.Conns, 1)
		w.ids(w.conns(), w.guest)
	}, "Sender.CloseGroup", "Sender.KillGroup"),
	"close many": of(func(w *world) {
		out, err := w.s.CloseAll(w.ctx, []connid.ID{w.ann.ID(), w.bob.ID(), elsewhere}, 0, "")
		w.good(err)
		w.is(out, worker.Outcome{Done: 2, Stale: []connid.ID{elsewhere}})
		out, err = w.s.KillAll(w.ctx, []connid.ID{w.guest.ID()})
		w.good(err)
		w.is(out.Done, 1)
	}, "Sender.CloseAll", "Sender.KillAll"),
	"exclude by uid": of(func(w *world) {
		w.good(w.s.ToGroups(w.ctx, []string{"hall", "kitchen"}, worker.Text("x"), worker.ExceptUsers("ann")))
		w.heard("x", w.bob)
	}, "worker.ExceptUsers"),
	"counts of each gateway": of(func(w *world) {
		totals, err := w.s.Totals(w.ctx)
		w.good(err)
		w.is(totals.Gateways, map[string]worker.Counts{"gateway-0": {Conns: 2, Users: 1, Groups: 2}, "gateway-1": {Conns: 2, Users: 2, Groups: 2}})
	}, "Totals.Gateways"),
	"a uid comes or goes": of(func(w *world) {
		w.seen("carl", false)
		w.good(w.s.Bind(w.ctx, w.guest.ID(), "carl"))
		w.seen("carl", true)
		w.gone(w.bob)
		w.seen("bob", false)
	}, "Worker.WatchUsers", "Users.Present"),
	"compare and set": of(func(w *world) {
		v, err := w.s.SetSession(w.ctx, w.ann.ID(), []byte(`{"n":1}`), worker.IfVersion(0))
		w.good(err)
		_, err = w.s.UpdateSession(w.ctx, w.ann.ID(), map[string]int{"n": 9}, worker.IfVersion(0))
		w.code(err, fault.Conflict)
		_, err = w.s.UpdateSession(w.ctx, w.ann.ID(), map[string]int{"n": 2}, worker.IfVersion(v))
		w.good(err)
		w.is(string(w.ann.Session()), `{"n":2}`)
	}, "worker.IfVersion"),
}

func countAll(w *world) {
	totals, err := w.s.Totals(w.ctx)
	w.good(err)
	w.is(totals.Conns, 4)
}

func countGroup(w *world) {
	size, lost, err := w.s.GroupSize(w.ctx, "kitchen")
	w.good(err)
	w.is([]any{size.Conns, lost}, []any{2, nil})
	empty, _, err := w.s.GroupSize(w.ctx, "nowhere")
	w.good(err)
	w.is(empty, worker.GroupSize{})
}

// sessions lists the conns of groups, or all, with their sessions.
func sessions(groups []string) func(*world) {
	return func(w *world) {
		_, err := w.s.SetSession(w.ctx, w.bob.ID(), []byte("bob's"))
		w.good(err)
		opts, want := []worker.ListOption{worker.WithSession(), worker.WithFacts()}, w.all()
		if groups != nil {
			opts, want = append(opts, worker.InGroups(groups...)), want[:2]
		}
		got := w.conns(opts...)
		w.ids(got, want...)
		w.is([]any{string(got[w.bob.ID()].Session), got[w.ann.ID()].Session, got[w.ann.ID()].Facts.Path}, []any{"bob's", nil, "/"})
	}
}

// usersByGroup makes of one list what getAllGroupUidList returns. One who is in no group
// and has no user ends nothing, as he does there.
func usersByGroup(w *world) {
	users := map[string]map[string]bool{}
	for _, c := range w.conns(worker.WithGroups()) {
		for _, g := range c.Groups {
			if users[g] == nil {
				users[g] = map[string]bool{}
			}
			users[g][c.User] = true
		}
	}
	w.is(users, map[string]map[string]bool{"hall": {"ann": true, "bob": true}, "kitchen": {"ann": true}})
}

func allSizes(w *world) {
	sizes, err := w.s.GroupSizes(w.ctx, w.names(w.s.Groups(w.ctx))...)
	w.good(err)
	w.is(slices.Sorted(maps.Keys(sizes.Groups)), []string{"hall", "kitchen"})
	w.is(sizes.Groups["hall"], worker.GroupSize{Conns: 2, Users: 2})
}

func onlineOf(w *world) {
	online, err := w.s.Online(w.ctx, "bob", "carl")
	w.good(err)
	w.is(online, worker.Online{Conns: map[string][]connid.ID{"bob": {w.bob.ID()}}})
}
