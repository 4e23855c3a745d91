package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// withFullLog starts three gateways with two conns each, those at the first of the user
// "slow" and of "ann", the others of "ann". The first stands still and takes nothing more.
func withFullLog(t *testing.T) (h *workertest.Harness, conns []*workertest.Conn) {
	h = workertest.New(t, byQuery, workertest.WithGateways(3), workertest.WithConfig(func(c *worker.Config) { c.RetainBytes = 4 << 10 }))
	for _, user := range []string{"slow", "ann", "ann", "ann", "ann", "ann"} {
		conns = append(conns, h.Dial("/?user="+user+"&group=g"))
	}
	inStep(t, h, 3)
	h.FreezeGateway(0)
	for range 10_000 {
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		err := h.Sender().ToUser(ctx, "slow", worker.Text("x"))
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return h, conns
		}
	}
	t.Fatal("the log never was full")
	return nil, nil
}

// A gateway that takes nothing more is named, and the others have been asked.
func TestGatewayWithoutRoomHoldsUpNoCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := withFullLog(t)
		s := h.Sender()
		within := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		}
		all, err := s.Totals(within())
		if fault.CodeOf(err) != fault.Overloaded || all.Conns != 4 || !slices.Equal(all.Lost, []string{"gateway-0"}) {
			t.Errorf("counts: got %+v, %v", all, err)
		}
		begun := time.Now()
		if online, lost, err := s.IsUserOnline(t.Context(), "ann"); !online || lost != nil || err != nil || time.Since(begun) > 100*time.Millisecond {
			t.Errorf("a user whom others have: %t, %q, %v, after %s", online, lost, err, time.Since(begun))
		}
		did, err := s.KillUser(within(), "ann")
		if fault.CodeOf(err) != fault.Overloaded || did.Conns != 4 || !slices.Equal(did.Lost, []string{"gateway-0"}) {
			t.Errorf("kill: got %+v, %v", did, err)
		}
		// Without a deadline the link is waited for until it has been down for a second.
		if online, lost, err := s.IsUserOnline(t.Context(), "nobody"); online || !slices.Equal(lost, []string{"gateway-0"}) || err != nil {
			t.Errorf("a user whom only that one can have: %t, %q, %v", online, lost, err)
		}
	})
}

// What was never given to a gateway was not done.
func TestCommandsThatWereNotGivenAreNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, conns := withFullLog(t)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		ids := idsOf(conns...)
		out, err := h.Sender().JoinAll(ctx, ids, "h")
		if fault.CodeOf(err) != fault.Overloaded || out.Done != 4 || out.Unsure != nil || len(out.Failed) != 2 || !slices.Equal(out.Lost, []string{"gateway-0"}) {
			t.Errorf("full: got %+v, %v", out, err)
		}
		for _, id := range []int{0, 3} { // conns are dialled in turn
			if fault.CodeOf(out.Failed[ids[id]]) != fault.Overloaded {
				t.Errorf("conn %d: got %v", id, out.Failed[ids[id]])
			}
		}
	})
}

// A command that fits into no record says nothing of the gateway.
func TestCommandThatIsTooLargeBlamesNoGateway(t *testing.T) {
	h := workertest.New(t, byQuery)
	c := h.Dial("/")
	last := worker.Binary(make([]byte, record.MaxPayload)) // with a command around it
	out, err := h.Sender().CloseAll(t.Context(), idsOf(c), 0, "", last)
	if fault.CodeOf(err) != fault.TooLarge || out.Lost != nil || out.Unsure != nil || fault.CodeOf(out.Failed[c.ID()]) != fault.TooLarge {
		t.Errorf("got %+v, %v", out, err)
	}
}

// One reason is enough, however many users were refused.
func TestManyRefusedUsersAreOneError(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithMaxGroups(1))
	var users []string
	for i := range 50 {
		users = append(users, fmt.Sprint("user-", i))
		h.Dial("/?group=g&user=" + users[i])
	}
	inStep(t, h, 1)
	_, err := h.Sender().JoinUsers(t.Context(), users, "h")
	if fault.CodeOf(err) != fault.TooLarge || len(err.Error()) > 200 {
		t.Errorf("got %v", err)
	}
}
