package worker

import (
	"context"
	"log/slog"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker/internal/route"
)

// nobody is a directory of no gateways.
type nobody struct{ ready chan struct{} }

func (n nobody) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (n nobody) Join(register.Member) error    { return nil }
func (n nobody) Joined() <-chan struct{}       { return n.ready }
func (n nobody) Leave(context.Context) error   { return nil }
func (n nobody) Watch(string) View             { return n }
func (n nobody) LinkAlive(uint64, bool)        {}
func (n nobody) Members() []register.Member    { return nil }
func (n nobody) Changed() <-chan struct{}      { return nil }
func (n nobody) Ready() <-chan struct{}        { return n.ready }
func (n nobody) Close()                        {}

// A worker that has ended has no gateways. What looked at it a moment before must not
// take that for a cluster where nobody is online.
func TestSendThatTheEndOvertakesIsRefused(t *testing.T) {
	ready := make(chan struct{})
	close(ready)
	w, err := New(Config{Directory: nobody{ready}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()

	var r Result
	begun := map[string][]SendOption{"Await": {Await(&r)}, "Then": {Then(func(Result, error) { t.Error("told") })}, "neither": nil}
	outs := map[string]*outgoing{}
	for name, opts := range begun {
		if outs[name], err = w.sender.prepare(t.Context(), Text("x"), opts); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	<-w.mesh.Ended()
	for name, out := range outs {
		if err := w.sender.spread(t.Context(), out, record.ToUsers, route.User, []string{"ann"}); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%s: got %v", name, err)
		}
		out.release()
	}
	if _, err := w.askAll(t.Context(), nil, true, nil, nil); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a command: got %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
