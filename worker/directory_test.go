package worker_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker"
)

func TestClientThatTheProcessRunsOutlivesTheWorker(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	boot := handshake.NewBoot()
	client, err := register.New(register.Config{
		Registers: []string{"127.0.0.1:1"}, // nothing listens there
		Identity:  handshake.Identity{Cluster: "parley", Role: "worker", Node: "w-1", Boot: boot}, Log: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	for range 2 { // one after the other, as after an end that was no failure of the client
		w, err := worker.New(worker.Config{
			Directory: worker.RunningRegisters(client), Cluster: "parley", Node: "w-1", Boot: boot, Log: silent,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := w.Run(ctx); err != nil {
			t.Errorf("the worker ended with: %v", err)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("the client ended with the worker: %v", err)
	default:
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
