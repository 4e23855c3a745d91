package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/internal/fakegate"
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
		"users who are named twice": {func(o ...worker.SendOption) error {
			return s.ToUsers(ctx, []string{"carl", "ann", "carl", "ann"}, worker.Text("x"), o...)
		}, worker.Result{Hit: 1, Offline: []string{"carl"}}},
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

// A worker that ends has told everybody when Run returns: what is told may be written
// down with things that are closed then.
func TestRunReturnsWhenEverybodyWasTold(t *testing.T) {
	h := workertest.New(t, byQuery)
	h.Dial("/?user=ann")
	inStep(t, h, 1)
	var heard atomic.Bool
	held := make(chan struct{})
	err := h.Sender().ToUser(context.Background(), "ann", worker.Text("x"), worker.Then(func(worker.Result, error) {
		<-held
		for range 100 {
			runtime.Gosched()
		}
		heard.Store(true)
	}))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(held)
		// Refused once the links have ended: all that is left of Run is to wait.
		for end := time.Now().Add(workertest.Timeout); h.Sender().ToUser(t.Context(), "ann", worker.Text("y")) == nil && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
	}()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if !heard.Load() {
		t.Error("Run has returned, and one has not been told")
	}
}

func TestThenIsToldWhenTheWorkerStops(t *testing.T) {
	h := workertest.New(t, byQuery)
	h.Dial("/?user=ann")
	inStep(t, h, 1)
	const many = 200
	answers := make(chan told, many)
	for range many {
		if err := h.Sender().ToUser(context.Background(), "ann", worker.Text("x"), tell(answers)); err != nil {
			t.Fatal(err)
		}
	}
	h.Worker().Hurry()
	h.Forgive()
	_ = h.Stop()
	if len(answers) != many {
		t.Errorf("%d of %d were told", len(answers), many)
	}
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

// owing is a worker with one gateway that has ann, and that gateway's end of the link:
// it answers when the test does.
func owing(t *testing.T) (*worker.Sender, *fakegate.End) {
	t.Helper()
	src := newSource(1)
	w, err := worker.New(worker.Config{Directory: src, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	s := <-src.streams
	t.Cleanup(func() {
		w.Hurry()
		stop()
		s.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := greet(s, 7); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(workertest.Timeout); w.Stats().Attached < 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not attached")
		}
	}
	return w.Sender(), s
}

// sent reads up to the next send and returns its number.
func sent(t *testing.T, s *fakegate.End) uint64 {
	t.Helper()
	for {
		batch, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for r := record.NewReader(batch); r.Next(); {
			if r.Kind() == record.KindSend {
				return r.Send().N
			}
		}
	}
}

func TestThenTellsAfterTheGatewayHasAnswered(t *testing.T) {
	s, gateway := owing(t)
	answers := make(chan told, 1)
	if err := s.ToUser(t.Context(), "7", worker.Text("x"), tell(answers)); err != nil {
		t.Fatal(err)
	}
	n := sent(t, gateway)
	if err := gateway.Send(record.AppendApplied(nil, n)); err != nil { // it has it, and what became of it comes later
		t.Fatal(err)
	}
	select {
	case got := <-answers:
		t.Fatalf("told before the answer: %+v", got)
	case <-time.After(20 * time.Millisecond):
	}
	body, err := proto.Marshal(&gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK, Hit: 3})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := record.AppendResult(nil, record.Result{N: n, Body: body})
	if err == nil {
		err = gateway.Send(answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := hear(t, answers); got.err != nil || got.result.Hit != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestThenTellsWhoWasSilentWhenTheContextEnds(t *testing.T) {
	s, gateway := owing(t)
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan told, 1)
	if err := s.ToUser(ctx, "7", worker.Text("x"), tell(answers)); err != nil {
		t.Fatal(err)
	}
	sent(t, gateway)
	cancel()
	if got := hear(t, answers); fault.CodeOf(got.err) != fault.Unavailable || !reflect.DeepEqual(got.result.Lost, []string{"gw"}) {
		t.Errorf("got %+v", got)
	}
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
