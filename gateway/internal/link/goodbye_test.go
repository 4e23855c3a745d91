package link_test

import (
	"fmt"
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

func TestDrainDeadlineRedelivers(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	c := r.enter()
	c.text("1")
	a.message("1")
	a.drain()
	c.text("2")
	eventually(t, "both", func() bool { return r.link.Unacked() == 2 })
	b := r.attach(script{node: "b"})
	a.leave() // before it has acknowledged
	if e := b.message("1"); !e.redelivered || e.term != 2 {
		t.Errorf("under way at the deadline: got %v", e)
	}
	if e := b.message("2"); e.redelivered {
		t.Errorf("held: got %v", e)
	}
	eventually(t, "a line about it", func() bool { return len(r.log.with("worker lost")) == 1 })
}

// A goodbye raises no fence: a bind right behind it is answered at once. After a
// loss it waits for the lease that the lost worker may hold.
func TestGoodbyeRaisesNoFence(t *testing.T) {
	r := newRig(t)
	stay := r.attach(script{node: "stay"})
	c := r.enter()
	c.text("1")
	e := stay.message("1")
	bindTakes := func() time.Duration {
		began := time.Now()
		if got := stay.ask(bind(ref(e.conn, e.term), fmt.Sprint(began))); got.GetStatus() != gatewayv1.Status_STATUS_OK {
			t.Fatalf("bind: got %v", got)
		}
		return time.Since(began)
	}
	a := r.attach(script{node: "a"})
	a.drain()
	a.until("drained", func() bool { return a.drained == 1 })
	a.leave()
	api := r.attach(script{node: "api", noEvents: true})
	api.leave()
	if took := bindTakes(); took > 700*time.Millisecond {
		t.Errorf("after a goodbye a bind took %v", took)
	}
	if said := r.log.with("worker left"); len(said) != 2 {
		t.Errorf("want two goodbyes, logged %q", r.log.with("worker"))
	}
	b := r.attach(script{node: "b"})
	b.end()
	eventually(t, "the loss", func() bool { return len(r.log.with("worker lost")) == 1 })
	if took := bindTakes(); took < 500*time.Millisecond {
		t.Errorf("after a loss a bind took %v: the lost worker's lease may not be over", took)
	}
}

// Workers are replaced one by one under load: no redelivery, no change of order.
func TestRollingDrainUnderLoad(t *testing.T) {
	r := newRig(t)
	old := r.attach(script{node: "w0", echo: true})
	c := r.enter()
	const frames = 300
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			_ = c.nc.SetDeadline(time.Now().Add(3 * patience))
			for i := range frames {
				if err := c.write(opText, []byte(fmt.Sprint(i))); err != nil {
					return err
				}
				if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i) {
					return fmt.Errorf("reply %d: got %q, %v", i, body, err)
				}
			}
			return nil
		}()
	}()
	for i := 1; ; i++ {
		young := r.attach(script{node: fmt.Sprint("w", i), echo: true})
		old.drain()
		old.until("drained", func() bool { return old.drained == 1 })
		old.leave()
		old = young
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if s := r.link.Stats(); s.Redelivered.Load() != 0 || s.RefusedTerms.Load() != 0 || s.Moves.Load() == 0 {
				t.Errorf("redelivered %d, refused %d, moves %d", s.Redelivered.Load(), s.RefusedTerms.Load(), s.Moves.Load())
			}
			return
		default:
		}
	}
}
