package e2e

import (
	"errors"
	"testing"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// TestGatewayLeavingInOrderSendsItsClientsAway drains one gateway of two.
func TestGatewayLeavingInOrderSendsItsClientsAway(t *testing.T) {
	play(t, cast{gateways: 2, workers: 1}, func(t *testing.T, s stage) {
		begin(t, s)
		p := enter(t, s.URL(1), "p")
		p.asks(answer.Reply, "")
		ended := make(chan error, 1)
		go func() {
			_, err := p.Read()
			ended <- err
		}()
		s.Gateways()[1].Stop(t)
		select {
		case err := <-ended:
			var closed *client.Closed
			if !errors.As(err, &closed) || closed.Code != 1012 {
				t.Errorf("the conn ended with %v, want close code 1012", err)
			}
		case <-within(t, everything).Done():
			t.Fatal("the conn was never closed")
		}
		enter(t, s.URL(0), "q").asks(answer.Reply, "")
	})
}
