package worker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// heard waits until a user's presence is as wanted and the feed has told of it.
func heard(t *testing.T, u *worker.Users, user string, present bool) {
	t.Helper()
	told := false
	for end := time.After(workertest.Timeout); ; {
		told = slices.Contains(u.Take(), user) || told
		if told && u.Present(user) == present {
			return
		}
		select {
		case <-u.Changed():
		case <-time.After(5 * time.Millisecond):
		case <-end:
			t.Fatalf("%s: told %v, present %v; want present %v", user, told, u.Present(user), present)
		}
	}
}

func TestUsersComeAndGo(t *testing.T) {
	var users *worker.Users
	h := workertest.New(t, byQuery, workertest.WithGateways(2), workertest.WithWorker(func(w *worker.Worker) { users = w.WatchUsers() }))
	a, b := h.Dial("/?user=ann"), h.Dial("/?user=ann")
	inStep(t, h, 2)
	heard(t, users, "ann", true)
	a.Close(1000, "")
	h.Flush()
	if !users.Present("ann") {
		t.Error("ann has another conn, and is gone")
	}
	b.Close(1000, "")
	heard(t, users, "ann", false)
	if users.Present("bob") {
		t.Error("bob never came")
	}
	if left := users.Take(); len(left) != 0 {
		t.Errorf("told twice: %v", left)
	}
}

func TestUsersOfAGatewayThatLeavesAreGone(t *testing.T) {
	var users *worker.Users
	h := workertest.New(t, byQuery, workertest.WithGateways(2), workertest.WithWorker(func(w *worker.Worker) { users = w.WatchUsers() }))
	h.Dial("/?user=ann")
	h.Dial("/?user=bob")
	inStep(t, h, 2)
	heard(t, users, "ann", true)
	for end := time.Now().Add(workertest.Timeout); !users.Present("bob"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("bob never came")
		}
	}
	users.Take()
	h.LoseGateway(1)
	heard(t, users, "bob", false)
	if !users.Present("ann") {
		t.Error("ann's gateway is there, and ann is gone")
	}
}

func TestBrokenLinkTakesNobodyAway(t *testing.T) {
	var users *worker.Users
	h := workertest.New(t, byQuery, workertest.WithWorker(func(w *worker.Worker) { users = w.WatchUsers() }))
	h.Dial("/?user=ann")
	inStep(t, h, 1)
	heard(t, users, "ann", true)
	h.CutLinks()
	inStep(t, h, 1) // attached again, with a snapshot
	for end := time.Now().Add(workertest.Timeout); !users.Present("ann"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("ann is gone for good")
		}
	}
}
