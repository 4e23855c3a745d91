package link

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

func newLink(t testing.TB) *Link {
	t.Helper()
	l, err := New(Config{
		Identity: handshake.Identity{Cluster: "c", Role: "gateway", Node: "gw", Boot: 1},
		Hub:      hub.New(hub.Config{}),
		Encode: func(op frame.Op, body []byte, class frame.Class, key string) (*frame.Frame, error) {
			return frame.New(func(frame.Op, []byte, bool) []byte { return body }, op, body, class, key)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// attachTo is a worker without a stream.
func attachTo(l *Link, boot uint64) (*worker, context.Context) {
	ctx, end := context.WithCancelCause(context.Background())
	w := newWorker(l, handshake.Identity{Node: "w", Boot: boot}, &gatewayv1.Attach{ServesEvents: true}, end)
	w.session = l.hold(boot)
	return w, ctx
}

func TestSessionsAreForgottenWhenNobodyComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		living := l.hold(1)
		l.letGo(l.hold(2)) // passed the handshake, and nothing more
		s := l.hold(3)
		s.first(7)
		l.letGo(s)
		time.Sleep(sessionMemory)
		l.hold(4)
		if again := l.hold(3); again.lastApplied() != 7 {
			t.Error("forgotten within its time")
		} else {
			l.letGo(again)
		}
		time.Sleep(sessionMemory + 1)
		l.hold(5)
		if again := l.hold(3); again.lastApplied() != 0 {
			t.Error("remembered beyond its time")
		}
		if l.sessions[2] != nil {
			t.Error("a stream that never served is remembered for ever")
		}
		if l.hold(1) != living {
			t.Error("forgotten although a stream uses it")
		}
	})
}

func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		for boot := range uint64(maxSessions + 10) {
			l.letGo(l.hold(boot + 1))
			time.Sleep(time.Millisecond)
		}
		if got := len(l.sessions); got != maxSessions {
			t.Errorf("sessions: got %d, want %d", got, maxSessions)
		}
		if l.sessions[1] != nil || l.sessions[maxSessions+10] == nil {
			t.Error("it is not the oldest that goes")
		}
	})
}

// A stream that still waits for its turn is ended by the next one, too.
func TestEveryOlderStreamIsEnded(t *testing.T) {
	l := newLink(t)
	a, actx := attachTo(l, 9)
	if err := a.session.enter(actx, a); err != nil {
		t.Fatal(err)
	}
	b, bctx := attachTo(l, 9)
	entered := make(chan error, 1)
	go func() { entered <- b.session.enter(bctx, b) }()
	<-actx.Done()
	c, cctx := attachTo(l, 9)
	third := make(chan error, 1)
	go func() { third <- c.session.enter(cctx, c) }()
	if err := <-entered; !errors.Is(err, errRedialled) {
		t.Errorf("the second stream: got %v, want %v", err, errRedialled)
	}
	select {
	case err := <-third:
		t.Fatalf("the third stream entered beside the first: %v", err)
	default:
	}
	a.session.exit()
	if err := <-third; err != nil {
		t.Errorf("the third stream: %v", err)
	}
}

func TestResultsAreBoundedAndTheOldestGo(t *testing.T) {
	l := newLink(t)
	w, _ := attachTo(l, 9)
	s := w.session
	s.serve(w)
	for n := uint64(1); n <= maxResults+1; n++ {
		s.first(n)
		s.answer(n, &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK})
	}
	if len(s.results) > maxResults {
		t.Errorf("results: got %d", len(s.results))
	}
	if s.results[1] != nil || s.results[maxResults+1] == nil || s.results[maxResults] == nil {
		t.Error("it is not the oldest that go")
	}
	sum := 0
	for _, body := range s.results {
		sum += len(body)
	}
	if sum != s.resultBytes {
		t.Errorf("bytes: counted %d, are %d", s.resultBytes, sum)
	}
	s.awaiting(maxResults + 2)
	if len(s.results) != 0 || s.resultBytes != 0 {
		t.Errorf("left: %d results, %d bytes", len(s.results), s.resultBytes)
	}
	big := &gatewayv1.Result{Message: string(make([]byte, record.MaxBody-100))}
	for n := uint64(maxResults + 2); n < maxResults+200; n++ {
		s.first(n)
		s.answer(n, big)
	}
	if s.resultBytes > maxResultBytes+record.MaxBody {
		t.Errorf("bytes: got %d", s.resultBytes)
	}
}

func TestOwedAnswerIsNotUnknown(t *testing.T) {
	l := newLink(t)
	w, _ := attachTo(l, 9)
	s := w.session
	s.serve(w)
	s.first(1)
	s.owe(1)
	s.first(1) // resent while the bind waits
	s.answer(1, &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK})
	r := record.NewReader(w.out.batches[0].Records)
	var got []gatewayv1.Status
	for r.Next() {
		result := &gatewayv1.Result{}
		if err := proto.Unmarshal(r.Result().Body, result); err != nil {
			t.Fatal(err)
		}
		got = append(got, result.GetStatus())
	}
	if len(got) != 1 || got[0] != gatewayv1.Status_STATUS_OK {
		t.Errorf("answers: got %v, want one OK", got)
	}
}

// While a worker's new stream is served the old one may not have been given up yet.
func TestDrainIsToldOnTheNewestStream(t *testing.T) {
	l := newLink(t)
	able := func(w *worker) { w.peer.Features = []string{record.FeatureDrain} }
	old, _ := attachTo(l, 9)
	able(old)
	if err := old.session.enter(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	old.session.exit()
	newest, _ := attachTo(l, 9)
	able(newest)
	if err := newest.session.enter(t.Context(), newest); err != nil {
		t.Fatal(err)
	}
	l.workers[old], l.workers[newest] = struct{}{}, struct{}{}
	const times = 64 // they are met in any order
	for range times {
		result := &gatewayv1.Result{}
		l.drainWorker(&gatewayv1.DrainWorker{Boot: 9}, result)
		if result.GetAffected() != 1 {
			t.Fatalf("got %v", result)
		}
	}
	if before, now := old.out.bytes, newest.out.bytes; before != 0 || now == 0 {
		t.Errorf("%d bytes for the old stream, %d for the new one", before, now)
	}
	newest.out.drop()
	result := &gatewayv1.Result{}
	if l.drainWorker(&gatewayv1.DrainWorker{Boot: 9}, result); result.GetAffected() != 0 || result.GetStatus() != gatewayv1.Status_STATUS_STALE {
		t.Errorf("nobody is there to be told: got %v", result)
	}
}
