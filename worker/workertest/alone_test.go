package workertest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// crowd counts who is in it.
type crowd struct {
	worker.Base
	now, most atomic.Int32
}

func (h *crowd) OnMessage(_ context.Context, c *worker.Conn, m worker.Message) error {
	n := h.now.Add(1)
	for most := h.most.Load(); n > most && !h.most.CompareAndSwap(most, n); most = h.most.Load() {
	}
	time.Sleep(time.Millisecond) // for the others to come in, if they may
	h.now.Add(-1)
	return c.Reply(worker.Text(m.Text()))
}

func TestLastTriesRunOneAtATime(t *testing.T) {
	for _, last := range []bool{false, true} {
		h := &crowd{}
		harness := workertest.New(t, h, workertest.WithGateways(2))
		var conns []*workertest.Conn
		for range 16 {
			conns = append(conns, harness.Dial("/"))
		}
		harness.LastTries(last)
		for i := range 20 {
			for _, c := range conns {
				c.SendText(fmt.Sprint(i))
			}
		}
		for i := range 20 {
			for _, c := range conns {
				c.Expect(fmt.Sprint(i))
			}
		}
		if most := h.most.Load(); (most == 1) != last {
			t.Errorf("last tries %v: %d handlers at once", last, most)
		}
	}
}
