package worker_test

import (
	"context"
	"errors"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestSenderOfAnEndedWorkerSaysSo(t *testing.T) {
	h := workertest.New(t, script{})
	id := h.Dial("/").ID()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, s := t.Context(), h.Sender()
	_, online := s.Online(ctx, "ann")
	_, counts := s.Totals(ctx)
	_, kicked := s.CloseUser(ctx, "ann", 0, "")
	for name, err := range map[string]error{
		"ToConn": s.ToConn(ctx, id, worker.Text("x")), "ToUser": s.ToUser(ctx, "ann", worker.Text("x")),
		"ToAll": s.ToAll(ctx, worker.Text("x"), worker.Droppable()), "Bind": s.Bind(ctx, id, "ann"),
		"Online": online, "Counts": counts, "CloseUser": kicked,
	} {
		if fault.CodeOf(err) != fault.Unavailable || !errors.Is(err, worker.ErrStopped) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSendThatWaitsForTheGatewaysEndsWithTheWorker(t *testing.T) {
	w, err := worker.New(worker.Config{Registers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	go func() { sent <- w.Sender().ToAll(context.WithoutCancel(ctx), worker.Text("x")) }()
	stop()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
	if err := <-sent; !errors.Is(err, worker.ErrStopped) {
		t.Errorf("got %v", err)
	}
}
