package link_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/link"
)

// What was queued before anything was known of a gateway is not given to one that turns
// out to be too old for it: something that does nothing goes in its place, so that its
// number is applied too.
func TestGatewayIsNotGivenWhatItIsTooOldFor(t *testing.T) {
	heard, open := make(chan []string, 1), make(chan struct{})
	p := &pipes{serve: func(s fakegate.Stream) error {
		<-open
		if err := greet(s, 0); err != nil {
			return err
		}
		names, err := read(s, 6)
		heard <- names
		for err == nil {
			_, err = s.Recv()
		}
		return err
	}}
	w := newWorker(t, nil, func(c *link.Config) { c.Dial = p }).run()
	w.view.set(register.Member{ID: "old", Role: "gateway", Boot: 1})
	g := w.gateway(1)

	send := func(except ...string) *record.Send {
		return &record.Send{Target: record.ToAll, Class: record.Must, ExceptUsers: except, Bodies: []record.Body{{Payload: []byte("x")}}}
	}
	merge := &gatewayv1.Command{Do: &gatewayv1.Command_Session{Session: &gatewayv1.SetSession{Write: &gatewayv1.SessionWrite{Merge: true}}}}
	awaited := link.NewWaiter(2)
	defer awaited.Close()
	for i, err := range []error{
		g.TrySend(send(), nil),
		g.TrySend(send("ann"), nil),
		g.TrySend(send("ann"), awaited),
		g.Command(t.Context(), merge, awaited),
		g.TrySend(send(), nil),
	} {
		if err != nil {
			t.Fatalf("record %d: %v", i+1, err)
		}
	}
	close(open)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := awaited.Wait(ctx, func(r link.Reply) {
		if !errors.Is(r.Err, link.ErrUnable) {
			t.Errorf("answer: got %v, %v", r.Result, r.Err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := g.TrySend(send("ann"), nil); !errors.Is(err, link.ErrUnable) {
		t.Errorf("afterwards: got %v", err)
	}
	if err := g.Command(t.Context(), merge, nil); !errors.Is(err, link.ErrUnable) {
		t.Errorf("a command afterwards: got %v", err)
	}
	if err := g.TrySend(send(), nil); err != nil {
		t.Errorf("what it can do: %v", err)
	}
	want := []string{"send 1", "command 2", "command 3", "command 4", "send 5", "send 6"}
	select {
	case got := <-heard:
		if got = slices.DeleteFunc(got, func(s string) bool { return s == "delta 0" }); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	case <-time.After(patience):
		t.Fatal("it has not heard all")
	}
}
