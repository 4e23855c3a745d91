package worker_test

import (
	"context"
	"log/slog"
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
		is := u.Present(user) // before Take: what is so was noted
		told = slices.Contains(u.Take(), user) || told
		if told && is == present {
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
	h.Dial("/?user=eve")
	h.Dial("/?user=eve")
	inStep(t, h, 2)
	heard(t, users, "ann", true)
	for end := time.Now().Add(workertest.Timeout); !users.Present("bob"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("bob never came")
		}
	}
	users.Take()
	h.LoseGateway(1)
	for end := time.Now().Add(workertest.Timeout); users.Present("bob"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("bob is still there")
		}
	}
	heard(t, users, "eve", true) // to be looked at anew, and there: by the other gateway
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

func TestAllAreToldOfABurst(t *testing.T) {
	const many = 3000
	src := newSource(1)
	w, err := worker.New(worker.Config{Directory: src, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	users := w.WatchUsers()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	s := <-src.streams
	here := make([]int, many)
	for i := range here {
		here[i] = i
	}
	if err := greet(s, here...); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for end := time.After(workertest.Timeout); len(told) < many; {
		select {
		case <-users.Changed():
		case <-end:
			t.Fatalf("%d of %d were told", len(told), many)
		}
		for _, user := range users.Take() {
			if told[user] {
				t.Errorf("%s was told twice", user)
			}
			if told[user] = true; !users.Present(user) {
				t.Errorf("%s was told and is not there", user)
			}
		}
	}
	w.Hurry()
	stop()
	s.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if left := len(users.Take()); left != many || users.Present("0") {
		t.Errorf("at the end of the worker %d of %d were told, one is there: %v", left, many, users.Present("0"))
	}
}

func TestWorkerHasOneFeedOfUsers(t *testing.T) {
	w, err := worker.New(worker.Config{Directory: newSource(0)})
	if err != nil {
		t.Fatal(err)
	}
	w.WatchUsers()
	defer func() {
		if recover() == nil {
			t.Error("the first one hears nothing any more")
		}
	}()
	w.WatchUsers()
}
