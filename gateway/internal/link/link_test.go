package link

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/register/handshake"
)

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	_, err := New(Config{
		Identity:       handshake.Identity{Role: "gateway"},
		WorkerPatience: time.Millisecond, MaxFrameBytes: 2 << 20, MaxSessionBytes: 1 << 20, MaxUnackedBytes: -1,
	})
	for _, want := range []string{"node", "worker-patience", "max-frame-bytes", "max-session-bytes", "unacked-sum", "no hub"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestSilentWorkerIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		w, ctx := attachTo(l, 9)
		l.workers[w] = struct{}{}
		run, stop := context.WithCancel(t.Context())
		go func() { _ = l.Run(run) }()
		w.heard.Store(int64(time.Since(l.clock)))
		time.Sleep(l.cfg.WorkerPatience - time.Millisecond)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("ended before its patience was over")
		}
		time.Sleep(l.cfg.WorkerPatience / 8)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("not ended after its patience")
		}
		stop()
	})
}

// A gateway that was stopped itself has everybody's beats unread in its sockets:
// it gives nobody up for its own silence.
func TestStandstillOfTheGatewayGivesNobodyUp(t *testing.T) {
	l := newLink(t)
	w, ctx := attachTo(l, 9)
	l.workers[w] = struct{}{}
	now := time.Hour
	w.heard.Store(int64(now - 10*time.Second))
	l.expire(now, true)
	if ctx.Err() != nil {
		t.Error("given up for the gateway's own standstill")
	}
	l.expire(now+l.cfg.WorkerPatience-1, false)
	if ctx.Err() != nil {
		t.Error("not given its whole patience again")
	}
	l.expire(now+l.cfg.WorkerPatience+1, false)
	if ctx.Err() == nil {
		t.Error("not given up although the gateway goes on")
	}
}

// What a worker says is not read while its last batch is applied, which may take
// long on a machine with too much to do.
func TestWorkerThatIsBeingServedIsNotSilent(t *testing.T) {
	l := newLink(t)
	w, ctx := attachTo(l, 9)
	l.workers[w] = struct{}{}
	w.busy.Store(true)
	l.expire(time.Hour, false)
	w.busy.Store(false)
	l.expire(time.Hour+l.cfg.WorkerPatience, false)
	if ctx.Err() != nil {
		t.Error("given up while its batch was applied")
	}
}

// A worker whose outbox is full, or closed, is found out by the first event for
// it: it is not picked again and again.
func TestWorkerThatTakesNothingIsRetired(t *testing.T) {
	l := newLink(t)
	deaf, ctx := attachTo(l, 1)
	deaf.out = newOutbox(0, func() { deaf.end(errFull) })
	deaf.out.add(note("full now"))
	l.enlist(deaf)
	l.employ(deaf)
	c := &conn{link: l, context: 1}
	c.Init(7, c)
	l.limbo.add(c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.mu.Lock()
		defer c.mu.Unlock()
		l.push(c, event{kind: 2, body: []byte("open")})
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the event is handed to the same worker again and again")
	}
	if ctx.Err() == nil || l.Serving() != 0 || c.owner != nil {
		t.Errorf("stream ended %v, serving %d, owner %v", ctx.Err(), l.Serving(), c.owner)
	}
	if _, held := l.parked[c]; !held {
		t.Error("the event is not held for another worker")
	}
	good, _ := attachTo(l, 2)
	l.enlist(good)
	l.employ(good)
	if c.owner != good || c.term != 2 || c.events.sent != 1 {
		t.Errorf("owner %v term %d sent %d", c.owner == good, c.term, c.events.sent)
	}
}

// A worker is waited for before it can trust its table: a lease may be granted
// right behind the end of the snapshot, and before the next delta.
func TestEndOfSnapshotIsWrittenWhenItIsWaitedFor(t *testing.T) {
	l := newLink(t)
	w, _ := attachTo(l, 1)
	asked := false
	w.out = newOutbox(7, func() { // full after SnapshotBegin: called in the moment that SnapshotEnd is written
		asked = true
		l.interest.mu.Lock()
		defer l.interest.mu.Unlock()
		if k := l.interest.workers[w]; k == nil || !k.inStep {
			t.Error("the end of the snapshot is written, and binds do not wait for this worker")
		}
	})
	w.snapshot()
	if !asked {
		t.Error("the test does not test what it says")
	}
}
