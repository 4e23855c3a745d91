package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// Desc describes the service the way protoc-gen-go-grpc does, except that the
// stream is handed over raw: its messages are batches, not protobuf structs.
var Desc = grpc.ServiceDesc{
	ServiceName: gatewayv1.LinkService_ServiceDesc.ServiceName,
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{{
		StreamName:    "Attach",
		ServerStreams: true,
		ClientStreams: true,
		Handler:       func(srv any, s grpc.ServerStream) error { return srv.(*Link).serve(s) },
	}},
}

var (
	errEnding = errors.New("the gateway ends")
	errFull   = fmt.Errorf("it does not read: %d MiB wait for it", maxOutboxBytes>>20)
)

// serve is the life of one stream: handshake, attach, then records both ways
// until either end goes away.
func (l *Link) serve(stream grpc.ServerStream) error {
	if !l.begin() {
		return status.Error(codes.Unavailable, errEnding.Error())
	}
	defer l.goes.Done()
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	defer context.AfterFunc(l.life, func() { cancel(errEnding) })()

	from := strangerOf(ctx)
	peer, attach, err := l.accept(ctx, stream, from)
	if err != nil {
		if l.life.Err() != nil {
			return status.Error(codes.Unavailable, errEnding.Error())
		}
		if cut := from.refused(); cut != nil {
			return refusal(cut)
		}
		l.refused(kindOf(err), err, "peer", peer.Node, "peer_role", peer.Role)
		return refusal(err)
	}
	w := newWorker(l, peer, attach, cancel)
	w.session = l.hold(peer.Boot)
	if err := w.session.enter(ctx, w); err != nil {
		w.session.leave(w)
		l.letGo(w.session)
		return status.Error(codes.Aborted, err.Error())
	}
	clean, err := l.run(ctx, w, stream)
	idle := w.owned.Load() == 0
	l.giveUp(w, clean)
	w.session.tell(l.cfg.OnLink)
	if clean {
		l.log.Info("worker left", "peer", peer.Node)
		return nil
	}
	if l.life.Err() != nil {
		l.log.Info("worker detached, the gateway ends", "peer", peer.Node)
		return status.Error(codes.Unavailable, errEnding.Error())
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if idle && l.expected(w) {
		l.log.Info("worker left without a goodbye", "peer", peer.Node, "err", err)
	} else {
		l.log.Warn("worker lost", "peer", peer.Node, "boot", bootName(peer.Boot), "err", err)
	}
	return status.Errorf(codes.Aborted, "the link is ended: %v", err)
}

// expected reports whether w is about to go, or the gateway is and has told it so.
func (l *Link) expected(w *worker) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leaving || w.drained.Load()
}

// begin counts a stream among what Run waits for.
func (l *Link) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return false
	}
	l.goes.Add(1)
	return true
}

// run attaches w and serves it. clean reports that it said goodbye.
func (l *Link) run(ctx context.Context, w *worker, stream grpc.ServerStream) (clean bool, err error) {
	attached := encode(&gatewayv1.Attached{
		LastCommand:     w.session.lastApplied(),
		RouteLeaseMs:    uint32(routeLease.Milliseconds()),
		MaxFrameBytes:   uint32(l.cfg.MaxFrameBytes),
		MaxSessionBytes: uint32(l.cfg.MaxSessionBytes),
		PublicUrl:       l.cfg.PublicURL,
	})
	w.out.add(func(dst []byte) []byte { dst, _ = record.AppendAttached(dst, attached); return dst })
	w.heard.Store(int64(time.Since(l.clock)))
	w.session.serve(w) // from here on answers that are owed may follow Attached
	if leaving := l.enlist(w); leaving {
		w.tellLeaving()
	}
	l.stats.Attaches.Add(1)
	w.session.tell(l.cfg.OnLink)
	l.log.Info("worker attached", "peer", w.peer.Node, "boot", bootName(w.peer.Boot), "build", w.peer.Build)

	sent, received := make(chan error, 1), make(chan error, 1)
	// SendMsg and RecvMsg may return only after this call of serve has, so both
	// goroutines are waited for by Run and not here.
	l.goes.Go(func() { sent <- l.sendAll(ctx, w, stream) })
	l.goes.Go(func() {
		// The turn is given on by this goroutine: the next stream of the boot
		// begins to apply commands when this one has stopped.
		defer l.letGo(w.session)
		defer w.session.exit()
		received <- l.receiveAll(w, stream)
	})
	w.snapshot()
	l.employ(w)
	l.resyncMissed(w)
	select {
	case err = <-received:
	case err = <-sent:
	case <-ctx.Done():
		err = context.Cause(ctx)
		select {
		case err = <-received: // a goodbye is one, even if the stream is gone by now
		default:
			if l.life.Err() != nil {
				w.lastWords(sent)
			}
		}
	}
	w.end(err)
	return errors.Is(err, io.EOF) && w.saidGoodbye(), err
}

// enlist adds w to the attached, so that it is watched. It reports whether the
// gateway drains.
func (l *Link) enlist(w *worker) (leaving bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers[w] = struct{}{}
	return l.leaving
}

// employ lets w have conns: its snapshot is written, and events stand behind it.
func (l *Link) employ(w *worker) {
	l.mu.Lock()
	w.employed = true
	l.publish()
	l.mu.Unlock()
	l.unpark()
}

func bootName(boot uint64) string { return fmt.Sprintf("%016x", boot) }
