package link_test

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
)

// receive does what the script says with all that comes, until the stream ends.
func (w *worker) receive(b *linkcodec.Batch) {
	defer close(w.over)
	for {
		if w.script.raw != nil {
			w.answerRaw(b.Records)
		} else if out := w.take(b.Records); len(out) > 0 {
			time.Sleep(w.script.work)
			w.give(out)
		}
		b.Release()
		if err := w.stream.RecvMsg(b); err != nil {
			w.mu.Lock()
			w.err = err
			w.mu.Unlock()
			return
		}
	}
}

// answerRaw lets a benchmark speak without the notes that a test takes.
func (w *worker) answerRaw(batch []byte) {
	var b linkcodec.Batch
	b.Reserve()
	b.Records = w.script.raw(b.Records, batch)
	if len(b.Records) > 0 {
		w.put(&b)
	}
	b.Release()
}

// take notes the records of a batch and returns what the script says to them.
func (w *worker) take(batch []byte) (out []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.seq
	r := record.NewReader(batch)
	for r.Next() {
		if k := r.Kind(); k != record.KindGranted {
			w.kinds = append(w.kinds, k)
		}
		switch r.Kind() {
		case record.KindMessage:
			m := r.Message()
			w.events <- event{record.KindMessage, m.Conn, m.Term, m.Seq, m.Binary, m.Redelivered, string(m.Payload), m.Alone}
			if w.script.echo {
				out = appendDone(out, m.Conn, m.Term, m.Seq, string(m.Payload))
			}
		case record.KindOpen:
			out = w.opened(out, r.Event())
		case record.KindClosed:
			e := r.Event()
			w.events <- event{r.Kind(), e.Conn, e.Term, e.Seq, false, e.Redelivered, string(e.Body), e.Alone}
			if w.script.echo {
				out = appendDone(out, e.Conn, e.Term, e.Seq)
			}
		case record.KindContext:
			e := r.Event()
			w.events <- event{r.Kind(), e.Conn, e.Term, e.Seq, false, e.Redelivered, string(e.Body), e.Alone}
		case record.KindRevoked:
			w.events <- event{kind: r.Kind(), conn: r.Revoked().Conn, term: r.Revoked().Term}
		default:
			w.note(&r)
		}
	}
	if r.Err() != nil {
		panic(r.Err())
	}
	if w.seq > before && !w.script.noAcks {
		out = record.AppendDeltaAck(out, w.seq)
	}
	return out
}

// opened accepts by itself unless the test answers. mu is held.
func (w *worker) opened(out []byte, e record.Event) []byte {
	if w.script.asks {
		w.events <- event{record.KindOpen, e.Conn, e.Term, e.Seq, false, e.Redelivered, string(e.Body), e.Alone}
		return out
	}
	answer := w.script.answer
	if answer == nil {
		answer = &gatewayv1.OpenAnswer{}
	}
	out, _ = record.AppendDoneWith(out, record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Body: encode(&gatewayv1.Effects{Answer: answer})})
	return out
}

// note keeps what is no event. mu is held.
func (w *worker) note(r *record.Reader) {
	switch r.Kind() {
	case record.KindSnapshotBegin:
		clear(w.routes)
	case record.KindDelta:
		d := r.Delta()
		kind := "user "
		if d.Group {
			kind = "group "
		}
		if w.seq = max(w.seq, d.Seq); d.Removed {
			delete(w.routes, kind+string(d.Name))
		} else {
			w.routes[kind+string(d.Name)] = true
		}
	case record.KindSnapshotEnd:
		w.seq = max(w.seq, r.SnapshotEnd())
		w.whole++
	case record.KindApplied:
		w.applied = r.Applied()
	case record.KindGranted:
		w.granted = r.Granted()
	case record.KindResult:
		v := r.Result()
		result := &gatewayv1.Result{}
		if err := proto.Unmarshal(v.Body, result); err != nil {
			panic(err)
		}
		w.results[v.N] = result
		w.answers[v.N]++
	case record.KindAloneNoted:
		w.noted = r.AloneNoted()
	case record.KindDrained:
		w.drained++
	case record.KindLeaving:
		w.leaving++
	}
}

// beats says that the worker lives, until ctx ends.
func (w *worker) beats(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		w.give(record.AppendBeat(nil, record.Beat{Token: uint64(time.Now().UnixNano())}))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-w.over:
			return
		}
	}
}

// give sends records; when the stream has ended it does nothing.
func (w *worker) give(records []byte) { w.put(&linkcodec.Batch{Records: records}) }

// put does nothing once leave has closed this side: gRPC would cancel the whole
// stream, and the gateway would see a loss where there was a goodbye.
func (w *worker) put(b *linkcodec.Batch) {
	w.sending.Lock()
	defer w.sending.Unlock()
	if !w.left {
		_ = w.stream.SendMsg(b)
	}
}

// look runs f with what came until now.
func (w *worker) look(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// until waits until ok holds of what came.
func (w *worker) until(what string, ok func() bool) {
	w.t.Helper()
	eventually(w.t, what, func() (yes bool) { w.look(func() { yes = ok() }); return yes })
}
