package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// desk works on events and writes down what it did.
type desk struct {
	crew  *inbox.Crew
	stats inbox.Stats
	box   *inbox.Box

	mu     sync.Mutex
	log    []string
	during func(ctx context.Context, e inbox.Event) // in the handler
}

func newDesk(t *testing.T, most int) *desk {
	d := &desk{crew: newCrew(t, 10*time.Second, most)}
	d.box = inbox.New(d.crew, &d.stats, d.work)
	return d
}

// newCrew returns a crew that ends with the test.
func newCrew(t testing.TB, timeout time.Duration, most int) *inbox.Crew {
	crew := inbox.NewCrew(timeout, most)
	t.Cleanup(func() {
		crew.Stop(inbox.ErrStopped)
		if err := crew.Wait(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return crew
}

func (d *desk) work(s *inbox.Seat, e *inbox.Event) {
	n, _ := s.State.(int)
	s.State = n + 1
	what := fmt.Sprintf("%d/%d.%d", e.Conn, e.Term, e.Seq)
	if e.Kind == record.KindContext {
		d.write(what + " context")
		return
	}
	var ctx inbox.Ctx
	if !s.Begin(&ctx, e) {
		d.write(what + " void")
		return
	}
	if d.during != nil {
		d.during(&ctx, *e)
	}
	what += fmt.Sprintf(" %q", e.Body)
	if e.Lost {
		what += " lost"
	}
	if !s.End(&ctx, e) {
		what += " moved"
	}
	if e.Kind == record.KindClosed {
		s.Leave()
	}
	d.write(what)
}

func (d *desk) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, line)
}

func (d *desk) put(t *testing.T, conn uint64, term, seq uint32, body string) {
	t.Helper()
	err := d.box.Put(&inbox.Event{Kind: record.KindMessage, Conn: conn, Term: term, Seq: seq, Body: []byte(body)})
	if err != nil {
		t.Fatalf("put %d/%d.%d: %v", conn, term, seq, err)
	}
}

func (d *desk) want(t *testing.T, lines ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.log, lines) {
		t.Errorf("got\n%q, want\n%q", d.log, lines)
	}
	d.log = nil
}

func TestEventsOfAConnComeOneAtATimeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		running := 0
		d.during = func(context.Context, inbox.Event) {
			running++ // the race detector and this see two at once
			if running != 1 {
				t.Error("two handlers of one conn at once")
			}
			time.Sleep(time.Second)
			running--
		}
		body := []byte("a")
		for seq := range uint32(3) {
			body[0] = 'a' + byte(seq)
			d.put(t, 1, 1, seq+1, string(body))
		}
		time.Sleep(time.Minute)
		d.want(t, `1/1.1 "a"`, `1/1.2 "b"`, `1/1.3 "c"`)
		if n := d.crew.Working(); n != 0 {
			t.Errorf("conns with work: %d", n)
		}
	})
}

func TestSlowHandlerHoldsUpItsConnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		release := make(chan struct{})
		d.during = func(_ context.Context, e inbox.Event) {
			if e.Conn == 1 {
				<-release
			}
		}
		d.put(t, 1, 1, 1, "slow")
		d.put(t, 1, 1, 2, "behind it")
		for conn := uint64(2); conn < 5; conn++ {
			d.put(t, conn, 1, 1, "x")
			synctest.Wait()
		}
		d.want(t, `2/1.1 "x"`, `3/1.1 "x"`, `4/1.1 "x"`)
		close(release)
		synctest.Wait()
		d.want(t, `1/1.1 "slow"`, `1/1.2 "behind it"`)
	})
}

func TestHigherTermCancelsTheOldHandlerAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		var cause error
		d.during = func(ctx context.Context, e inbox.Event) {
			if e.Term == 1 {
				<-ctx.Done()
				cause = context.Cause(ctx)
				time.Sleep(time.Second) // it tidies up
				d.write("tidied")
			}
		}
		d.put(t, 1, 1, 1, "a")
		d.put(t, 1, 1, 2, "dropped")
		synctest.Wait()
		if err := d.box.Put(&inbox.Event{Kind: record.KindContext, Conn: 1, Term: 2}); err != nil {
			t.Fatal(err)
		}
		d.put(t, 1, 2, 1, "a again")
		d.put(t, 1, 1, 3, "old")
		d.put(t, 1, 2, 2, "b again")
		time.Sleep(time.Minute)
		d.want(t, "tidied", `1/1.1 "a" moved`, "1/2.0 context", `1/2.1 "a again"`, `1/2.2 "b again"`)
		if !errors.Is(cause, inbox.ErrMoved) {
			t.Errorf("cause: got %v, want ErrMoved", cause)
		}
		if n := d.stats.Old.Load(); n != 1 {
			t.Errorf("old events: got %d, want 1", n)
		}
	})
}

func TestStateDoesNotOutliveItsTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		var seen []int
		d.box = inbox.New(d.crew, &d.stats, func(s *inbox.Seat, e *inbox.Event) {
			n, _ := s.State.(int)
			seen = append(seen, n)
			s.State = n + 1
		})
		d.put(t, 1, 1, 1, "")
		d.put(t, 1, 1, 2, "")
		synctest.Wait()
		d.put(t, 1, 2, 2, "")
		synctest.Wait()
		if !slices.Equal(seen, []int{0, 1, 0}) {
			t.Errorf("got %v", seen)
		}
	})
}

func TestRevokedConnIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		d.during = func(ctx context.Context, e inbox.Event) {
			if e.Term == 1 {
				<-ctx.Done()
			}
		}
		d.put(t, 1, 1, 1, "a")
		d.put(t, 1, 1, 2, "b")
		synctest.Wait()
		d.box.Revoke(1, 1) // of a term that is held: nothing
		d.box.Revoke(2, 9) // unknown
		synctest.Wait()
		d.want(t)
		d.box.Revoke(1, 2)
		synctest.Wait()
		d.want(t, `1/1.1 "a" moved`)
		if n := d.box.Len(); n != 0 {
			t.Errorf("conns: got %d, want 0", n)
		}
		d.put(t, 1, 3, 1, "back")
		synctest.Wait()
		d.want(t, `1/3.1 "back"`)
	})
}

func TestLinkEndVoidsWhatRunsAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		release := make(chan struct{})
		d.during = func(_ context.Context, e inbox.Event) {
			if e.Conn == 1 && e.Term == 1 {
				<-release // it does not heed its context
			}
		}
		d.put(t, 1, 1, 1, "a")
		d.put(t, 1, 1, 2, "b")
		d.put(t, 2, 1, 1, "idle")
		synctest.Wait()
		d.box.Suspend(inbox.ErrMoved)
		d.box.Resume()
		if n := d.box.Len(); n != 1 {
			t.Errorf("conns while one is busy: got %d, want 1", n)
		}
		d.put(t, 1, 2, 1, "a again") // while the old handler runs
		synctest.Wait()
		d.want(t, `2/1.1 "idle"`)
		close(release)
		synctest.Wait()
		d.want(t, `1/1.1 "a" moved`, `1/2.1 "a again"`)
		if n := d.box.Len(); n != 1 {
			t.Errorf("conns: got %d, want the one that came back", n)
		}
	})
}

func TestLostGatewayEndsEveryKnownConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		d.during = func(ctx context.Context, e inbox.Event) {
			if e.Conn == 1 && !e.Lost {
				<-ctx.Done()
			}
		}
		d.put(t, 1, 1, 1, "busy")
		d.put(t, 1, 1, 2, "never")
		synctest.Wait()
		d.box.Suspend(inbox.ErrMoved)
		d.box.Lost()
		synctest.Wait()
		d.want(t, `1/1.1 "busy" moved`, `1/1.0 "" lost moved`)
		if n := d.box.Len(); n != 0 {
			t.Errorf("conns: got %d, want 0", n)
		}
	})
}

func TestMoreThanTheCreditsIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		release := make(chan struct{})
		d.during = func(context.Context, inbox.Event) { <-release }
		defer close(release)
		for seq := range uint32(inbox.MaxEvents) {
			d.put(t, 1, 1, seq+1, "x")
		}
		more := &inbox.Event{Kind: record.KindMessage, Conn: 1, Term: 1, Seq: 33}
		if err := d.box.Put(more); !errors.Is(err, inbox.ErrCredits) {
			t.Errorf("event 33: got %v", err)
		}
		end := &inbox.Event{Kind: record.KindClosed, Conn: 1, Term: 1, Seq: 33}
		if err := d.box.Put(end); err != nil {
			t.Errorf("the end needs no credit: got %v", err)
		}
		d.put(t, 2, 1, 1, string(make([]byte, inbox.MaxBytes)))
		if err := d.box.Put(&inbox.Event{Kind: record.KindMessage, Conn: 2, Term: 1, Seq: 2}); !errors.Is(err, inbox.ErrCredits) {
			t.Errorf("beyond the bytes: got %v", err)
		}
		// A new term is a new count, though the old handler still runs.
		for seq := range uint32(inbox.MaxEvents) {
			d.put(t, 1, 2, seq+1, "x")
		}
	})
}

func TestCreditIsBackBeforeTheAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crew := newCrew(t, time.Second, 0)
		var stats inbox.Stats
		var box *inbox.Box
		put := func(seq uint32) error {
			return box.Put(&inbox.Event{Kind: record.KindMessage, Conn: 1, Term: 1, Seq: seq, Body: make([]byte, 8)})
		}
		begin := make(chan struct{})
		box = inbox.New(crew, &stats, func(s *inbox.Seat, e *inbox.Event) {
			<-begin
			var ctx inbox.Ctx
			if s.Begin(&ctx, e) {
				s.End(&ctx, e)
			}
			// Here the acknowledgement leaves, and the gateway may be fast.
			if e.Seq <= 100 {
				if err := put(e.Seq + inbox.MaxEvents); err != nil {
					t.Errorf("event %d: %v", e.Seq+inbox.MaxEvents, err)
				}
			}
		})
		for seq := range uint32(inbox.MaxEvents) {
			if err := put(seq + 1); err != nil {
				t.Fatal(err)
			}
		}
		close(begin)
		synctest.Wait()
	})
}

func TestBoundedCrewServesAllInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 2)
		var now, most int
		var mu sync.Mutex
		d.during = func(context.Context, inbox.Event) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
		}
		for seq := range uint32(10) {
			d.put(t, 1, 1, seq+1, "greedy")
		}
		for conn := uint64(2); conn < 6; conn++ {
			d.put(t, conn, 1, 1, "modest")
		}
		time.Sleep(4500 * time.Millisecond)
		d.mu.Lock()
		modest := 0
		for _, line := range d.log {
			if line[0] != '1' {
				modest++
			}
		}
		d.mu.Unlock()
		if modest != 4 {
			t.Errorf("conns behind a greedy one that were served within four rounds: got %d, want 4", modest)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if most != 2 {
			t.Errorf("handlers at once: got %d, want 2", most)
		}
		if len(d.log) != 14 {
			t.Errorf("handled: got %d, want 14", len(d.log))
		}
	})
}

func TestLimitsOfACrewChangeWhileItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		var now, late atomic.Int64
		d.during = func(ctx context.Context, _ inbox.Event) {
			defer now.Add(-1)
			now.Add(1)
			time.Sleep(time.Second)
			if ctx.Err() != nil {
				late.Add(1)
			}
		}
		for conn := range uint64(6) {
			for seq := range uint32(20) {
				d.put(t, conn+1, 1, seq+1, "x")
			}
		}
		atOnce := func(want int64) {
			t.Helper()
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			if got := now.Load(); got != want {
				t.Errorf("handlers at once: got %d, want %d", got, want)
			}
			time.Sleep(500 * time.Millisecond)
			synctest.Wait() // the next handlers have begun, under the limits of before
		}
		atOnce(6)
		d.crew.SetLimits(10*time.Second, 2)
		atOnce(2)
		d.crew.SetLimits(10*time.Second, 4)
		atOnce(4)
		if n := late.Load(); n != 0 {
			t.Errorf("%d handlers were late", n)
		}
		d.crew.SetLimits(500*time.Millisecond, 0)
		atOnce(6)
		if n := late.Load(); n < 6 {
			t.Errorf("handlers that were late with half a second: %d", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(d.log) != 120 {
			t.Errorf("handled: got %d, want 120", len(d.log))
		}
	})
}

func TestForgottenConnStaysAsLongAsEventsMayBeOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crew := newCrew(t, time.Second, 0)
		var stats inbox.Stats
		seen := map[uint64][]int{}
		box := inbox.New(crew, &stats, func(s *inbox.Seat, e *inbox.Event) {
			n, _ := s.State.(int)
			seen[e.Conn] = append(seen[e.Conn], n)
			s.State = n + 1
			s.Forget()
		})
		put := func(conn uint64) {
			t.Helper()
			if err := box.Put(&inbox.Event{Kind: record.KindMessage, Conn: conn, Term: 1}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		put(1)
		put(2)
		time.Sleep(3 * time.Second)
		put(1) // it was on its way: the state is still there
		time.Sleep(3 * time.Second)
		put(3) // whoever forgets sweeps: 2 is gone, 1 is not
		if n := box.Len(); n != 2 || stats.Seats.Load() != 2 {
			t.Errorf("conns: got %d, counted %d, want 2", n, stats.Seats.Load())
		}
		time.Sleep(6 * time.Second)
		put(1)
		put(2)
		if got := fmt.Sprint(seen); got != "map[1:[0 1 2] 2:[0 0] 3:[0]]" {
			t.Errorf("states %s", got)
		}
		if n := box.Len(); n != 2 {
			t.Errorf("conns: got %d, want 2", n)
		}
	})
}

func TestWaitReturnsWhenAllHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		d.during = func(ctx context.Context, _ inbox.Event) { <-ctx.Done() }
		d.put(t, 1, 1, 1, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := d.crew.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while one runs: got %v", err)
		}
		d.crew.Stop(inbox.ErrStopped)
		if err := d.crew.Wait(t.Context()); err != nil {
			t.Errorf("after the end: got %v", err)
		}
	})
}

func TestKeptPayloadIsFoundOut(t *testing.T) {
	inbox.Scribble = true
	defer func() { inbox.Scribble = false }()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		var kept []byte
		d.during = func(_ context.Context, e inbox.Event) { kept = e.Body }
		d.put(t, 1, 1, 1, "secret")
		synctest.Wait()
		if string(kept) != "######" {
			t.Errorf("got %q", kept)
		}
	})
}
