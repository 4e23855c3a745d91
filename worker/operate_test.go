package worker_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestGatewayIsAskedToDrain(t *testing.T) {
	h := workertest.New(t, script{}, workertest.WithGateways(2))
	one, two := h.Dial("/"), h.Dial("/")
	for range 2 { // asking again changes nothing
		if err := h.Sender().DrainGateway(t.Context(), "gateway-0"); err != nil {
			t.Fatal(err)
		}
	}
	if code, reason := one.ExpectClosed(); code != fault.CloseRestart || reason != "retry-after-ms=0" {
		t.Errorf("the conn of the one that drains: %d %q", code, reason)
	}
	if err := h.Sender().ToConn(t.Context(), two.ID(), worker.Text("still there")); err != nil {
		t.Error(err)
	}
	two.Expect("still there")
	if !h.GatewayDrains(0) || h.GatewayDrains(1) {
		t.Errorf("gateway-0 drains: %v, gateway-1: %v", h.GatewayDrains(0), h.GatewayDrains(1))
	}
	if _, err := h.Sender().ShedGateway(t.Context(), "gateway-0", 0.5, 0); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("shed of one that drains: %v", err)
	}
}

func TestGatewayIsAskedToShedAShare(t *testing.T) {
	h := workertest.New(t, script{}, workertest.WithGateways(2))
	for range 16 {
		h.Dial("/")
	}
	if n, err := h.Sender().ShedGateway(t.Context(), "gateway-1", 0.25, time.Second); n != 2 || err != nil {
		t.Errorf("shed %d, %v, want 2 of 8", n, err)
	}
	h.Settle()
	totals, err := h.Sender().Totals(t.Context())
	if err != nil || totals.Gateways["gateway-0"].Conns != 8 || totals.Gateways["gateway-1"].Conns != 6 {
		t.Errorf("left: %+v, %v", totals, err)
	}
}

func TestBoundsOfAShed(t *testing.T) {
	h := workertest.New(t, script{})
	for _, c := range []struct {
		share  float64
		window time.Duration
	}{{0, 0}, {-1, 0}, {1.01, 0}, {math.NaN(), 0}, {0.5, -1}, {0.5, time.Hour + 1}} {
		if _, err := h.Sender().ShedGateway(t.Context(), "gateway-0", c.share, c.window); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%v over %v: %v", c.share, c.window, err)
		}
	}
	if n, err := h.Sender().ShedGateway(t.Context(), "gateway-0", 1, time.Hour); n != 0 || err != nil {
		t.Errorf("of nobody: %d, %v", n, err)
	}
}

func TestNodeThatIsNotThereIsNotFound(t *testing.T) {
	h := workertest.New(t, script{}, workertest.WithGateways(2))
	s, ctx := h.Sender(), t.Context()
	_, shed := s.ShedGateway(ctx, "nobody", 0.5, 0)
	for name, err := range map[string]error{"DrainGateway": s.DrainGateway(ctx, "nobody"), "ShedGateway": shed, "DrainWorker": s.DrainWorker(ctx, "nobody")} {
		if fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOlderGatewaySaysThatItCannot(t *testing.T) {
	h := workertest.New(t, script{}, workertest.WithGateways(2), workertest.WithOldGateway(0))
	s, ctx := h.Sender(), t.Context()
	_, shed := s.ShedGateway(ctx, "gateway-0", 0.5, 0)
	for name, err := range map[string]error{"DrainGateway": s.DrainGateway(ctx, "gateway-0"), "ShedGateway": shed, "DrainWorker": s.DrainWorker(ctx, "nobody")} {
		if fault.CodeOf(err) != fault.Unimplemented {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := s.DrainWorker(ctx, "workertest"); err != nil { // by the other one
		t.Error(err)
	}
	<-h.Ended()
}

func TestWorkerThatIsAskedToDrainEndsInOrder(t *testing.T) {
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, _ worker.Message) error {
		err := c.Sender().DrainWorker(ctx, "workertest")
		return errors.Join(err, c.Reply(worker.Text("handled to the end")))
	}}, workertest.WithGateways(2))
	c := h.Dial("/")
	c.SendText("go")
	c.Expect("handled to the end")
	<-h.Ended()
	if err := h.Stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestProcessHearsThatItsWorkerIsToDrain(t *testing.T) {
	asked := make(chan struct{})
	h := workertest.New(t, script{}, workertest.WithGateways(2), workertest.WithConfig(func(c *worker.Config) {
		c.OnDrainAsked = func() { close(asked) } // a second call would panic
	}))
	for range 3 {
		if err := h.Sender().DrainWorker(t.Context(), "workertest"); err != nil {
			t.Fatal(err)
		}
	}
	<-asked
	h.Flush()
	select {
	case <-h.Ended():
		t.Error("it drained although its process said that it would")
	default:
	}
}

// A gateway that stands still delays nobody who asks for something that another can do.
func TestSilentGatewayDoesNotKeepAWorkerFromBeingFound(t *testing.T) {
	h := workertest.New(t, script{}, workertest.WithGateways(3))
	defer h.FreezeGateway(1)()
	ctx, cancel := context.WithTimeout(t.Context(), workertest.Timeout)
	defer cancel()
	if err := h.Sender().DrainWorker(ctx, "workertest"); err != nil {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := h.Sender().DrainGateway(short, "gateway-1"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("the one that stands still: %v", err)
	}
}

func ExampleSender_ShedGateway() {
	var s *worker.Sender // of a worker that runs
	rebalance := func(ctx context.Context) error {
		asked, err := s.ShedGateway(ctx, "gateway-1", 0.25, 30*time.Second)
		fmt.Println(asked, "conns will be asked to go elsewhere")
		return err
	}
	_ = rebalance
}
