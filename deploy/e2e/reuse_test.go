package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// TestReusedAddressGetsNothingMeantForTheDead kills a gateway and at once starts
// another one, with another name, where clients and workers reached it. Only real
// processes die without a word.
func TestReusedAddressGetsNothingMeantForTheDead(t *testing.T) {
	c := cast{gateways: 2, workers: 2}
	c.withDefaults()
	s := processes(t, c, nil)
	begin(t, s)
	w := s.Sender()
	send := w.Sender()
	eventually(t, func() bool { return w.Stats().InStep == 2 }, func() string { return "the sender is not in step" })
	enter(t, s.URL(0), "ann")
	ben := enter(t, s.URL(1), "ben")
	dead := connOf(t, send, "ann")
	must(t, send.Join(within(t, everything), dead, "both"))
	must(t, send.Join(within(t, everything), connOf(t, send, "ben"), "both"))

	// While the registers stand still nobody is told, and all go on dialling the
	// dead one where the other one listens.
	for _, r := range s.Registers() {
		r.Freeze(t)
	}
	s.Gateways()[0].Kill(t)
	s.Cluster.Gateways[0].Change(func(spec *proc.Spec) {
		spec.Args = slices.Clone(spec.Args)
		spec.Args[slices.Index(spec.Args, "gateway-1")] = "gateway-1-reborn"
	})
	s.Gateways()[0].Start(t)
	const dialling = 3 // both workers and the sender
	eventually(t, func() bool {
		m, err := s.Gateways()[0].Metrics()
		return err == nil && m.Sum("parley_gateway_refused_attaches_total") >= 2*dialling
	}, func() string { return "nobody was refused by the new gateway for meaning the old one" })
	for i := range 10 {
		forDead := worker.Text(fmt.Sprint("for the dead ", i))
		must(t, send.ToConn(within(t, everything), dead, forDead))
		must(t, send.ToUser(within(t, everything), answer.User("ann", 0), forDead))
		must(t, send.ToGroup(within(t, everything), "both", worker.Text(fmt.Sprint("both ", i))))
	}
	for i := range 10 { // half of the group lives
		hearsText(t, ben, fmt.Sprint("both ", i))
	}
	for _, r := range s.Registers() {
		r.Thaw(t)
	}

	whole(t, s)
	for _, p := range s.Workers() {
		await(t, p, "parley_worker_gateways", 2) // the old one is not among them any more
	}
	eventually(t, func() bool { st := w.Stats(); return st.Gateways == 2 && st.InStep == 2 },
		func() string { return fmt.Sprintf("the sender sees %+v", w.Stats()) })
	isStale(t, send, dead)

	// The same user comes back to the same address.
	ann := enter(t, s.URL(0), "ann")
	if now := connOf(t, send, "ann"); now.Gateway == dead.Gateway || now.Conn == dead.Conn {
		t.Errorf("the conn is %v, that on the dead gateway was %v", now, dead)
	}
	must(t, send.ToConn(within(t, everything), dead, worker.Text("for the dead")))
	must(t, send.ToUser(within(t, everything), answer.User("ann", 0), worker.Text("for the living")))
	hearsText(t, ann, "for the living")
	if sends := sum(t, s.Gateways()[:1], "parley_gateway_sends_total"); sends != 1 {
		t.Errorf("the new gateway got %g sends, want the one that was meant for it", sends)
	}
	isStale(t, send, dead)
	ann.asks(answer.Reply, "")
	ben.asks(answer.Reply, "")
}

// connOf returns the only conn of the user TAG.0.
func connOf(t *testing.T, send *worker.Sender, tag string) connid.ID {
	t.Helper()
	ids, lost, err := send.ConnsOf(within(t, everything), answer.User(tag, 0))
	if err != nil || len(ids) != 1 || len(lost) > 0 {
		t.Fatalf("conns of %s: %v, lost %v, %v; want one", tag, ids, lost, err)
	}
	return ids[0]
}

// isStale checks that everything that is asked of the conn is answered so.
func isStale(t *testing.T, send *worker.Sender, id connid.ID) {
	t.Helper()
	ctx := within(t, everything)
	for what, do := range map[string]func(context.Context) error{
		"bind":    func(ctx context.Context) error { return send.Bind(ctx, id, "eve") },
		"join":    func(ctx context.Context) error { return send.Join(ctx, id, "eves") },
		"session": func(ctx context.Context) error { _, err := send.SetSession(ctx, id, []byte("x")); return err },
		"context": func(ctx context.Context) error { _, err := send.ConnContext(ctx, id); return err },
		"close":   func(ctx context.Context) error { return send.Close(ctx, id, fault.CloseCode(1000), "") },
	} {
		if err := do(ctx); fault.CodeOf(err) != fault.Stale {
			t.Errorf("%s: %v, want %v", what, err, fault.Stale)
		}
	}
	var result worker.Result
	if err := send.ToConn(ctx, id, worker.Text("for the dead"), worker.Await(&result)); err != nil || result.Missed != 1 || result.Hit != 0 {
		t.Errorf("send: %+v, %v, want one missed", result, err)
	}
}

// hearsText waits for the next frame, whatever it is.
func hearsText(t *testing.T, p *person, want string) {
	t.Helper()
	if m, err := p.ReadWithin(everything); err != nil || string(m.Payload) != want {
		t.Fatalf("%s heard %q, %v, want %q", p.tag, m.Payload, err, want)
	}
}
