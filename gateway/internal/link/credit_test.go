package link_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// flood writes frames until n are out or the socket ends, beside the test.
func (c *client) flood(n int, body func(i int) string) (stop func()) {
	var all sync.WaitGroup
	all.Go(func() {
		for i := range n {
			if c.write(opText, []byte(body(i))) != nil {
				return
			}
		}
	})
	return func() { c.nc.Close(); all.Wait() }
}

func TestCreditOfEventsStopsReadingAndResumes(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c := r.enter()
	defer c.flood(200, func(i int) string { return fmt.Sprint(i) })()
	r.stat("a pause", &r.link.Stats().Pauses, 1)
	var held []event
	for range 32 {
		held = append(held, w.next())
	}
	w.idle(50 * time.Millisecond)
	if got := r.link.Unacked(); got != 32 {
		t.Errorf("held: got %d, want 32", got)
	}
	for i := range 200 {
		e := held[0]
		held = held[1:]
		if e.body != fmt.Sprint(i) || e.seq != uint32(i)+2 {
			t.Fatalf("event %d: got %v", i, e)
		}
		w.done(e)
		if i+32 < 200 {
			held = append(held, w.next(record.KindMessage))
		}
		if i == 100 {
			w.idle(10 * time.Millisecond) // exactly one for one
		}
	}
}

func TestCreditOfBytesStopsReadingAndResumes(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c := r.enter()
	body := strings.Repeat("x", 60_000)
	defer c.flood(20, func(int) string { return body })()
	r.stat("a pause", &r.link.Stats().Pauses, 1)
	var held []event
	for range 5 { // the fifth crosses 256 KiB
		held = append(held, w.next())
	}
	w.idle(50 * time.Millisecond)
	for i := range 20 {
		w.done(held[i])
		if i+5 < 20 {
			held = append(held, w.next(record.KindMessage))
		}
	}
}

func TestSumOfAllConnsLeavesEachOneEvent(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.MaxUnackedBytes = 10_000 })
	w := r.attach(script{})
	loud, quiet := r.enter(), r.enter()
	body := strings.Repeat("x", 4000)
	defer loud.flood(10, func(int) string { return body })()
	for range 3 { // the third crosses the sum
		w.message(body)
	}
	w.idle(50 * time.Millisecond)
	// Nobody is shut out by somebody else's pile.
	quiet.text("one may pass")
	e := w.message("one may pass")
	quiet.text("a second not yet")
	w.idle(50 * time.Millisecond)
	w.done(e)
	w.message("a second not yet")
}

// A worker counts the credit too and cuts the link if it is exceeded. So the end
// of a conn that has used its credit waits, however much the client still sends.
func TestEndOfAFullConnKeepsToTheCredit(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c := r.enter()
	defer c.flood(10_000, func(i int) string { return fmt.Sprint(i) })()
	var held []event
	for range 32 {
		held = append(held, w.next())
	}
	w.command(&gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: target(ref(held[0].conn, 0)), Close: &gatewayv1.CloseConn{Code: 4504}}}})
	eventually(t, "the end of the conn", func() bool { return r.hub.Len() == 0 })
	w.idle(50 * time.Millisecond)
	for i := 0; ; i++ {
		e := held[0]
		held = held[1:]
		w.done(e)
		if e.kind == record.KindClosed {
			if why := e.closed(); why.GetBy() != gatewayv1.ClosedBy_CLOSED_BY_WORKER || why.GetCode() != 4504 {
				t.Errorf("closed: got %v", why)
			}
			break
		}
		if e.body != fmt.Sprint(i) {
			t.Fatalf("event %d: got %v", i, e)
		}
		if held[len(held)-1].kind != record.KindClosed {
			held = append(held, w.next())
		}
	}
	eventually(t, "nothing held", func() bool { return r.link.Unacked() == 0 })
}

// Nobody acknowledges anything, and the sockets still come to an end: a drain
// must not wait for a worker.
func TestDrainOfSocketsNeedsNoWorker(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c := r.enter()
	defer c.flood(10_000, func(i int) string { return fmt.Sprint(i) })()
	r.stat("a pause", &r.link.Stats().Pauses, 1)
	w.end()
	done := make(chan error, 1)
	go func() { done <- r.ws.Drain(t.Context(), 0) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * patience):
		t.Fatal("a conn without credit holds the drain")
	}
}
