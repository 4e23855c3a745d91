package worker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// TestWhateverBreaksEachFrameIsAnsweredOnceInOrder breaks links, moves conns and loses
// acknowledgements while clients send numbered frames. The count in the session is
// the handler's own evidence: it rises with each reply, or neither does.
func TestWhateverBreaksEachFrameIsAnsweredOnceInOrder(t *testing.T) {
	const clients, frames = 12, 300
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		n := 0
		_, _ = fmt.Sscan(string(c.Session()), &n)
		if rand.IntN(20) == 0 {
			select { // some handlers take their time
			case <-time.After(time.Duration(rand.IntN(3)) * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return errors.Join(c.SetSession(fmt.Append(nil, n+1)), c.Reply(worker.Text(fmt.Sprintf("%s %d", m.Text(), n+1))))
	}}, workertest.WithGateways(3), workertest.WithConfig(func(c *worker.Config) { c.KnownConns = clients / 2 }))
	conns := make([]*workertest.Conn, clients)
	for i := range conns {
		conns[i] = h.Dial("/")
	}
	stop := make(chan struct{})
	var breaking sync.WaitGroup
	breaking.Go(func() {
		rng := rand.New(rand.NewPCG(1, 2))
		for next := int64(0); ; {
			// However slow the machine is, all get on between two breaks.
			s := h.Worker().Stats()
			first := s.Messages - s.Redelivered
			if s.Attached < 3 || first < next {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					continue
				}
			}
			next = first + clients
			switch rng.IntN(6) {
			case 0:
				h.CutLinks()
			case 1, 2:
				h.MoveAll()
			default:
				h.LoseAcks(rng.IntN(3))
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rng.IntN(8)) * time.Millisecond):
			}
		}
	})
	for k := range frames {
		for _, c := range conns {
			c.SendText(fmt.Sprint(k))
		}
		if k%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for i, c := range conns {
		for k := range frames {
			if got, want := string(c.Next().Payload), fmt.Sprintf("%d %d", k, k+1); got != want {
				t.Fatalf("client %d: got %q, want %q", i, got, want)
			}
		}
	}
	close(stop)
	breaking.Wait()
	for _, c := range conns {
		c.ExpectNothing()
	}
	if s := h.Worker().Stats(); s.Redelivered == 0 || s.Refused == 0 || s.Attaches < 6 {
		t.Errorf("nothing was put to the test: %+v", s)
	}
}
