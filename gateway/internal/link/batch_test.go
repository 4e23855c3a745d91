package link_test

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/link"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

func batch(commands ...*gatewayv1.Command) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Batch{Batch: &gatewayv1.Batch{Commands: commands}}}
}

func statuses(r *gatewayv1.Result) (all []gatewayv1.Status) {
	for _, one := range r.GetResults() {
		all = append(all, one.GetStatus())
	}
	return all
}

const (
	ok      = gatewayv1.Status_STATUS_OK
	stale   = gatewayv1.Status_STATUS_STALE
	moved   = gatewayv1.Status_STATUS_MOVED
	invalid = gatewayv1.Status_STATUS_INVALID
)

// What one command of a batch is answered changes nothing for the next.
func TestBatchAnswersEachOfItsCommands(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	one, e1 := r.met(w)
	_, e2 := r.met(w)
	got := w.ask(batch(
		bind(ref(e1.conn, 0), "u"),
		bind(ref(99, 0), "u"),
		bind(ref(e2.conn, e2.term+1), "u"),
		join(target(ref(e1.conn, e1.term)), "g", "h"),
		join(target(ref(e2.conn, 0)), ""),
		query(&gatewayv1.Query{Counts: true}),
		batch(bind(ref(e2.conn, 0), "u")),
		session(ref(e1.conn, 0), &gatewayv1.SessionWrite{Session: []byte("s")}),
		&gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: target(ref(e1.conn, 0)), Groups: []string{"h"}}}},
		&gatewayv1.Command{},
		&gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{
			Target: target(ref(e1.conn, 0)), Close: &gatewayv1.CloseConn{Code: 4000, Last: &gatewayv1.Frame{Payload: []byte("bye")}},
		}}},
	))
	want := []gatewayv1.Status{ok, stale, moved, ok, invalid, invalid, invalid, ok, ok, gatewayv1.Status_STATUS_UNIMPLEMENTED, ok}
	if got.GetStatus() != ok || !slices.Equal(statuses(got), want) {
		t.Fatalf("got %v", got)
	}
	if r.hub.UserLen("u") != 1 || r.hub.GroupLen("g") != 1 || r.hub.GroupLen("h") != 0 || got.GetResults()[7].GetSessionVersion() != 1 {
		t.Errorf("after it: %d of the user, %d and %d of the groups, %v", r.hub.UserLen("u"), r.hub.GroupLen("g"), r.hub.GroupLen("h"), got.GetResults()[7])
	}
	one.expect("bye")
	one.expectClose(4000)
}

func TestBatchIsBounded(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	_, e := r.met(w)
	if got := w.ask(batch()); got.GetStatus() != invalid || got.GetMessage() == "" {
		t.Errorf("of nothing: got %v", got)
	}
	many := slices.Repeat([]*gatewayv1.Command{bind(ref(e.conn, 0), "u")}, 1001)
	if got := w.ask(batch(many...)); got.GetStatus() != invalid || len(got.GetResults()) != 0 || r.hub.UserOnline("u") {
		t.Errorf("of 1,001: got %v", got)
	}
	if got := w.ask(batch(many[:1000]...)); got.GetStatus() != ok || len(got.GetResults()) != 1000 {
		t.Errorf("of 1,000: got %v with %d results", got.GetStatus(), len(got.GetResults()))
	}
}

// The one answer of a batch comes when no worker can miss any of its routes, and a batch
// that comes again is answered from memory.
func TestBatchIsAnsweredWhenAllHaveItsRoutes(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	_, e := r.met(a)
	slow := r.attach(script{node: "slow", noAcks: true})
	do := batch(
		bind(ref(e.conn, 0), "u"),
		join(target(ref(e.conn, 0)), "g"),
		&gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: target(ref(e.conn, 0)), Groups: []string{"nowhere"}}}},
	)
	began := time.Now()
	n := a.command(do)
	slow.until("the deltas", func() bool { return slow.routes["user u"] && slow.routes["group g"] })
	if got := a.result(n); !slices.Equal(statuses(got), []gatewayv1.Status{ok, ok, ok}) {
		t.Errorf("got %v", got)
	}
	if took := time.Since(began); took < link.SettleWait { // the slow one's lease may not be over
		t.Errorf("answered after %v, before everybody knows the routes", took)
	}
	a.resend(n, do)
	a.until("the answer again", func() bool { return a.answers[n] == 2 })
}
