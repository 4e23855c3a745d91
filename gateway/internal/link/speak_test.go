package link_test

import (
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// next returns the next event of these kinds, any if none is given, and passes
// over others.
func (w *worker) next(kinds ...record.Kind) event {
	w.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-w.events:
			for _, k := range kinds {
				if e.kind == k {
					return e
				}
			}
			if len(kinds) == 0 {
				return e
			}
		case <-late:
			w.t.Fatalf("%s: no event %v came", w.script.node, kinds)
		}
	}
}

// message returns the next message, which must be text.
func (w *worker) message(text string) event {
	w.t.Helper()
	e := w.next(record.KindMessage)
	if e.body != text {
		w.t.Fatalf("%s got %v: want message %q", w.script.node, e, text)
	}
	return e
}

// idle fails if an event comes within d.
func (w *worker) idle(d time.Duration) {
	w.t.Helper()
	select {
	case e := <-w.events:
		w.t.Fatalf("%s got %v: want nothing", w.script.node, e)
	case <-time.After(d):
	}
}

func appendDone(dst []byte, conn uint64, term, seq uint32, replies ...string) []byte {
	var all record.Replies
	for _, r := range replies {
		_ = all.Append(record.Reply{Payload: []byte(r)})
	}
	dst, _ = record.AppendDone(dst, record.Done{Conn: conn, Term: term, Seq: seq, Replies: all})
	return dst
}

// done acknowledges e with replies.
func (w *worker) done(e event, replies ...string) {
	w.give(appendDone(nil, e.conn, e.term, e.seq, replies...))
}

// doneWith acknowledges e with effects.
func (w *worker) doneWith(e event, effects *gatewayv1.Effects) {
	b, _ := record.AppendDoneWith(nil, record.DoneWith{Conn: e.conn, Term: e.term, Seq: e.seq, Body: encode(effects)})
	w.give(b)
}

// forget acknowledges e and says that the worker drops what it knows.
func (w *worker) forget(e event) {
	b, _ := record.AppendDone(nil, record.Done{Conn: e.conn, Term: e.term, Seq: e.seq, Forget: true})
	w.give(b)
}

// accept answers an Open.
func (w *worker) accept(e event, answer *gatewayv1.OpenAnswer) {
	w.doneWith(e, &gatewayv1.Effects{Answer: answer})
}

// command gives a command the next number and returns it.
func (w *worker) command(c *gatewayv1.Command) (n uint64) {
	w.look(func() { w.n++; n = w.n })
	w.resend(n, c)
	return n
}

// resend gives a command a number that may have been used before.
func (w *worker) resend(n uint64, c *gatewayv1.Command) {
	b, err := record.AppendCommand(nil, record.Command{N: n, Body: encode(c)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.give(b)
}

// send gives s the next number.
func (w *worker) send(s record.Send) (n uint64) {
	w.t.Helper()
	w.look(func() { w.n++; n = w.n })
	s.N = n
	if s.Class == 0 {
		s.Class = record.Must
	}
	b, err := record.AppendSend(nil, &s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.give(b)
	return n
}

// result waits for the answer to n.
func (w *worker) result(n uint64) (r *gatewayv1.Result) {
	w.t.Helper()
	w.until("a result", func() bool { r = w.results[n]; return r != nil })
	return r
}

// ask is command and result.
func (w *worker) ask(c *gatewayv1.Command) *gatewayv1.Result {
	w.t.Helper()
	return w.result(w.command(c))
}

func ref(conn uint64, term uint32) *gatewayv1.ConnRef {
	return &gatewayv1.ConnRef{Conn: conn, Term: term}
}

func target(ref *gatewayv1.ConnRef) *gatewayv1.Target {
	return &gatewayv1.Target{Of: &gatewayv1.Target_Conn{Conn: ref}}
}

func bind(c *gatewayv1.ConnRef, user string) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Bind{Bind: &gatewayv1.Bind{Conn: c, User: user}}}
}

func join(t *gatewayv1.Target, groups ...string) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Join{Join: &gatewayv1.Join{Target: t, Groups: groups}}}
}

func session(c *gatewayv1.ConnRef, write *gatewayv1.SessionWrite) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Session{Session: &gatewayv1.SetSession{Conn: c, Write: write}}}
}

func query(q *gatewayv1.Query) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Query{Query: q}}
}
