package inbox_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
)

func (d *desk) putAlone(t *testing.T, conn uint64, term, seq uint32, body string) {
	t.Helper()
	err := d.box.Put(&inbox.Event{Kind: record.KindMessage, Conn: conn, Term: term, Seq: seq, Alone: true, Body: []byte(body)})
	if err != nil {
		t.Fatalf("put %d/%d.%d: %v", conn, term, seq, err)
	}
}

// announced makes the desk write down when an event begins to run alone, and when that is over.
func (d *desk) announced() {
	d.crew.Announce(func(b *inbox.Box, e *inbox.Event) (over func()) {
		if b != d.box {
			d.write("of a strange box")
		}
		conn := e.Conn
		d.write(fmt.Sprintf("alone %d", conn))
		return func() { d.write(fmt.Sprintf("over %d", conn)) }
	})
}

func TestEventAtItsLastTryRunsAlone(t *testing.T) {
	for _, most := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, most)
				d.announced()
				d.during = func(_ context.Context, e inbox.Event) {
					d.write(fmt.Sprintf("begins %d.%d", e.Conn, e.Seq))
					time.Sleep(time.Second)
				}
				d.put(t, 1, 1, 1, "runs")
				d.put(t, 1, 1, 2, "behind it")
				synctest.Wait()
				d.putAlone(t, 2, 1, 1, "alone")
				d.put(t, 2, 1, 2, "behind that")
				synctest.Wait()
				d.put(t, 3, 1, 1, "later")
				time.Sleep(time.Minute)
				d.mu.Lock()
				got := d.log
				d.log = nil
				d.mu.Unlock()
				if len(got) != 12 {
					t.Fatalf("got %q", got)
				}
				at := slices.Index(got, "alone 2")
				want := []string{"alone 2", "begins 2.1", `2/1.1 "alone"`, "over 2"}
				if len(got) < at+4 || !slices.Equal(got[at:at+4], want) || at%2 != 0 {
					t.Errorf("got\n%q, want\n%q in one piece, behind whole handlers", got, want)
				}
				if most != 1 && at != 2 { // with one at a time it stands in line like all
					t.Errorf("got\n%q, want it behind what ran", got)
				}
			})
		})
	}
}

func TestThoseInLineComeBetweenTwoThatRunAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		d.announced()
		d.during = func(context.Context, inbox.Event) { time.Sleep(time.Second) }
		for conn := uint64(1); conn <= 3; conn++ {
			d.putAlone(t, conn, 1, 1, "x")
		}
		synctest.Wait()
		d.put(t, 9, 1, 1, "y")
		time.Sleep(time.Minute)
		d.want(t, "alone 1", `1/1.1 "x"`, "over 1", `9/1.1 "y"`, "alone 2", `2/1.1 "x"`, "over 2", "alone 3", `3/1.1 "x"`, "over 3")
	})
}

func TestEventThatMovesBeforeItRanAloneHoldsUpNobody(t *testing.T) {
	for name, move := range map[string]func(*testing.T, *desk){
		"revoked":     func(_ *testing.T, d *desk) { d.box.Revoke(2, 2) },
		"link ended":  func(_ *testing.T, d *desk) { d.box.Suspend(inbox.ErrMoved) },
		"higher term": func(t *testing.T, d *desk) { d.put(t, 2, 2, 1, "not alone") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, 0)
				d.announced()
				release := make(chan struct{})
				d.during = func(_ context.Context, e inbox.Event) {
					if e.Conn == 1 {
						<-release
					}
				}
				d.put(t, 1, 1, 1, "runs")
				synctest.Wait()
				d.putAlone(t, 2, 1, 1, "alone")
				synctest.Wait()
				move(t, d)
				synctest.Wait()
				d.put(t, 3, 1, 1, "later")
				synctest.Wait()
				d.mu.Lock()
				if n := len(d.log); n == 0 || d.log[n-1] != `3/1.1 "later"` {
					t.Errorf("the others stand still: %q", d.log)
				}
				d.mu.Unlock()
				close(release)
			})
		})
	}
}

// A handler that does not heed the end of its context is waited for as long as it may
// run, once, and then no more until it has returned.
func TestHandlerBeyondItsTimeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		release := make(chan struct{})
		began := map[uint64]time.Time{}
		var mu sync.Mutex
		d.during = func(_ context.Context, e inbox.Event) {
			mu.Lock()
			began[e.Conn] = time.Now()
			mu.Unlock()
			switch e.Conn {
			case 1:
				<-release
			case 5:
				time.Sleep(3 * time.Second)
			}
		}
		start := time.Now()
		after := func(conn uint64) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return began[conn].Sub(start)
		}
		d.put(t, 1, 1, 1, "stuck")
		synctest.Wait()
		d.putAlone(t, 2, 1, 1, "waits")
		time.Sleep(30 * time.Second)
		if got := after(2); got != 11*time.Second {
			t.Errorf("alone beside a stuck handler: after %v, want 11s", got)
		}
		d.putAlone(t, 3, 1, 1, "at once")
		synctest.Wait()
		if got := after(3); got != 30*time.Second {
			t.Errorf("the next one: after %v, want 30s", got)
		}
		close(release)
		synctest.Wait()
		d.put(t, 5, 1, 1, "3 s") // who is waited for again
		synctest.Wait()
		d.putAlone(t, 6, 1, 1, "after that")
		time.Sleep(time.Minute)
		if got := after(6); got != 33*time.Second {
			t.Errorf("when the stuck one is back: after %v, want 33s", got)
		}
	})
}

func TestLoneHandlerBeyondItsTimeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		d.announced()
		release := make(chan struct{})
		d.during = func(_ context.Context, e inbox.Event) {
			if e.Conn == 1 {
				<-release
			}
		}
		d.putAlone(t, 1, 1, 1, "stuck")
		synctest.Wait()
		d.put(t, 2, 1, 1, "waits")
		d.putAlone(t, 3, 1, 1, "too")
		time.Sleep(10 * time.Second)
		d.want(t, "alone 1")
		time.Sleep(2 * time.Second)
		d.want(t, "over 1", `2/1.1 "waits"`, "alone 3", `3/1.1 "too"`, "over 3")
		close(release)
		synctest.Wait()
		d.want(t, `1/1.1 "stuck"`)
		d.putAlone(t, 4, 1, 1, "again")
		synctest.Wait()
		d.want(t, "alone 4", `4/1.1 "again"`, "over 4")
	})
}

func TestLoneHandlerThatEndsItsGoroutineHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		d.announced()
		d.during = func(_ context.Context, e inbox.Event) {
			if e.Alone {
				runtime.Goexit()
			}
		}
		d.putAlone(t, 1, 1, 1, "x")
		d.put(t, 1, 1, 2, "y")
		d.put(t, 2, 1, 1, "z")
		d.putAlone(t, 3, 1, 1, "x")
		synctest.Wait()
		d.mu.Lock()
		defer d.mu.Unlock()
		if n := len(d.log); n != 6 || d.crew.Working() != 0 {
			t.Errorf("got %q, %d at work", d.log, d.crew.Working())
		}
	})
}

// Whatever comes in whatever order: while an event runs alone no other does, and all are
// handled.
func TestAloneMeansAlone(t *testing.T) {
	for _, most := range []int{0, 1, 4} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			const conns, events, last = 50, 200, 200 / 16
			var running, alone, done atomic.Int32
			crew := newCrew(t, 10*time.Second, most)
			var stats inbox.Stats
			box := inbox.New(crew, &stats, func(s *inbox.Seat, e *inbox.Event) {
				var ctx inbox.Ctx
				if s.Begin(&ctx, e) {
					n := running.Add(1)
					if e.Alone {
						alone.Add(1)
					}
					if e.Alone && n != 1 || !e.Alone && alone.Load() > 0 {
						t.Errorf("%d handlers, %d of them alone", n, alone.Load())
					}
					for range rand.IntN(20) {
						runtime.Gosched()
					}
					if e.Alone {
						alone.Add(-1)
					}
					running.Add(-1)
					s.End(&ctx, e)
				}
				if e.Term == last {
					done.Add(1)
				}
			})
			for seq := range uint32(events) {
				for conn := range uint64(conns) {
					e := &inbox.Event{Kind: record.KindMessage, Conn: conn, Term: seq / 16, Seq: seq, Alone: rand.IntN(20) == 0, Body: []byte("x")}
					if err := box.Put(e); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := crew.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if crew.Working() != 0 || done.Load() != conns*8 {
				t.Errorf("%d of the last term handled, %d at work", done.Load(), crew.Working())
			}
		})
	}
}
