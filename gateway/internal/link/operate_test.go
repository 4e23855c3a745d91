package link_test

import (
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

func shedBy(share float64, window time.Duration) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Shed{Shed: &gatewayv1.Shed{Share: share, WindowMs: uint32(window.Milliseconds())}}}
}

func drainOf(boot uint64) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_DrainWorker{DrainWorker: &gatewayv1.DrainWorker{Boot: boot}}}
}

var drainIt = &gatewayv1.Command{Do: &gatewayv1.Command_Drain{Drain: &gatewayv1.Drain{}}}

// A command that was resent is answered again and not carried out again.
func TestGatewayIsAskedToDrainAndToShedOnce(t *testing.T) {
	var drains, sheds atomic.Int64
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) {
		c.OnDrain = func() { drains.Add(1) }
		c.OnShed = func(share float64, window time.Duration) (int, error) {
			if share != 0.25 || window != 1500*time.Millisecond {
				t.Errorf("shed %v over %v", share, window)
			}
			if sheds.Add(1) == 2 {
				return 0, errors.New("another one goes on")
			}
			return 7, nil
		}
	})
	a := r.attach(script{})
	shed := shedBy(0.25, 1500*time.Millisecond)
	first := a.command(shed)
	if got := a.result(first); got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetAffected() != 7 {
		t.Errorf("shed: got %v", got)
	}
	a.resend(first, shed)
	a.until("the answer again", func() bool { return a.answers[first] == 2 })
	if sheds.Load() != 1 {
		t.Errorf("carried out %d times", sheds.Load())
	}
	if got := a.ask(shed); got.GetStatus() != gatewayv1.Status_STATUS_CONFLICT || got.GetMessage() != "another one goes on" {
		t.Errorf("a second one: got %v", got)
	}
	n := a.command(drainIt)
	if got := a.result(n); got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Errorf("drain: got %v", got)
	}
	a.resend(n, drainIt)
	a.until("the answer again", func() bool { return a.answers[n] == 2 })
	if drains.Load() != 1 {
		t.Errorf("began to drain %d times", drains.Load())
	}
}

func TestShedOutOfBoundsIsInvalid(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) {
		c.OnShed = func(float64, time.Duration) (int, error) { t.Error("it was carried out"); return 0, nil }
	})
	a := r.attach(script{})
	for _, cmd := range []*gatewayv1.Command{shedBy(0, 0), shedBy(-0.1, 0), shedBy(1.1, 0), shedBy(math.NaN(), 0), shedBy(0.5, time.Hour+time.Millisecond)} {
		if got := a.ask(cmd); got.GetStatus() != gatewayv1.Status_STATUS_INVALID || got.GetMessage() == "" {
			t.Errorf("%v: got %v", cmd, got)
		}
	}
	batch := &gatewayv1.Command{Do: &gatewayv1.Command_Batch{Batch: &gatewayv1.Batch{Commands: []*gatewayv1.Command{shedBy(0.5, 0), drainIt, drainOf(1)}}}}
	for i, one := range a.ask(batch).GetResults() {
		if one.GetStatus() != gatewayv1.Status_STATUS_INVALID {
			t.Errorf("command %d of a batch: %v", i, one)
		}
	}
}

// A part of a gateway that cannot drain or shed says so, like a gateway of an older version.
func TestWhatNobodyCarriesOutIsUnimplemented(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{})
	for _, cmd := range []*gatewayv1.Command{drainIt, shedBy(0.5, 0)} {
		if got := a.ask(cmd); got.GetStatus() != gatewayv1.Status_STATUS_UNIMPLEMENTED {
			t.Errorf("%v: got %v", cmd, got)
		}
	}
}

func TestWorkersAreListedAndOneIsAskedToDrain(t *testing.T) {
	r := newRig(t)
	able := func(id *handshake.Identity) { id.Features = append(id.Features, record.FeatureDrain) }
	a := r.attach(script{node: "a", boot: 11, identity: able})
	r.attach(script{node: "old", boot: 12})
	b := r.attach(script{node: "sender", boot: 13, noEvents: true})
	r.enter()
	list := map[string]*gatewayv1.AttachedWorker{}
	for _, w := range b.ask(query(&gatewayv1.Query{Workers: true})).GetWorkers().GetList() {
		list[w.GetNode()] = w
	}
	if len(list) != 3 || list["a"].GetBoot() != 11 || list["a"].GetConns()+list["old"].GetConns() != 1 || list["a"].GetRole() != "worker" ||
		!list["a"].GetServesEvents() || list["sender"].GetServesEvents() || list["a"].GetDraining() {
		t.Errorf("attached: %v", list)
	}
	if got := b.ask(query(&gatewayv1.Query{})); got.GetWorkers() != nil {
		t.Errorf("nobody asked: %v", got)
	}
	if got := b.ask(drainOf(11)); got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetAffected() != 1 {
		t.Errorf("drain: got %v", got)
	}
	a.until("it is told", func() bool { return a.sawLocked(record.KindDrain) == 1 })
	if got := b.ask(drainOf(12)); got.GetStatus() != gatewayv1.Status_STATUS_UNIMPLEMENTED || !strings.Contains(got.GetMessage(), "old") {
		t.Errorf("one that cannot: got %v", got)
	}
	if got := b.ask(drainOf(99)); got.GetStatus() != gatewayv1.Status_STATUS_STALE {
		t.Errorf("one that is not there: got %v", got)
	}
	a.give(record.AppendDraining(nil))
	eventually(t, "it drains", func() bool {
		for _, w := range b.ask(query(&gatewayv1.Query{Workers: true})).GetWorkers().GetList() {
			if w.GetNode() == "a" && w.GetDraining() && w.GetConns() == 0 {
				return true
			}
		}
		return false
	})
}
