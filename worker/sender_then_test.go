package worker_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// told is what Then heard.
type told struct {
	result worker.Result
	err    error
}

func tell(to chan<- told) worker.SendOption {
	return worker.Then(func(r worker.Result, err error) { to <- told{r, err} })
}

// hear waits for one answer.
func hear(t *testing.T, from <-chan told) told {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(workertest.Timeout):
		t.Fatal("never told")
		return told{}
	}
}

func TestThenTellsWhatAwaitWouldHave(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b := h.Dial("/?user=ann&group=g"), h.Dial("/?user=bob&group=g")
	inStep(t, h, 2)
	s, ctx := h.Sender(), t.Context()
	answers := make(chan told, 1)
	for name, c := range map[string]struct {
		send func(...worker.SendOption) error
		want worker.Result
	}{
		"users": {func(o ...worker.SendOption) error {
			return s.ToUsers(ctx, []string{"ann", "bob", "carl"}, worker.Text("x"), o...)
		}, worker.Result{Hit: 2, Offline: []string{"carl"}}},
		"one user who is away": {func(o ...worker.SendOption) error {
			return s.ToUser(ctx, "carl", worker.Text("x"), o...)
		}, worker.Result{Offline: []string{"carl"}}},
		"a group": {func(o ...worker.SendOption) error {
			return s.ToGroup(ctx, "g", worker.Text("x"), o...)
		}, worker.Result{Hit: 2}},
		"all but one": {func(o ...worker.SendOption) error {
			return s.ToAll(ctx, worker.Text("x"), append(o, worker.Except(a.ID()))...)
		}, worker.Result{Hit: 1}},
	} {
		if err := c.send(tell(answers)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := hear(t, answers); got.err != nil || !reflect.DeepEqual(got.result, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	_ = b
}

func TestSendsWithThenKeepTheirOrder(t *testing.T) {
	h := workertest.New(t, byQuery)
	a := h.Dial("/?user=ann")
	inStep(t, h, 1)
	const many = 500
	answers := make(chan told, many)
	for i := range many {
		if err := h.Sender().ToUser(t.Context(), "ann", worker.Text(fmt.Sprint(i)), tell(answers)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range many {
		a.Expect(fmt.Sprint(i))
		if got := hear(t, answers); got.err != nil || got.result.Hit != 1 {
			t.Fatalf("got %+v", got)
		}
	}
}

func TestThenHearsOfAGatewayThatLeft(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	h.Dial("/?user=ann")
	h.Dial("/?user=bob")
	inStep(t, h, 2)
	h.LoseGateway(1)
	answers := make(chan told, 1)
	if err := h.Sender().ToUsers(t.Context(), []string{"ann", "bob"}, worker.Text("x"), tell(answers)); err != nil {
		t.Fatal(err)
	}
	if got := hear(t, answers); got.err != nil || got.result.Hit != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestThenIsToldWhenTheContextEnds(t *testing.T) {
	h := workertest.New(t, byQuery)
	h.Dial("/?user=ann")
	inStep(t, h, 1)
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan told, 1)
	if err := h.Sender().ToUser(ctx, "ann", worker.Text("x"), tell(answers)); err != nil {
		t.Fatal(err)
	}
	cancel()
	hear(t, answers) // which of the two was first is a matter of luck
	if err := h.Sender().ToUser(ctx, "ann", worker.Text("x"), tell(answers)); err != nil {
		return
	}
	hear(t, answers)
}

func TestThenIsNotCalledForWhatIsRefused(t *testing.T) {
	h := workertest.New(t, byQuery)
	inStep(t, h, 1)
	never := worker.Then(func(worker.Result, error) { t.Error("called") })
	if err := h.Sender().ToUser(t.Context(), "", worker.Text("x"), never); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
	var r worker.Result
	err := h.Sender().ToUser(t.Context(), "ann", worker.Text("x"), never, worker.Await(&r))
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("both Await and Then: got %v", err)
	}
	h.Settle()
}
