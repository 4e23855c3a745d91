package worker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestGatewayThatStandsStillHoldsUpNobodyWhoDoesNotWait(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2), workertest.WithConfig(func(c *worker.Config) { c.RetainBytes = 4 << 10 }))
	h.Dial("/?user=ann")
	bob := h.Dial("/?user=bob")
	inStep(t, h, 2)
	h.FreezeGateway(0)
	full := false
	for range 10_000 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := h.Sender().ToUser(ctx, "ann", worker.Text("x"))
		cancel()
		if full = errors.Is(err, context.DeadlineExceeded); full {
			break
		}
	}
	if !full {
		t.Fatal("the log never was full")
	}
	answers := make(chan told, 1)
	// Without a deadline: it would wait for ever.
	if err := h.Sender().ToUsers(context.Background(), []string{"ann", "bob"}, worker.Text("hello"), worker.NoWait(), tell(answers)); err != nil {
		t.Fatal(err)
	}
	bob.Expect("hello")
	if got := hear(t, answers); got.err != nil || got.result.Hit != 1 || !slices.Equal(got.result.Lost, []string{"gateway-0"}) {
		t.Errorf("got %+v", got)
	}
}
