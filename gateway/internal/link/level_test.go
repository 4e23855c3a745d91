package link_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
)

// levelling lets conns move as fast as a test wants to see it.
func levelling(c *link.Config, _ *ws.Config, _ *hub.Config) {
	c.SlowStart, c.Rebalance, c.LevelEvery = -1, 100, 2*time.Millisecond
}

func within(r *rig) bool {
	least, most := r.link.Spread()
	return least >= 0.8 && most <= 1.2
}

func TestAddedWorkerTakesItsShareOfIdleConns(t *testing.T) {
	r := newRig(t, levelling)
	a := r.attach(script{node: "a"})
	busy := map[uint64]bool{}
	var conns []*client
	for i := range 40 {
		c := r.enter()
		conns = append(conns, c)
		if i < 10 {
			c.text(fmt.Sprint("before ", i))
			busy[a.message(fmt.Sprint("before ", i)).conn] = true
		}
	}
	b := r.attach(script{node: "b"})
	r.serving(2) // before that the share of one worker is all there is
	eventually(t, "shares within bounds", func() bool { return within(r) })
	moved := int(r.link.Stats().Moves[link.Levelled].Load())
	if moved < 16 || moved > 20 {
		t.Errorf("moved %d of 40 conns", moved)
	}
	for range moved {
		if e := a.next(record.KindRevoked); busy[e.conn] || e.term != 2 {
			t.Errorf("revoked: %v of a conn that is busy: %v", e, busy[e.conn])
		}
	}
	// Each goes on where it is now, and what was under way stays where it was.
	for i, c := range conns {
		c.text(fmt.Sprint("after ", i))
	}
	for range moved {
		if e := b.next(record.KindMessage); e.term != 2 || e.redelivered {
			t.Errorf("at the new one: %v", e)
		}
	}
	if s := r.link.Stats(); s.Redelivered.Load() != 0 || s.Moves[link.Lost].Load() != 0 {
		t.Errorf("redelivered %d, lost %d", s.Redelivered.Load(), s.Moves[link.Lost].Load())
	}
}

// Conns that talk all the time move between their frames; those frames come once, in
// order, and their replies too.
func TestOrderHoldsWhileConnsLevelOut(t *testing.T) {
	r := newRig(t, levelling)
	old := r.attach(script{node: "w0", echo: true})
	var talk sync.WaitGroup
	stop := make(chan struct{})
	errs := make(chan error, 12)
	for range cap(errs) {
		c := r.enter()
		talk.Go(func() { errs <- c.chatter(stop) })
	}
	for n := range 3 {
		fresh := r.attach(script{node: fmt.Sprint("w", n+1), echo: true})
		least := int64(3 * (n + 1))
		r.stat("conns that levelled out", &r.link.Stats().Moves[link.Levelled], least)
		old.drain()
		old.until("drained", func() bool { return old.drained == 1 })
		old.leave()
		old = fresh
	}
	close(stop)
	talk.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	eventually(t, "all acknowledged", func() bool { return r.link.Unacked() == 0 })
	if n := r.link.Stats().Redelivered.Load(); n != 0 {
		t.Errorf("redelivered %d", n)
	}
	r.counted()
}

// counted fails the test unless the workers' counts are those of the conns, when there
// are none any more.
func (r *rig) counted() {
	r.t.Helper()
	eventually(r.t, "no conn left", func() bool { return r.hub.Len() == 0 && r.link.Unacked() == 0 })
	eventually(r.t, "counts that have not drifted", func() bool {
		owned, busy := r.link.Counted()
		return owned == 0 && busy == 0
	})
}

// chatter sends numbers until it is to stop, each when the one before was answered, and then
// closes.
func (c *client) chatter(stop <-chan struct{}) error {
	_ = c.nc.SetDeadline(time.Now().Add(6 * patience))
	defer c.nc.Close()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := c.write(opText, fmt.Append(nil, i)); err != nil {
			return err
		}
		if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i) {
			return fmt.Errorf("reply %d: got %q, %w", i, body, err)
		}
	}
}

func TestLevellingCanBeOff(t *testing.T) {
	r := newRig(t, levelling, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.Rebalance = -1 })
	r.attach(script{node: "a"})
	for range 10 {
		r.enter()
	}
	r.attach(script{node: "b"})
	r.serving(2)
	time.Sleep(50 * time.Millisecond) // nothing is waited for: 25 rounds, if there were any
	if n := r.link.Stats().Moves.Load(); n != 0 {
		t.Errorf("%d conns moved", n)
	}
}
