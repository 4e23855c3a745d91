package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
)

// sendAll writes batches until the outbox is closed, ctx ends or the stream
// fails.
func (l *Link) sendAll(ctx context.Context, w *worker, stream grpc.ServerStream) error {
	var batches []linkcodec.Batch
	for {
		batches = w.out.take(ctx, batches)
		if batches == nil {
			return context.Cause(ctx)
		}
		var err error
		for i := range batches {
			size := len(batches[i].Records)
			if err == nil {
				err = stream.SendMsg(&batches[i])
			}
			batches[i].Release()
			w.out.sent(size)
		}
		if err != nil {
			return err
		}
	}
}

// receiveAll applies what the worker says, batch by batch, until the stream ends
// or a record is wrong.
func (l *Link) receiveAll(w *worker, stream grpc.ServerStream) error {
	var b linkcodec.Batch
	for {
		if err := stream.RecvMsg(&b); err != nil {
			return err
		}
		w.heard.Store(int64(time.Since(l.clock)))
		w.busy.Store(true)
		err := l.apply(w, b.Records)
		w.busy.Store(false)
		b.Release()
		if err != nil {
			return err
		}
	}
}

// apply carries out the records of one batch in order.
func (l *Link) apply(w *worker, batch []byte) error {
	before := w.session.lastApplied()
	r := record.NewReader(batch)
	for r.Next() {
		if w.gone.Load() {
			return errors.New("given up")
		}
		if err := l.applyOne(w, &r); err != nil {
			return fmt.Errorf("%v record: %w", r.Kind(), err)
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if n := w.session.lastApplied(); n > before {
		w.out.add(func(dst []byte) []byte { return record.AppendApplied(dst, n) })
	}
	return nil
}

func (l *Link) applyOne(w *worker, r *record.Reader) error {
	switch r.Kind() {
	case record.KindDone:
		l.done(w, r.Done())
	case record.KindDoneWith:
		return l.doneWith(w, r.DoneWith())
	case record.KindSend:
		l.send(w, r.Send())
	case record.KindCommand:
		return l.command(w, r.Command())
	case record.KindDeltaAck:
		l.interest.acked(w, r.DeltaAck())
	case record.KindBeat:
		beat := r.Beat()
		w.session.awaiting(beat.Awaiting)
		w.load.Store(int64(beat.Load))
		w.out.add(func(dst []byte) []byte { return record.AppendGranted(dst, beat.Token) })
	case record.KindAlone:
		l.seclude(w, r.Alone())
	case record.KindDraining:
		l.drain(w)
	default:
		l.stats.UnknownRecords.Add(1)
	}
	return nil
}
