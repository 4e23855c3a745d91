package link_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// alone says that e runs alone, or with the zero event that one of another gateway does,
// and waits until the gateway has noted it.
func (w *worker) alone(n uint64, e event) {
	w.t.Helper()
	w.give(record.AppendAlone(nil, record.Alone{N: n, Conn: e.conn, Term: e.term, Seq: e.seq}))
	w.until("the gateway to note a run alone", func() bool { return w.noted == n })
}

func (w *worker) aloneOver(n uint64, e event) {
	w.give(record.AppendAlone(nil, record.Alone{N: n, Conn: e.conn, Term: e.term, Seq: e.seq, Over: true}))
}

// after attaches a worker and ends the one before it.
func (r *rig) after(before *worker, s script) *worker {
	r.t.Helper()
	next := r.attach(s)
	before.end()
	return next
}

// suspect brings an event to its last try: three workers are lost with it. It returns the
// worker that has it then.
func (r *rig) suspect(w *worker, kind record.Kind, s script) (*worker, event) {
	r.t.Helper()
	for i := range 3 {
		if e := w.next(kind); e.alone || e.redelivered != (i > 0) {
			r.t.Fatalf("try %d: got %v, alone %v", i+1, e, e.alone)
		}
		s.node = fmt.Sprint("suspect-", i)
		w = r.after(w, s)
	}
	return w, w.next(kind)
}

func TestEventThatKillsItsWorkerEachTimeIsGivenUpAndItsConnClosed(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	guilty, innocent := r.enter(), r.enter()
	guilty.text("poison")
	guilty.text("behind it")
	w, e := r.suspect(w, record.KindMessage, script{})
	if !e.alone || !e.redelivered || e.body != "poison" {
		t.Fatalf("the last try: got %v, alone %v", e, e.alone)
	}
	w.alone(1, e)
	w = r.after(w, script{node: "again"}) // once may be chance
	if e = w.message("poison"); !e.alone {
		t.Fatalf("once more: got %v", e)
	}
	w.idle(50 * time.Millisecond) // what is behind it stays at the gateway
	w.alone(1, e)
	w = r.after(w, script{node: "last"})
	guilty.text("too late")
	if reason := guilty.expectClose(4505); reason == "" {
		t.Error("no reason")
	}
	guilty.nc.Close()
	closed := w.next(record.KindClosed)
	if got := closed.closed(); closed.alone || closed.redelivered || got.GetBy() != gatewayv1.ClosedBy_CLOSED_BY_GATEWAY || got.GetCode() != 4505 {
		t.Errorf("closed: got %v %v", closed, got)
	}
	w.done(closed)
	innocent.text("hello")
	w.done(w.message("hello"), "hello to you")
	innocent.expect("hello to you")
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	s := r.link.Stats()
	if got := s.Poison[link.PoisonMessage].Load(); got != 1 || s.AloneTries.Load() != 2 || s.PoisonDropped.Load() < 1 {
		t.Errorf("poison %d, alone %d, dropped %d", got, s.AloneTries.Load(), s.PoisonDropped.Load())
	}
	lines := r.log.with("poison event")
	if len(lines) != 1 || !contains(lines[0], "WARN") || !contains(lines[0], "lost=[w0 suspect-0 suspect-1]") ||
		!contains(lines[0], "lost_alone=[suspect-2 again]") || !contains(lines[0], "event=Message bytes=6") || contains(lines[0], "poison\"") {
		t.Errorf("logged: %q", lines)
	}
}

// What waited for its turn at a worker has not killed it, however often that happens.
func TestLossBeforeTheLastTryBeganCountsNothing(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("innocent")
	w, e := r.suspect(w, record.KindMessage, script{})
	for i := range 10 {
		if !e.alone {
			t.Fatalf("round %d: %v", i, e)
		}
		w.alone(uint64(i+1), event{}) // something else runs alone there
		w = r.after(w, script{node: fmt.Sprint("w", i+1)})
		e = w.message("innocent")
	}
	w.alone(100, e)
	w.done(e, "done")
	w.aloneOver(100, e)
	c.expect("done")
	c.text("next")
	if e := w.message("next"); e.alone || e.redelivered {
		t.Errorf("the next one: got %v, alone %v", e, e.alone)
	}
	if n := r.link.Stats().AloneTries.Load(); n != 1 {
		t.Errorf("tries alone: got %d, want 1", n)
	}
}

func TestNobodyIsBlamedButTheOneThatRunsAlone(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.EventTries = 2 })
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("innocent")
	for i := range 3 {
		if e := w.message("innocent"); e.alone {
			t.Fatalf("round %d: %v is blamed for what ran alone", i, e)
		}
		w.alone(uint64(i+1), event{})
		w = r.after(w, script{node: fmt.Sprint("w", i+1)})
	}
	w.message("innocent")
	w.alone(9, event{})
	w.aloneOver(8, event{}) // of an older run
	w = r.after(w, script{node: "x"})
	if e := w.message("innocent"); e.alone {
		t.Errorf("the end of another run counted: %v", e)
	}
	w.alone(1, event{})
	w.aloneOver(1, event{})
	w.give(record.AppendBeat(nil, record.Beat{Token: 77}))
	w.until("the end to be read", func() bool { return w.granted == 77 })
	w = r.after(w, script{node: "y"})
	if e := w.message("innocent"); !e.alone {
		t.Errorf("after the other had ended: got %v, want it alone", e)
	}
}

func TestOnlyTheOldestEventIsCounted(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.EventTries = 2 })
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("first")
	c.text("second")
	w.message("first")
	w.message("second")
	w = r.after(w, script{node: "w1"})
	e := w.message("first")
	if !e.alone {
		t.Errorf("first: got %v", e)
	}
	w.alone(1, e)
	w.done(e, "1")
	w.aloneOver(1, e)
	if e = w.message("second"); e.alone || !e.redelivered {
		t.Errorf("second: got %v, alone %v", e, e.alone)
	}
}

func TestDrainAndRedialCountNothing(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.EventTries = 2 })
	a := r.attach(script{node: "a", boot: 7})
	c := r.enter()
	c.text("slow")
	a.message("slow")
	b := r.attach(script{node: "b", boot: 8})
	a.drain()
	a.end() // its drain deadline
	if e := b.message("slow"); e.alone || !e.redelivered {
		t.Errorf("after a drain: got %v, alone %v", e, e.alone)
	}
	again := r.attach(script{node: "b", boot: 8}) // which ends the older stream of that process
	if e := again.message("slow"); e.alone {
		t.Errorf("after a redial: got %v, alone %v", e, e.alone)
	}
	d := r.after(again, script{node: "d"})
	if e := d.message("slow"); !e.alone {
		t.Errorf("after a loss: got %v, alone %v", e, e.alone)
	}
}

func TestWorkerThatIsBackHasNotDied(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("innocent")
	w, e := r.suspect(w, record.KindMessage, script{boot: 0})
	w.alone(1, e)
	w = r.after(w, script{node: "cut off", boot: 42})
	e = w.message("innocent")
	w.alone(1, e)
	w = r.after(w, script{node: "other"})
	r.attach(script{node: "cut off", boot: 42, path: "/elsewhere"}) // as it was, and lives
	if e = w.message("innocent"); !e.alone {
		t.Errorf("got %v, alone %v", e, e.alone)
	}
	w.alone(1, e)
	w.done(e, "done")
	c.expect("done")
}

func TestHandshakeThatKillsItsWorkersIsRefused(t *testing.T) {
	r := newRig(t)
	s := script{node: "w0", asks: true}
	w := r.attach(s)
	answer := make(chan *client, 1)
	go func() {
		c, err := r.tryKnock()
		if err != nil {
			t.Error(err)
		}
		answer <- c
	}()
	w, e := r.suspect(w, record.KindOpen, s)
	w.alone(1, e)
	s.node = "again"
	w = r.after(w, s)
	e = w.next(record.KindOpen)
	if !e.alone {
		t.Errorf("got %v", e)
	}
	w.alone(1, e)
	s.node = "last"
	w = r.after(w, s)
	if c := <-answer; c.resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("got %s", c.resp.Status)
	}
	if got := r.link.Stats().Poison[link.PoisonOpen].Load(); got != 1 {
		t.Errorf("counted: %d", got)
	}
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	w.idle(20 * time.Millisecond)
}

func TestCloseThatKillsItsWorkersIsGivenUp(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.nc.Close()
	w, e := r.suspect(w, record.KindClosed, script{})
	w.alone(1, e)
	w = r.after(w, script{node: "again"})
	e = w.next(record.KindClosed)
	w.alone(1, e)
	w = r.after(w, script{node: "last"})
	r.stat("poison", &r.link.Stats().Poison[link.PoisonClosed], 1)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	w.idle(20 * time.Millisecond)
}

// The client is gone; its last words are poison. Its end is handled all the same.
func TestPoisonAmongLastWordsLeavesTheEnd(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("poison")
	c.text("more")
	w.message("poison")
	c.nc.Close()
	w.next(record.KindClosed)
	w = r.after(w, script{node: "w1"})
	for i := range 2 {
		w.message("poison")
		w = r.after(w, script{node: fmt.Sprint("w", i+2)})
	}
	for i := range 2 {
		e := w.message("poison")
		w.alone(1, e)
		w = r.after(w, script{node: fmt.Sprint("alone", i)})
	}
	if e := w.next(record.KindMessage, record.KindClosed); e.kind != record.KindClosed || e.alone {
		t.Errorf("got %v", e)
	} else {
		w.done(e)
	}
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	if got := r.link.Stats().PoisonDropped.Load(); got != 1 {
		t.Errorf("dropped: %d, want 1", got)
	}
}

// While somebody kills workers anyway, to have been alone on two of them is no proof.
func TestMoreProofIsWantedWhileWorkersAreLostAnyway(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("innocent")
	w, e := r.suspect(w, record.KindMessage, script{})
	for i := range 4 {
		bystander := r.attach(script{node: fmt.Sprint("bystander", i), path: "/elsewhere"})
		lost := len(r.log.with("worker lost"))
		bystander.end()
		eventually(t, "the loss", func() bool { return len(r.log.with("worker lost")) > lost })
	}
	for i := range 5 {
		w.alone(1, e)
		w = r.after(w, script{node: fmt.Sprint("w", i+1)})
		if e = w.message("innocent"); !e.alone {
			t.Fatalf("round %d: %v", i, e)
		}
	}
	w.alone(1, e)
	w = r.after(w, script{node: "last"}) // one for each of them, and two
	c.expectClose(4505)
	w.next(record.KindClosed)
}

// The last try goes to another node than the one that it has cost, and to a worker that
// can run it alone, where there is one.
func TestLastTryPicksItsWorker(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	c.text("suspect")
	w, e := r.suspect(w, record.KindMessage, script{})
	w.alone(1, e)
	for range 6 {
		r.attach(script{node: "suspect-2"}) // restarted, where it died
	}
	for i := range 3 {
		r.attach(script{node: fmt.Sprint("old-", i), old: true})
	}
	other := r.after(w, script{node: "other"})
	e = other.message("suspect")
	if !e.alone {
		t.Errorf("got %v", e)
	}
	other.alone(1, e)
	other.done(e, "fine")
	c.expect("fine")
}

// A worker that cannot run an event alone is given it as any other, and never is proof.
func TestWorkersThatCannotRunAnEventAloneProveNothing(t *testing.T) {
	r := newRig(t, impatient)
	w := r.attach(script{node: "w0", old: true})
	c := r.enter()
	c.text("x")
	for i := range 8 {
		if e := w.message("x"); e.alone {
			t.Fatalf("round %d: an old worker is told to run it alone", i)
		}
		w = r.after(w, script{node: fmt.Sprint("w", i+1), old: true})
	}
	w.done(w.message("x"), "done")
	c.expect("done")
}
