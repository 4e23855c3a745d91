package gateway_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// order gives the gateway a command and does not look at the answer.
func (w *worker) order(n uint64, cmd *gatewayv1.Command) {
	body, _ := proto.Marshal(cmd)
	b, _ := record.AppendCommand(nil, record.Command{N: n, Body: body})
	w.give(b)
}

// What asks a gateway to drain is answered, whoever it is, and the gateway does what it does
// on SIGTERM.
func TestGatewayThatIsAskedToDrainEndsInOrder(t *testing.T) {
	_, run := registered(t, 300*time.Millisecond)
	p := run()
	w := p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	c := p.knock()
	w.order(1, &gatewayv1.Command{Do: &gatewayv1.Command_Drain{Drain: &gatewayv1.Drain{}}})
	if op, body, err := c.hear(); op != 8 || !strings.HasPrefix(body, "\x03\xf4retry-after-ms=") || err != nil {
		t.Errorf("client: got %d %q %v", op, body, err)
	}
	c.nc.Close()
	if err := p.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	<-w.over
	if w.saw(record.KindResult) != 1 || w.saw(record.KindLeaving) != 1 || w.saw(record.KindClosed) != 1 {
		t.Errorf("worker: %d results, %d leaving, %d closed", w.saw(record.KindResult), w.saw(record.KindLeaving), w.saw(record.KindClosed))
	}
}

// The process hears of it, and may have more to end.
func TestProcessHearsThatItsGatewayIsToDrain(t *testing.T) {
	asked := make(chan struct{}, 2)
	cfg := config(t)
	cfg.OnDrainAsked = func() { asked <- struct{}{} }
	p := start(t, cfg)
	w := p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	w.order(1, &gatewayv1.Command{Do: &gatewayv1.Command_Drain{Drain: &gatewayv1.Drain{}}})
	<-asked
	if !p.ready("") {
		t.Errorf("it drains although its process said that it would: %v", p.Ready())
	}
	p.Drain()
	p.Drain()
	if err := p.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestOneShedAtATimeAndNoneInADrain(t *testing.T) {
	cfg := config(t)
	cfg.Limits.DrainWindow = 300 * time.Millisecond
	p := start(t, cfg)
	p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	if n, err := p.Shed(1, time.Minute); n != 0 || err != nil {
		t.Errorf("of nobody: %d, %v", n, err)
	}
	var clients []*client
	for range 8 {
		clients = append(clients, p.knock())
	}
	if n, err := p.Shed(0.5, 200*time.Millisecond); n != 4 || err != nil {
		t.Errorf("half of 8: %d, %v", n, err)
	}
	if _, err := p.Shed(0.5, 0); !errors.Is(err, gateway.ErrShedding) {
		t.Errorf("while one goes on: %v", err)
	}
	eventually(t, "it is over, and the next may begin", func() bool {
		n, err := p.Shed(1, time.Minute)
		return n == 4 && err == nil
	})
	p.stop() // does not wait a minute
	for _, c := range clients {
		if op, body, err := c.hear(); op != 8 || !strings.HasPrefix(body, "\x03\xf4retry-after-ms=") || err != nil {
			t.Errorf("client: got %d %q %v", op, body, err)
		}
		c.nc.Close()
	}
	if err := p.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := p.Shed(0.5, 0); !errors.Is(err, gateway.ErrDraining) {
		t.Errorf("after a drain: %v", err)
	}
}
