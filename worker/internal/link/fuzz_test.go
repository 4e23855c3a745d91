package link

import (
	"errors"
	"log/slog"
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// testMesh is a mesh whose gateways nobody runs.
func testMesh(gateways int) *Mesh {
	m := New(Config{
		Alive: func(uint64, bool) {}, Attach: &gatewayv1.Attach{ServesEvents: true},
		Crew: inbox.NewCrew(1, 0), Inbox: &inbox.Stats{},
		Work: func(*Gateway, *inbox.Seat, *inbox.Event) {},
		Log:  slog.New(slog.DiscardHandler),
	})
	var all []*Gateway
	for i := range gateways {
		g := &Gateway{mesh: m, member: register.Member{Boot: uint64(i + 1)}, slot: m.takeSlot()}
		g.log = newOutlog(g, DefaultRetain)
		g.box = inbox.New(m.crew, m.inbox, func(s *inbox.Seat, e *inbox.Event) { m.work(g, s, e) })
		g.info.Store(&gatewayv1.Attached{RouteLeaseMs: 800})
		g.log.attach(0, nil)
		all = append(all, g)
	}
	m.roster.Store(newRoster(all))
	close(m.known)
	return m
}

// FuzzApply gives a link whatever a gateway could send.
func FuzzApply(f *testing.F) {
	add := func(b []byte, err error) {
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	e := record.Event{Conn: 1, Term: 1, Seq: 1, Body: []byte{10, 2, 8, 1}}
	add(record.AppendMessage(nil, record.Message{Conn: 1, Term: 1, Seq: 1, Payload: []byte("x")}))
	add(record.AppendOpen(nil, e))
	add(record.AppendClosed(nil, e))
	add(record.AppendContext(nil, e))
	add(record.AppendDelta(record.AppendSnapshotBegin(nil), 0, true, false, "group"))
	add(record.AppendSnapshotEnd(record.AppendSnapshotBegin(nil), 7), nil)
	add(record.AppendResult(nil, record.Result{N: 1, Body: []byte{8, 1}}))
	add(record.AppendApplied(record.AppendGranted(nil, 1), 1<<40), nil)
	add(record.AppendRevoked(nil, record.Revoked{Conn: 1, Term: 2}), nil)
	add(record.AppendDrained(record.AppendLeaving(nil)), nil)
	f.Fuzz(func(t *testing.T, batch []byte) {
		m := testMesh(1)
		g := m.Gateways()[0]
		w := NewWaiter(1)
		s := record.Send{Target: record.ToAll, Class: record.Must, WantResult: true, Bodies: []record.Body{{}}}
		if err := g.TrySend(&s, w); err != nil {
			t.Fatal(err)
		}
		var progress progress
		err := g.apply(batch, &progress)
		if broken := (*ProtocolError)(nil); err != nil && !errors.As(err, &broken) {
			t.Fatalf("an error of another kind: %v", err)
		}
		// Whatever it was, the log still counts right.
		if err := g.TrySend(&s, nil); err != nil || s.N != 2 {
			t.Fatalf("number %d, %v", s.N, err)
		}
		g.log.attach(0, nil)
		w.Close()
		m.crew.Stop(inbox.ErrStopped)
		if err := m.crew.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
