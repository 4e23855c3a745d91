package worker_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/workertest"
)

func TestUsersOfAGroupAreNamedOnceWhereverTheyAre(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	ctx, s := t.Context(), h.Sender()
	for i := range 12 {
		c := h.Dial("/") // at each gateway in turn
		if i > 1 {
			if err := s.Bind(ctx, c.ID(), fmt.Sprint("user-", i/4)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Join(ctx, c.ID(), "g"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.GroupUsers(ctx, "g", 100)
	if slices.Sort(got.Users); err != nil || got.Conns != 12 || got.Lost != nil || !slices.Equal(got.Users, []string{"user-0", "user-1", "user-2"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := s.GroupUsers(ctx, "g", 2); err != nil || got.Conns != 12 || len(got.Users) != 2 || got.Users[0] == got.Users[1] {
		t.Errorf("two of them: %+v, %v", got, err)
	}
	if got, err := s.GroupUsers(ctx, "x", 2); err != nil || got.Conns != 0 || got.Users != nil {
		t.Errorf("of a group that is not: %+v, %v", got, err)
	}
	for _, limit := range []int{0, -1, 1001} {
		if _, err := s.GroupUsers(ctx, "g", limit); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%d of them: %v", limit, err)
		}
	}
	if _, err := s.GroupUsers(ctx, "\xff", 1); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("of what is no name: %v", err)
	}
	// Who does not answer is named, and the others count.
	thaw := h.FreezeGateway(0)
	defer thaw()
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	got, err = s.GroupUsers(short, "g", 100)
	if fault.CodeOf(err) != fault.Unavailable || fmt.Sprint(got.Lost) != "[gateway-0]" || got.Conns != 6 || len(got.Users) == 0 {
		t.Errorf("with one that stands still: %+v, %v", got, err)
	}
}
