package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// sent takes everything from the log and names it.
func sent(l *outlog) (names []string) {
	for b := l.take(); b != nil; b = l.take() {
		r := record.NewReader(b)
		for r.Next() {
			switch r.Kind() {
			case record.KindSend:
				names = append(names, fmt.Sprintf("send %d", r.Send().N))
			case record.KindCommand:
				names = append(names, fmt.Sprintf("command %d", r.Command().N))
			case record.KindBeat:
				names = append(names, fmt.Sprintf("beat %d", r.Beat().Awaiting))
			default:
				names = append(names, r.Kind().String())
			}
		}
		if r.Err() != nil {
			names = append(names, r.Err().Error())
		}
	}
	return names
}

func want(t *testing.T, l *outlog, names ...string) {
	t.Helper()
	if got := sent(l); !slices.Equal(got, names) {
		t.Errorf("sent %q, want %q", got, names)
	}
}

func send(t *testing.T, l *outlog, w *Waiter, m mode) {
	t.Helper()
	s := record.Send{Target: record.ToAll, Class: record.Must, Bodies: []record.Body{{Payload: make([]byte, 100)}}, WantResult: w != nil}
	if err := l.send(t.Context(), &s, w, m); err != nil {
		t.Fatal(err)
	}
}

func TestLogKeepsTheOrderOfAllKinds(t *testing.T) {
	l := newOutlog(nil, DefaultRetain)
	l.attach(0, nil)
	send(t, l, nil, try)
	if err := l.done(record.Done{Conn: 1, Term: 1, Seq: 1}); err != nil {
		t.Fatal(err)
	}
	l.beat(7, 0)
	if err := l.command(t.Context(), []byte("x"), "", nil, ask); err != nil {
		t.Fatal(err)
	}
	if err := l.doneWith(record.DoneWith{Conn: 1, Term: 1, Seq: 2}); err != nil {
		t.Fatal(err)
	}
	l.note(8, record.AppendDraining)
	want(t, l, "send 1", "Done", "beat 2", "command 2", "DoneWith", "Draining")
	want(t, l)
}

func TestReattachResendsExactlyWhatIsNotApplied(t *testing.T) {
	g := &Gateway{}
	l := newOutlog(g, DefaultRetain)
	send(t, l, nil, wait) // 1, before any stream
	l.attach(0, nil)
	awaited := NewWaiter(2)
	send(t, l, awaited, wait) // 2
	send(t, l, nil, wait)     // 3
	send(t, l, nil, fickle)   // 4
	send(t, l, nil, wait)     // 5
	if err := l.command(t.Context(), []byte("x"), "", awaited, ask); err != nil {
		t.Fatal(err)
	} // 6
	_ = l.done(record.Done{Conn: 1, Term: 1, Seq: 1})
	want(t, l, "send 1", "send 2", "send 3", "send 4", "send 5", "command 6", "Done")
	l.apply(1)
	l.detach()
	if err := l.done(record.Done{Conn: 1, Term: 1, Seq: 2}); !errors.Is(err, ErrDetached) {
		t.Errorf("acknowledge without a stream: %v", err)
	}
	send(t, l, nil, wait) // 7
	s := record.Send{Target: record.ToAll, Class: record.Must, Bodies: []record.Body{{}}}
	if err := l.send(t.Context(), &s, nil, fickle); !errors.Is(err, ErrDetached) {
		t.Errorf("what belongs to a stream, without one: %v", err)
	}
	// The gateway has applied up to 3. 2 is asked for again, 4 belonged to the old stream.
	l.attach(3, nil)
	want(t, l, "send 2", "send 5", "command 6", "send 7")
	l.beat(1, 0)
	want(t, l, "beat 2")
	l.result(2, Reply{From: g, Result: &gatewayv1.Result{Hit: 1}})
	l.beat(1, 0)
	want(t, l, "beat 6")
	l.result(6, Reply{From: g, Result: &gatewayv1.Result{Hit: 2}})
	hits := 0
	if _, err := awaited.Wait(t.Context(), func(r Reply) { hits += int(r.Result.GetHit()) }); err != nil || hits != 3 {
		t.Errorf("hits %d, %v", hits, err)
	}
	l.apply(7)
	if n := l.retained(); n > chunkBytes {
		t.Errorf("retained: %d bytes", n)
	}
	l.detach()
	l.attach(7, nil)
	want(t, l)
}

func TestGatewayThatHasForgottenGetsNothingTwice(t *testing.T) {
	g := &Gateway{}
	l := newOutlog(g, DefaultRetain)
	l.attach(0, nil)
	awaited := NewWaiter(1)
	send(t, l, awaited, wait)
	send(t, l, nil, wait)
	sent(l)
	l.apply(2)
	l.detach()
	l.attach(0, nil) // it remembers nothing of this worker any more
	want(t, l)
	var got gatewayv1.Status
	if _, err := awaited.Wait(t.Context(), func(r Reply) { got = r.Result.GetStatus() }); err != nil || got != gatewayv1.Status_STATUS_UNKNOWN {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBoundOfALogChangesForWhoeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := testMesh(2)
		m.SetRetain(100)
		s := record.Send{Target: record.ToAll, Class: record.Must, Bodies: []record.Body{{Payload: make([]byte, 200)}}}
		for _, g := range m.Gateways() {
			if err := errors.Join(g.TrySend(&s, nil), g.Send(expired(t), &s, nil)); !errors.Is(err, ErrFull) {
				t.Fatalf("above the bound: %v", err)
			}
		}
		room := make(chan error)
		waits := s
		go func() { room <- m.Gateway(1).Send(t.Context(), &waits, nil) }()
		synctest.Wait()
		m.SetRetain(1000)
		if err := errors.Join(<-room, m.Gateway(2).TrySend(&s, nil)); err != nil {
			t.Errorf("below the new bound: %v", err)
		}
	})
}

func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestFullLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newOutlog(nil, 300)
		l.attach(0, nil)
		send(t, l, nil, try)
		send(t, l, nil, try)
		s := record.Send{Target: record.ToAll, Class: record.Must, Bodies: []record.Body{{Payload: make([]byte, 100)}}}
		for l.send(t.Context(), &s, nil, try) == nil {
		}
		if err := l.send(t.Context(), &s, nil, try); !errors.Is(err, ErrFull) {
			t.Errorf("try: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.send(ctx, &s, nil, wait); !errors.Is(err, ErrFull) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait: %v", err)
		}
		if err := l.done(record.Done{Conn: 1, Term: 1, Seq: 1}); err != nil {
			t.Errorf("an acknowledgement has room of its own: %v", err)
		}
		room := make(chan error)
		go func() { room <- l.send(t.Context(), &s, nil, wait) }()
		synctest.Wait()
		sent(l)
		l.apply(s.N)
		if err := <-room; err != nil {
			t.Errorf("after room was made: %v", err)
		}
		// An acknowledgement waits as well once its own room is used up …
		for l.retained() < 600 {
			if err := l.done(record.Done{Conn: 1, Term: 1, Seq: 1}); err != nil {
				t.Fatal(err)
			}
		}
		go func() { room <- l.done(record.Done{Conn: 1, Term: 1, Seq: 1}) }()
		synctest.Wait()
		select {
		case err := <-room:
			t.Errorf("it did not wait: %v", err)
		default:
		}
		l.detach() // … until the stream ends, which makes it void.
		if err := <-room; !errors.Is(err, ErrDetached) {
			t.Errorf("after the end of the stream: %v", err)
		}
		l.close(ErrGone)
		if err := l.send(t.Context(), &s, nil, wait); !errors.Is(err, ErrGone) {
			t.Errorf("after the gateway left: %v", err)
		}
	})
}

func TestChunksAreDroppedWhenSentAndApplied(t *testing.T) {
	l := newOutlog(nil, DefaultRetain)
	l.attach(0, nil)
	for range 5000 {
		send(t, l, nil, try)
	}
	held := l.retained()
	l.apply(5000) // before they were sent: nothing is dropped
	if l.retained() != held {
		t.Errorf("what is not sent was dropped: %d of %d", l.retained(), held)
	}
	if n := len(sent(l)); n != 5000 {
		t.Errorf("sent %d", n)
	}
	if n := l.retained(); n > chunkBytes {
		t.Errorf("retained: %d bytes", n)
	}
	for range 5000 {
		send(t, l, nil, try)
		sent(l)
	}
	l.apply(7500)
	if n := l.retained(); n < 2500*100 || n > 2700*160 {
		t.Errorf("retained with 2500 unapplied: %d bytes", n)
	}
	l.apply(1 << 60) // a gateway that counts too far
	if n := l.retained(); n > chunkBytes {
		t.Errorf("retained: %d bytes", n)
	}
	send(t, l, nil, try)
	want(t, l, "send 10001")
}

func TestSettleWaitsForTheLastCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newOutlog(nil, DefaultRetain)
		l.attach(0, nil)
		send(t, l, nil, try)
		ok := false
		settled := make(chan error, 1)
		go func() { settled <- l.settle(t.Context(), func() bool { return ok && l.flushed() }) }()
		for _, step := range []func(){
			func() { sent(l) },
			func() { l.apply(1) },
			func() { l.mu.Lock(); ok = true; l.mu.Unlock() },
		} {
			synctest.Wait()
			select {
			case <-settled:
				t.Fatal("settled too early")
			default:
			}
			step()
		}
		l.poke()
		if err := <-settled; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.settle(ctx, func() bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWaiterThatGivesUpIsForgotten(t *testing.T) {
	g := &Gateway{}
	g.log = newOutlog(g, DefaultRetain)
	w := NewWaiter(3)
	for range 3 {
		send(t, g.log, w, try)
	}
	g.log.result(2, Reply{From: g, Result: &gatewayv1.Result{}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	come := 0
	silent, err := w.Wait(ctx, func(Reply) { come++ })
	if !errors.Is(err, context.Canceled) || come != 1 || len(silent) != 2 {
		t.Errorf("come %d, silent %d, %v", come, len(silent), err)
	}
	w.Close()
	if len(g.log.waiting) != 0 {
		t.Errorf("still awaited: %d", len(g.log.waiting))
	}
	g.log.result(1, Reply{From: g}) // too late: nobody waits, nobody blocks
}

func TestNobodyWaitsForAGatewayThatIsAway(t *testing.T) {
	g := &Gateway{}
	g.log = newOutlog(g, DefaultRetain)
	before, after := NewWaiter(1), NewWaiter(1)
	send(t, g.log, before, try)
	g.log.setAway()
	send(t, g.log, after, try)
	for name, w := range map[string]*Waiter{"asked before": before, "asked after": after} {
		var got error
		if _, err := w.Wait(t.Context(), func(r Reply) { got = r.Err }); err != nil || !errors.Is(got, ErrAway) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	g.log.attach(0, nil)
	want(t, g.log, "send 1", "send 2") // it was queued all the same
	g.log.setAway()                    // the timer was a moment late
	back := NewWaiter(1)
	send(t, g.log, back, try)
	if !g.log.awaits(3) {
		t.Error("an answer is not awaited though there is a stream")
	}
}

// A beat that nobody answers was the last thing to leave: the drain must notice
// that it has.
func TestSettleNoticesThatTheLastRecordHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newOutlog(nil, DefaultRetain)
		l.attach(0, nil)
		l.beat(1, 0)
		settled := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		go func() { settled <- l.settle(ctx, l.flushed) }()
		synctest.Wait()
		want(t, l, "beat 1")
		synctest.Wait()
		select {
		case err := <-settled:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("settle still waits although everything has left")
		}
	})
}

// Under load there is always something more to send: what has been sent is let go of
// all the same.
func TestLogThatIsNeverEmptyLetsGoOfWhatIsSent(t *testing.T) {
	l := newOutlog(nil, DefaultRetain)
	l.attach(0, nil)
	for n := range uint32(10_000) {
		if err := l.doneWith(record.DoneWith{Conn: 1, Term: 1, Seq: n + 1, Body: make([]byte, 1000)}); err != nil {
			t.Fatal(err)
		}
		if l.take() == nil {
			t.Fatal("there was nothing to send")
		}
		if held := l.retained(); held > 3*chunkBytes {
			t.Fatalf("retained after %d acknowledgements: %d bytes", n+1, held)
		}
	}
}
