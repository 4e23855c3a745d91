package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/gateway"
)

// A worker is added while everybody talks: conns come to it between their frames, nothing
// is lost, doubled or handled again for it, and then it has its share.
func TestAddedWorkerTakesItsShareUnnoticed(t *testing.T) {
	c := cast{gateways: 2, workers: 3, patience: patient}
	c.withDefaults()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		s := oneProcess(t, c)
		for _, g := range s.Gateways() {
			g.(*insideGateway).change = func(c *gateway.Config) { c.Limits.SlowStart, c.Limits.Rebalance = time.Second, 20 }
		}
		addOne(t, s)
	})
	t.Run("real processes", func(t *testing.T) {
		t.Parallel()
		addOne(t, processes(t, c, func(c *local.Config) {
			c.GatewayArgs = append(c.GatewayArgs, "--slow-start", "1s", "--rebalance", "20")
		}))
	})
}

func addOne(t *testing.T, s stage) {
	t.Helper()
	added := s.Workers()[2]
	begin(t, &without{s, added})
	clean(t, underFire(t, s, func() {
		added.Start(t)
		whole(t, s)
		for _, g := range s.Gateways() {
			var least, most float64
			eventually(t, func() bool {
				m, err := g.Metrics()
				least, most = m.Sum(`parley_gateway_worker_share{of="least"}`), m.Sum(`parley_gateway_worker_share{of="most"}`)
				return err == nil && least >= 0.8 && most <= 1.2
			}, func() string {
				return fmt.Sprintf("%s: workers have from %.2f to %.2f of their share", g.Name(), least, most)
			})
		}
	}))
	if n := sum(t, s.Gateways(), `parley_gateway_moves_total{reason="level"}`); n == 0 {
		t.Error("no conn moved to the worker that was added")
	}
	if n := sum(t, s.Gateways(), "parley_gateway_redelivered_total"); n != 0 {
		t.Errorf("%g events were handled again", n)
	}
}
