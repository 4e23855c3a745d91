package link

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/register"
)

// young is a view of a register that has just begun.
type young struct {
	members atomic.Pointer[[]register.Member]
	settled atomic.Bool
	changed chan struct{}
}

func (y *young) Members() []register.Member { return *y.members.Load() }
func (y *young) Changed() <-chan struct{}   { return y.changed }
func (y *young) Settled() bool              { return y.settled.Load() }

func (y *young) Ready() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func (y *young) list(boots ...uint64) {
	var all []register.Member
	for _, boot := range boots {
		all = append(all, register.Member{ID: "gateway", Boot: boot})
	}
	y.members.Store(&all)
	y.signal()
}

func (y *young) signal() {
	select {
	case y.changed <- struct{}{}:
	default:
	}
}

// run runs a mesh that follows a young view until do returns, in a bubble.
func (y *young) run(t *testing.T, do func(m *Mesh)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		y.changed = make(chan struct{}, 1)
		m := testMesh(0)
		m.dial, m.known = &early{mesh: m}, make(chan struct{})
		y.list(1)
		ended := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { defer close(ended); _ = m.Run(ctx, y) }()
		do(m)
		cancel()
		<-ended
	})
}

// A register that was started again lists one gateway, and a second later the other, whose
// doors have been open for an hour. A worker that has just begun must not send before: the
// other would be passed over, and only a resync, spread over ten seconds, would tell.
func TestSendsWaitUntilAYoungRegisterListsEverybody(t *testing.T) {
	y := &young{}
	y.run(t, func(m *Mesh) {
		synctest.Wait()
		if isClosed(m.Known()) || m.Gateway(1) == nil {
			t.Errorf("at once: known is %v, the first gateway %v", isClosed(m.Known()), m.Gateway(1))
		}
		time.Sleep(time.Second)
		y.list(1, 2)
		time.Sleep(time.Second)
		if isClosed(m.Known()) {
			t.Error("known before the view was settled")
		}
		y.settled.Store(true)
		y.signal()
		synctest.Wait()
		if !isClosed(m.Known()) || len(m.Gateways()) != 2 {
			t.Errorf("settled: known is %v, %d gateways", isClosed(m.Known()), len(m.Gateways()))
		}
		if m.Gateway(2).missed {
			t.Error("the second gateway is told that it was passed over, and it was not")
		}
		y.settled.Store(false) // all registers are gone
		y.list(1, 2, 3)
		synctest.Wait()
		if !m.Gateway(3).missed {
			t.Error("the third gateway is not told that it was passed over")
		}
	})
}

func TestSendsDoNotWaitForEverForAYoungRegister(t *testing.T) {
	y := &young{}
	y.run(t, func(m *Mesh) {
		time.Sleep(settlePatience - time.Second)
		if isClosed(m.Known()) {
			t.Error("known too early")
		}
		time.Sleep(2 * time.Second)
		if !isClosed(m.Known()) {
			t.Error("sends still wait")
		}
	})
}
