package link_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker/internal/certtest"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

func toUser(user string) *record.Send {
	return &record.Send{Target: record.ToUsers, Class: record.Must, Names: []string{user}, Bodies: []record.Body{{Payload: []byte("x")}}}
}

func bind(conn uint64, user string) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Bind{Bind: &gatewayv1.Bind{Conn: &gatewayv1.ConnRef{Conn: conn}, User: user}}}
}

// reached names the gateways that a send to a user goes to.
func reached(w *worker, user string) (boots []uint64) {
	var p link.Plan
	w.mesh.Reach(&p, link.User, []string{user})
	for _, s := range p.Shares {
		boots = append(boots, s.To.Boot())
	}
	slices.Sort(boots)
	return boots
}

func TestReattachResendsInOrderOverTheWire(t *testing.T) {
	var streams atomic.Int32
	seen := make(chan []string, 4)
	s := newServer(t, 1, func(_ uint64, s fakegate.Stream) error {
		n := streams.Add(1)
		if err := greet(s, map[int32]uint64{1: 0, 2: 3}[n]); err != nil {
			return err
		}
		if n == 1 {
			names, _ := read(s, 5)
			seen <- names
			_ = s.Send(record.AppendApplied(nil, 2))
			return errors.New("cut")
		}
		names, _ := read(s, 4)
		seen <- names
		_, err := read(s, 1<<30)
		return err
	})
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	g := w.gateway(1)
	waiter := link.NewWaiter(2)
	defer waiter.Close()
	for i := range 5 {
		var to *link.Waiter
		if i == 1 || i == 4 {
			to = waiter
		}
		if err := g.Command(t.Context(), bind(1, "u"), to); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-seen; fmt.Sprint(got) != "[command 1 command 2 command 3 command 4 command 5]" {
		t.Errorf("first stream: %v", got)
	}
	if err := g.Send(t.Context(), toUser("u"), nil); err != nil {
		t.Fatal(err)
	}
	// 2 is awaited and asked for again, 3 was applied, 4 to 6 were not.
	if got := <-seen; fmt.Sprint(got) != "[command 2 command 4 command 5 send 6]" {
		t.Errorf("second stream: %v", got)
	}
}

func TestResultComesAfterAReattach(t *testing.T) {
	gw, s := gate(t, 1)
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	g := w.gateway(1)
	c := gw.Open(&gatewayv1.ConnFacts{}, time.Minute)
	if _, err := c.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	gw.HoldDeltas(true)
	waiter := link.NewWaiter(1)
	defer waiter.Close()
	if err := g.Command(t.Context(), bind(c.ID(), "ann"), waiter); err != nil {
		t.Fatal(err)
	}
	w.until("bound", func() bool { state, _, _ := c.State(); return state.GetUser() == "ann" })
	gw.Cut() // the answer is owed, the stream is gone
	w.until("attached again", func() bool { return w.mesh.Stats().Attaches.Load() == 2 })
	gw.HoldDeltas(false)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var status gatewayv1.Status
	if _, err := waiter.Wait(ctx, func(r link.Reply) { status = r.Result.GetStatus() }); err != nil || status != gatewayv1.Status_STATUS_OK {
		t.Errorf("got %v, %v", status, err)
	}
	if st := gw.Stats(); st.Commands != 1 {
		t.Errorf("applied %d times", st.Commands)
	}
}

func TestLapsedLeaseSendsEverywhere(t *testing.T) {
	gw1, s1 := gate(t, 1)
	_, s2 := gate(t, 2)
	w := newWorker(t, nil).run()
	w.view.set(s1.member, s2.member)
	w.until("in step", func() bool { return w.mesh.Snapshot().InStep == 2 })
	if got := reached(w, "nobody"); got != nil {
		t.Errorf("in step with both: a send to nobody goes to %v", got)
	}
	gw1.SetDeaf(true)
	w.until("the lease of one has lapsed", func() bool { return fmt.Sprint(reached(w, "nobody")) == "[1]" })
	gw1.SetDeaf(false)
	w.until("in step again", func() bool { return reached(w, "nobody") == nil })
}

func TestUnreachableGatewayGetsEverythingOnceItIsThere(t *testing.T) {
	gw, s := gate(t, 1)
	real := s.member.Addr
	s.member.Addr = "127.0.0.1:1"
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	if got := fmt.Sprint(reachedSoon(w, "ann")); got != "[1]" {
		t.Errorf("a send to a user goes to %s, want the gateway that is not attached", got)
	}
	g := w.gateway(1)
	if err := g.TrySend(toUser("ann"), nil); err != nil {
		t.Fatal(err)
	}
	if err := g.SendNow(t.Context(), toUser("ann")); !errors.Is(err, link.ErrDetached) {
		t.Errorf("what is for this stream only: %v", err)
	}
	if v, ok := w.alive.Load(uint64(1)); ok && v.(bool) {
		t.Error("the directory is told that it is alive")
	}
	// It comes back under another address: the directory lists the same boot.
	s.member.Addr = real
	w.view.set()
	w.until("gone", func() bool { return w.mesh.Gateway(1) == nil })
	w.view.set(s.member)
	w.until("attached", func() bool { return gw.Workers() == 1 })
	if err := w.gateway(1).TrySend(toUser("ann"), nil); err != nil {
		t.Fatal(err)
	}
	w.until("applied", func() bool { return gw.Stats().Sends == 1 })
	w.until("alive", func() bool { v, ok := w.alive.Load(uint64(1)); return ok && v.(bool) })
}

func reachedSoon(w *worker, user string) []uint64 {
	w.t.Helper()
	w.until("known", func() bool { return len(w.mesh.Gateways()) > 0 })
	return reached(w, user)
}

func TestSnapshotAndDeltasInterleave(t *testing.T) {
	streams, acks := make(chan *shared, 1), make(chan []string, 8)
	s := newServer(t, 1, func(_ uint64, s fakegate.Stream) error {
		if err := greet(s, 0); err != nil {
			return err
		}
		mine := &shared{Stream: s}
		streams <- mine
		for { // beats are granted all the time, or the worker would soon trust nothing
			names, err := read(mine, 1)
			if err != nil {
				return err
			}
			acks <- names
		}
	})
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	g := w.gateway(1)
	gateway := <-streams
	say := func(b []byte) {
		t.Helper()
		if err := gateway.Send(b); err != nil {
			t.Fatal(err)
		}
	}
	delta := func(b []byte, seq uint64, removed bool, name string) []byte {
		b, err := record.AppendDelta(b, seq, false, removed, name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}

	say(delta(nil, 1, false, "old"))
	if got := fmt.Sprint(<-acks); got != "[delta 1]" {
		t.Errorf("acknowledged %s", got)
	}
	w.until("in step", g.InStep)
	if got := fmt.Sprint(reached(w, "old"), reached(w, "a")); got != "[1] []" {
		t.Errorf("routes of old and a: %s", got)
	}

	// A second snapshot: old is not in it. a goes while it is under way, b comes.
	b := record.AppendSnapshotBegin(nil)
	b = delta(b, 0, false, "a")
	b = delta(b, 0, false, "c")
	b = delta(b, 2, true, "a")
	b = delta(b, 3, false, "b")
	say(b)
	if got := fmt.Sprint(<-acks); got != "[delta 3]" {
		t.Errorf("acknowledged %s, want the highest of the batch", got)
	}
	if g.InStep() {
		t.Error("in step in the middle of a snapshot")
	}

	say(record.AppendSnapshotEnd(nil, 3))
	<-acks
	w.until("in step", g.InStep)
	if got := fmt.Sprint(reached(w, "old"), reached(w, "a"), reached(w, "b"), reached(w, "c")); got != "[] [] [1] [1]" {
		t.Errorf("routes of old, a, b and c: %s", got)
	}
}

// shared is a stream of a gateway on which more than one may send.
type shared struct {
	fakegate.Stream
	mu sync.Mutex
}

func (s *shared) Send(records []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Stream.Send(records)
}

func TestGatewayThatLeavesAnswersWhoeverWaits(t *testing.T) {
	lost := make(chan uint64, 4)
	gw, s := gate(t, 1)
	other, s2 := gate(t, 2)
	w := newWorker(t, func(g *link.Gateway, seat *inbox.Seat, e *inbox.Event) {
		if e.Lost {
			lost <- e.Conn
			return
		}
		seat.State = true
		ack(g, seat, e)
	}).run()
	w.view.set(s.member, s2.member)
	w.until("both attached", func() bool { return w.mesh.Stats().Attached.Load() == 2 })
	g := w.gateway(1)
	c := gw.Open(&gatewayv1.ConnFacts{}, time.Minute)
	if _, err := c.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	gw.HoldDeltas(true)
	waiter := link.NewWaiter(1)
	defer waiter.Close()
	if err := g.Command(t.Context(), bind(c.ID(), "ann"), waiter); err != nil {
		t.Fatal(err)
	}
	s.grpc.Stop()
	w.until("detached", func() bool { return w.mesh.Stats().Attached.Load() == 1 })
	w.view.set(s2.member)
	var reply link.Reply
	if _, err := waiter.Wait(t.Context(), func(r link.Reply) { reply = r }); err != nil || !errors.Is(reply.Err, link.ErrGone) {
		t.Errorf("got %+v, %v", reply, err)
	}
	if conn := <-lost; conn != c.ID() {
		t.Errorf("lost %d, want %d", conn, c.ID())
	}
	if err := g.TrySend(toUser("u"), nil); !errors.Is(err, link.ErrGone) {
		t.Errorf("a send to it: %v", err)
	}
	if n := w.mesh.Stats().Attaches.Load(); other.Workers() != 1 || n != 2 {
		t.Errorf("the other gateway was disturbed: %d links made", n)
	}
}

// breach attaches a gateway that sends what it may not, beside a good one, and waits
// for the link to be cut and attached again.
func breach(t *testing.T, records []byte) {
	t.Helper()
	var streams atomic.Int32
	bad := newServer(t, 1, func(_ uint64, s fakegate.Stream) error {
		if err := greet(s, 0); err != nil {
			return err
		}
		if streams.Add(1) == 1 {
			if err := s.Send(records); err != nil {
				return err
			}
		}
		_, err := read(s, 1<<30)
		return err
	})
	good, s2 := gate(t, 2)
	release := make(chan struct{})
	w := newWorker(t, func(g *link.Gateway, s *inbox.Seat, e *inbox.Event) {
		if g.Boot() == 1 {
			<-release
		}
		ack(g, s, e)
	}).run()
	defer close(release)
	w.view.set(bad.member, s2.member)
	w.until("attached again", func() bool { return streams.Load() == 2 })
	if n := w.mesh.Stats().Breaches.Load(); n != 1 {
		t.Errorf("breaches: got %d, want 1", n)
	}
	w.until("the other is attached", func() bool { return good.Workers() == 1 })
	c := good.Open(&gatewayv1.ConnFacts{}, time.Minute)
	if _, err := c.Answer(t.Context()); err != nil {
		t.Errorf("the other gateway: %v", err)
	}
}

func message(conn uint64, seq uint32, payload []byte) []byte {
	b, err := record.AppendMessage(nil, record.Message{Conn: conn, Term: 1, Seq: seq, Payload: payload})
	if err != nil {
		panic(err)
	}
	return b
}

func TestGarbageCutsItsLinkOnly(t *testing.T) {
	noise := make([]byte, 200)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	for name, records := range map[string][]byte{
		"noise":            noise,
		"a cut record":     message(1, 1, []byte("x"))[:20],
		"a second welcome": mustAttached(),
		"an unsent beat":   record.AppendGranted(nil, 1<<60),
		"half a snapshot":  record.AppendSnapshotEnd(nil, 1),
	} {
		t.Run(name, func(t *testing.T) { breach(t, records) })
	}
}

func mustAttached() []byte {
	b, err := record.AppendAttached(nil, nil)
	if err != nil {
		panic(err)
	}
	return b
}

func TestMoreThanTheCreditsCutsTheLink(t *testing.T) {
	var many []byte
	for seq := range uint32(inbox.MaxEvents + 1) {
		many = append(many, message(7, seq+1, []byte("x"))...)
	}
	breach(t, many)
}

func TestUnknownRecordsArePassedOver(t *testing.T) {
	gw, s := gate(t, 1)
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	w.until("attached", func() bool { return gw.Workers() == 1 })
	unknown := record.AppendLeaving(nil)
	unknown[4] = 0xfe
	gw.Inject(unknown)
	gw.Leave()
	c := gw.Open(&gatewayv1.ConnFacts{}, time.Minute)
	if _, err := c.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.mesh.Stats().Attaches.Load(); n != 1 {
		t.Errorf("links made: %d", n)
	}
}

func TestConnThatWasLetInIsKnown(t *testing.T) {
	gw, s := gate(t, 1)
	w := newWorker(t, func(g *link.Gateway, _ *inbox.Seat, e *inbox.Event) {
		body, _ := proto.Marshal(&gatewayv1.Effects{Answer: &gatewayv1.OpenAnswer{User: fmt.Sprint(e.Conn)}})
		_ = g.DoneWith(record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Body: body})
	}).run()
	w.view.set(s.member)
	w.until("in step", func() bool { g := w.mesh.Gateway(1); return g != nil && g.InStep() })
	for range 200 {
		c := gw.Open(&gatewayv1.ConnFacts{}, time.Minute)
		if _, err := c.Answer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := reached(w, fmt.Sprint(c.ID())); len(got) != 1 {
			t.Fatalf("a send to it reaches the gateways %v", got)
		}
	}
}

func TestWrongSecretIsTriedInTurnAndNeverServed(t *testing.T) {
	gw, s := gate(t, 1)
	stranger := newWorker(t, nil, secrets("guess")).run()
	stranger.view.set(s.member)
	rotated := newWorker(t, nil, secrets("newer", "secret")).run()
	rotated.view.set(s.member)
	rotated.until("the second secret is taken", func() bool { return gw.Workers() == 1 })
	if n := stranger.mesh.Stats().Attaches.Load(); n != 0 {
		t.Errorf("the stranger was attached %d times", n)
	}
}

// What listens there could pass a proof on to a process of its own role, which would
// take it.
func TestNoProofIsSentToAnotherRole(t *testing.T) {
	var proofs atomic.Int32
	s := newServer(t, 1, func(uint64, fakegate.Stream) error { proofs.Add(1); return nil })
	s.role = "register"
	dial := &link.GRPC{
		Identity: handshake.Identity{Cluster: "test", Role: "worker", Node: "w", Boot: 2},
		Secrets:  func() []string { return []string{"secret"} },
	}
	_, err := dial.Dial(t.Context(), s.member, 0)
	s.grpc.GracefulStop()
	if err == nil || !strings.Contains(err.Error(), "not a gateway") || proofs.Load() != 0 {
		t.Errorf("got %v, and %d proofs were taken", err, proofs.Load())
	}
}

func TestCertificatesOnBothSidesNeedNoSecret(t *testing.T) {
	files := certtest.New(t)
	gw := fakegate.New("gw", 1)
	s := newServer(t, 1, gw.Serve, grpc.Creds(handshake.Credentials(files.Config(t))))
	s.secrets = nil
	plain := newWorker(t, nil, secrets()).run()
	plain.view.set(s.member)
	w := newWorker(t, nil, secrets(), func(c *link.Config) { c.Dial.(*link.GRPC).TLS = files.Config(t) }).run()
	w.view.set(s.member)
	w.until("attached", func() bool { return gw.Workers() == 1 })
	if n := plain.mesh.Stats().Attaches.Load(); n != 0 {
		t.Errorf("without a certificate it was attached %d times", n)
	}
}

func TestUnguardedAddressIsNotDialled(t *testing.T) {
	w := newWorker(t, nil, secrets()).run()
	w.view.set(register.Member{ID: "far", Role: "gateway", Boot: 1, Addr: "192.0.2.1:2900"})
	g := w.gateway(1)
	dial := &link.GRPC{Secrets: func() []string { return nil }}
	if _, err := dial.Dial(t.Context(), register.Member{Addr: "192.0.2.1:2900"}, 0); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
	}
	if g.InStep() {
		t.Error("in step")
	}
}

func TestReusedAddressIsHarmless(t *testing.T) {
	gw, s := gate(t, 1)
	w := newWorker(t, nil).run()
	other := s.member
	other.Boot = 99 // what the directory still lists at this address
	w.view.set(other)
	g := w.gateway(99)
	if err := g.TrySend(toUser("ann"), nil); err != nil {
		t.Fatal(err)
	}
	both := s.member
	w.view.set(other, both)
	w.until("the new process is attached", func() bool { return gw.Workers() == 1 })
	if n := gw.Stats().Sends; n != 0 {
		t.Errorf("it got %d sends that were meant for the old one", n)
	}
}

func TestDrainGivesBackAndSaysGoodbye(t *testing.T) {
	gw, s := gate(t, 1)
	entered, release := make(chan struct{}), make(chan struct{})
	w := newWorker(t, func(g *link.Gateway, seat *inbox.Seat, e *inbox.Event) {
		if e.Kind == record.KindMessage {
			close(entered)
			<-release
		}
		ack(g, seat, e)
	}).run()
	w.view.set(s.member)
	w.until("attached", func() bool { return gw.Workers() == 1 })
	c := gw.Open(&gatewayv1.ConnFacts{}, time.Minute)
	if _, err := c.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Message(false, []byte("x"))
	<-entered
	drained := make(chan error, 1)
	go func() { drained <- w.mesh.Drain(t.Context()) }()
	select {
	case err := <-drained:
		t.Fatalf("drained with a handler under way: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	c.Message(false, []byte("for the next worker"))
	close(release)
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	w.until("the stream has ended", func() bool { return gw.Workers() == 0 })
	if n := gw.Stats().Redelivered; n != 0 {
		t.Errorf("redelivered by a drain: %d", n)
	}
}

func TestDrainEndsAtItsDeadline(t *testing.T) {
	// This gateway never says that it has taken everything back.
	s := newServer(t, 1, func(_ uint64, s fakegate.Stream) error {
		if err := greet(s, 0); err != nil {
			return err
		}
		_, err := read(s, 1<<30)
		return err
	})
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	w.until("in step", func() bool { return w.mesh.Snapshot().InStep == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.mesh.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestFullLogMakesMustWaitAndOthersFail(t *testing.T) {
	_, s := gate(t, 1)
	s.member.Addr = "127.0.0.1:1" // nobody is there
	w := newWorker(t, nil, retain(1000)).run()
	w.view.set(s.member)
	g := w.gateway(1)
	for {
		if err := g.TrySend(toUser("ann"), nil); err != nil {
			if !errors.Is(err, link.ErrFull) {
				t.Fatal(err)
			}
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := g.Send(ctx, toUser("ann"), nil); !errors.Is(err, link.ErrFull) {
		t.Errorf("got %v", err)
	}
	if got := w.mesh.Snapshot().Retained; got < 1000 || got > 1200 {
		t.Errorf("retained: %d bytes", got)
	}
}

func TestManySendersOneOrder(t *testing.T) {
	gw, s := gate(t, 1)
	w := newWorker(t, nil).run()
	w.view.set(s.member)
	w.until("in step", func() bool { return w.mesh.Snapshot().InStep == 1 })
	g := w.gateway(1)
	const senders, each = 4, 2000
	errs := make(chan error, senders)
	for range senders {
		go func() {
			for range each {
				if err := g.Send(t.Context(), toUser("ann"), nil); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range senders {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	w.until("all applied", func() bool { return gw.Stats().Sends == senders*each })
	w.until("nothing retained", func() bool { return w.mesh.Snapshot().Retained < 64<<10 })
	if st := gw.Stats(); st.Repeats != 0 {
		t.Errorf("numbers that came twice: %d", st.Repeats)
	}
}

// Whoever sends while the worker drains is told when it is too late: what was taken
// has been applied.
func TestNoSendVanishesInADrain(t *testing.T) {
	gw, s := gate(t, 1)
	w := newWorker(t, nil, retain(256<<10)).run() // so that what is taken is soon applied
	w.view.set(s.member)
	w.until("attached", func() bool { return gw.Workers() == 1 })
	g := w.gateway(1)
	var taken atomic.Int64
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for {
				if err := g.Send(t.Context(), toUser("ann"), nil); err != nil {
					if !errors.Is(err, link.ErrStopped) {
						t.Errorf("the last send: %v", err)
					}
					return
				}
				taken.Add(1)
			}
		})
	}
	w.until("some are sent", func() bool { return gw.Stats().Sends > 100 })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.mesh.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}
	senders.Wait()
	w.until("all that was taken is applied", func() bool { return int64(gw.Stats().Sends) == taken.Load() })
}
