package link

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/proto/faultpoint"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// worker is one attached stream. It lives from Attach to giveUp; the memory of
// the process behind it is its session.
type worker struct {
	link    *Link
	peer    handshake.Identity
	attach  *gatewayv1.Attach
	out     *outbox
	session *session
	end     context.CancelCauseFunc // ends the stream

	weight   float64      // see WeightLabel
	nodeSum  uint64       // of its node, for home
	secludes bool         // it can run an event alone
	employed bool         // it may have conns; guarded by Link.mu
	owned    atomic.Int64 // conns it acts for
	underWay atomic.Int64 // of those, with events that it has and has not acknowledged
	load     atomic.Int64 // conns of all gateways that are busy with it, as it last said
	heard    atomic.Int64 // when it last said anything, ns of Link.clock
	busy     atomic.Bool  // what it said is being applied
	draining atomic.Bool
	unwanted atomic.Bool   // it lacks a label, so it keeps conns only while nobody else is there
	drained  atomic.Bool   // Drained was sent
	gone     atomic.Bool   // it gets nothing any more, and nothing it says is applied
	secluded atomic.Uint64 // number of the run of one event alone that it is at; 0: others may run
	silent   atomic.Bool   // counted as given up for saying nothing

	// Used by the receiving goroutine only, from one send to the next.
	names            record.Names
	targets, exclude []uint64
}

var _ hub.Subscriber = (*worker)(nil)

func newWorker(l *Link, peer handshake.Identity, attach *gatewayv1.Attach, end context.CancelCauseFunc) *worker {
	w := &worker{link: l, peer: peer, attach: attach, end: end, nodeSum: fnv1a(fnvStart, peer.Node)}
	w.secludes = slices.Contains(peer.Features, record.FeatureAlone)
	var ok bool
	if w.weight, ok = weightOf(attach.GetLabels()); !ok {
		l.log.Warn("a worker's weight is no number from 0.01 to 100 and counts as 1", "peer", peer.Node, "weight", attach.GetLabels()[WeightLabel])
	}
	w.out = newOutbox(maxOutboxBytes, func() { end(errFull) })
	return w
}

// Delta implements hub.Subscriber. It runs under a lock of the hub and only
// takes a note.
func (w *worker) Delta(seq uint64, kind hub.Kind, name string, present bool) {
	if faultpoint.Sabotaged(faultpoint.LateInterest) && seq != 0 {
		time.AfterFunc(100*time.Millisecond, func() { w.delta(seq, kind, name, present) })
		return
	}
	w.delta(seq, kind, name, present)
}

func (w *worker) delta(seq uint64, kind hub.Kind, name string, present bool) {
	w.out.add(func(dst []byte) []byte {
		dst, _ = record.AppendDelta(dst, seq, kind == hub.Group, !present, name) // names were checked when they were bound
		return dst
	})
}

// snapshot tells the worker every route there is and subscribes it to the
// changes. The two may interleave: per name the stream's order is the truth.
func (w *worker) snapshot() {
	w.out.add(record.AppendSnapshotBegin)
	w.link.interest.attach(w)
	w.link.hub.Subscribe(w)
	shards := w.link.hub.SnapshotShards()
	for shard := range shards {
		if w.gone.Load() {
			return
		}
		if shard == shards/2 {
			faultpoint.Hit(faultpoint.GatewaySnapshotHalf)
		}
		w.link.hub.Snapshot(w, shard)
	}
	// Every delta up to seq is in the outbox by now, so the worker applies it
	// before it reads the end of the snapshot and begins to trust its table.
	seq := w.link.hub.Seq()
	w.link.interest.inStep(w, seq)
	w.out.add(func(dst []byte) []byte { return record.AppendSnapshotEnd(dst, seq) })
}

func (w *worker) tellLeaving() { w.out.add(record.AppendLeaving) }

// lastWords lets what the worker was told leave, that the gateway leaves among it. sent
// hears when all has.
func (w *worker) lastWords(sent <-chan error) {
	w.out.finish()
	select {
	case <-sent:
	case <-time.After(w.link.cfg.LastWords): // it does not read
	}
}

// tellDrained answers Draining, once.
func (w *worker) tellDrained() {
	if w.drained.CompareAndSwap(false, true) {
		w.out.add(record.AppendDrained)
	}
}

// saidGoodbye reports whether the end of its side of the stream is one: it has
// no conns any more, or is of a kind that never gets any.
func (w *worker) saidGoodbye() bool { return w.drained.Load() || !w.attach.GetServesEvents() }

// revoke tells the worker that it no longer acts for a conn.
func (w *worker) revoke(id uint64, term uint32) {
	w.out.add(func(dst []byte) []byte { return record.AppendRevoked(dst, record.Revoked{Conn: id, Term: term}) })
}
