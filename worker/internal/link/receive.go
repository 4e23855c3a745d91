package link

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/faultpoint"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/route"
)

// receive applies what comes until the stream ends. It waits for nothing else:
// the inbox is bounded by what the gateway may give, and everything that is said
// back goes through the log.
func (g *Gateway) receive(stream Stream, batch []byte) error {
	snapshot := noSnapshot
	for {
		if err := g.apply(batch, &snapshot); err != nil {
			return err
		}
		var err error
		if batch, err = stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return errEnded
			}
			return fmt.Errorf("receive: %w", err)
		}
		g.heard.Store(int64(g.mesh.now()))
	}
}

// progress is how far the snapshot of routes has come on one stream.
type progress uint8

const (
	noSnapshot progress = iota
	inSnapshot
	wholeSnapshot
)

// apply does what the records of a batch say, in order.
func (g *Gateway) apply(batch []byte, snapshot *progress) error {
	var delta uint64 // the highest to be acknowledged
	r := record.NewReader(batch)
	for r.Next() {
		var err error
		switch r.Kind() {
		case record.KindMessage:
			m := r.Message()
			err = g.put(&inbox.Event{
				Kind: record.KindMessage, Conn: m.Conn, Term: m.Term, Seq: m.Seq,
				Binary: m.Binary, Redelivered: m.Redelivered, Alone: m.Alone, Trace: m.Trace, Body: m.Payload,
			})
		case record.KindOpen, record.KindClosed, record.KindContext:
			e := r.Event()
			err = g.put(&inbox.Event{
				Kind: r.Kind(), Conn: e.Conn, Term: e.Term, Seq: e.Seq, Redelivered: e.Redelivered, Body: e.Body,
				Alone: e.Alone && r.Kind() != record.KindContext,
			})
		case record.KindRevoked:
			v := r.Revoked()
			g.box.Revoke(v.Conn, v.Term)
		case record.KindSnapshotBegin:
			*snapshot = inSnapshot
			g.forgetRoutes()
		case record.KindDelta:
			d := r.Delta()
			kind := route.User
			if d.Group {
				kind = route.Group
			}
			g.mesh.table.Set(g.slot, kind, d.Name, !d.Removed)
			faultpoint.Hit(faultpoint.WorkerDeltaApplied)
			delta = max(delta, d.Seq)
		case record.KindSnapshotEnd:
			if *snapshot != inSnapshot {
				return &ProtocolError{errors.New("a snapshot ends that has not begun")}
			}
			*snapshot = wholeSnapshot
			delta = max(delta, r.SnapshotEnd())
		case record.KindGranted:
			err = g.granted(r.Granted(), *snapshot)
		case record.KindApplied:
			g.log.apply(r.Applied())
		case record.KindResult:
			err = g.result(r.Result())
		case record.KindLeaving:
			if !g.leaving.Swap(true) {
				g.mesh.log.Info("gateway is draining", "gateway", g.member.ID)
			}
		case record.KindDrained:
			g.drained.Store(true)
			g.log.poke()
		case record.KindDrain:
			g.mesh.askedToDrain(g)
		case record.KindAloneNoted:
			g.noted.Store(r.AloneNoted())
			g.mesh.lookNoted()
		case record.KindAttached:
			return &ProtocolError{errors.New("attached twice")}
		}
		if err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return &ProtocolError{err}
	}
	if delta > 0 {
		g.log.note(16, func(dst []byte) []byte { return record.AppendDeltaAck(dst, delta) })
	}
	return nil
}

// put gives an event to the inbox.
func (g *Gateway) put(e *inbox.Event) error {
	if !g.mesh.attach.GetServesEvents() {
		return &ProtocolError{fmt.Errorf("%s for a process that handles no events", e.Kind)}
	}
	if err := g.box.Put(e); err != nil {
		return &ProtocolError{err}
	}
	return nil
}

// forgetRoutes makes the table empty for this gateway. Sends that looked the
// table up meanwhile see the mark and look again.
func (g *Gateway) forgetRoutes() {
	g.lease.Store(0)
	g.mesh.cleared.Add(1)
	g.mesh.table.Clear(g.slot)
}

// granted prolongs the lease. Everything the gateway said before it granted
// stands before this in the stream and is in the table by now.
func (g *Gateway) granted(token uint64, snapshot progress) error {
	if token > uint64(g.mesh.now()) {
		return &ProtocolError{errors.New("a beat is granted that was never sent")}
	}
	if snapshot == wholeSnapshot {
		lease := g.info.Load().GetRouteLeaseMs()
		g.lease.Store(int64(token) + int64(lease)*1e6)
	}
	return nil
}

// result hands an answer to whoever awaits it.
func (g *Gateway) result(v record.Result) error {
	if !g.log.awaits(v.N) {
		return nil
	}
	m := &gatewayv1.Result{}
	if err := proto.Unmarshal(v.Body, m); err != nil {
		return &ProtocolError{fmt.Errorf("result: %w", err)}
	}
	g.log.result(v.N, Reply{From: g, Result: m})
	return nil
}
