package link_test

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

var routed = map[string]string{link.RouteLabel: link.RouteUser}

// belonging is a user who belongs to a node.
func (r *rig) belonging(node string) string {
	for i := 0; ; i++ {
		if user := fmt.Sprint("user", i); r.link.Home("", user) == node {
			return user
		}
	}
}

func TestConnsOfAUserGoToOneWorker(t *testing.T) {
	r := newRig(t)
	yes := &gatewayv1.OpenAnswer{User: "liubei"}
	team := map[string]*worker{}
	for _, node := range []string{"a", "b", "c"} {
		team[node] = r.attach(script{node: node, labels: routed, answer: yes})
	}
	r.serving(3)
	home := team[r.link.Home("", "liubei")]
	for i := range 12 {
		c := r.enter()
		c.text(fmt.Sprint(i))
		home.done(home.message(fmt.Sprint(i)))
	}
	if n := r.link.Stats().Picks[link.PickedByUser].Load(); n == 0 {
		t.Error("nobody was picked by his user")
	}
	if n := r.link.Stats().Redelivered.Load(); n != 0 {
		t.Errorf("redelivered %d", n)
	}
}

func TestBoundConnGoesHomeInOrder(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", labels: routed})
	c := r.enter()
	c.text("1")
	one := a.message("1")
	b := r.attach(script{node: "b", labels: routed})
	r.serving(2)
	user := r.belonging("b")
	c.text("2")
	two := a.message("2")
	if got := a.ask(bind(&gatewayv1.ConnRef{Conn: one.conn, Term: one.term}, user)); got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Fatalf("bind: %v", got)
	}
	c.text("3") // waits
	a.done(one, "reply 1")
	c.expect("reply 1")
	a.done(two, "reply 2")
	c.expect("reply 2")
	if e := a.next(record.KindRevoked); e.conn != one.conn || e.term != 2 {
		t.Errorf("at the first: %v", e)
	}
	if ctx := b.next(record.KindContext).context(); ctx.GetUser() != user || ctx.GetFacts() == nil {
		t.Errorf("context: got %v", ctx)
	}
	if e := b.message("3"); e.term != 2 || e.redelivered {
		t.Errorf("held event: got %v", e)
	}
	if n := r.link.Stats().Moves[link.Homed].Load(); n != 1 {
		t.Errorf("went home: %d", n)
	}
}

func TestWorkerThatComesTakesItsUsers(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", labels: routed, asks: true})
	const people = 20
	var conns []*client
	for i := range people {
		came := make(chan *client, 1)
		go func() { c, _ := r.tryKnock(); came <- c }()
		a.accept(a.next(record.KindOpen), &gatewayv1.OpenAnswer{User: fmt.Sprint("user", i)})
		conns = append(conns, <-came)
	}
	b := r.attach(script{node: "b", labels: routed})
	r.serving(2)
	gone := 0
	for i := range people {
		if r.link.Home("", fmt.Sprint("user", i)) == "b" {
			gone++
		}
	}
	if gone == 0 || gone == people {
		t.Fatalf("%d of %d belong to the second", gone, people)
	}
	for range gone {
		a.next(record.KindRevoked)
	}
	for i, c := range conns {
		c.t = t
		c.text(fmt.Sprint(i))
		home := map[string]*worker{"a": a, "b": b}[r.link.Home("", fmt.Sprint("user", i))]
		if e := home.next(record.KindMessage); e.body != fmt.Sprint(i) || e.redelivered {
			t.Errorf("user %d: got %v", i, e)
		}
	}
	if n := int(r.link.Stats().Moves[link.Homed].Load()); n != gone {
		t.Errorf("went home: %d, want %d", n, gone)
	}
}

// One worker that was started without the label changes nothing for the others' conns
// but where new ones go.
func TestAllMustWantUsersTogether(t *testing.T) {
	r := newRig(t)
	r.attach(script{node: "a", labels: routed, answer: &gatewayv1.OpenAnswer{User: "u"}})
	r.attach(script{node: "b", answer: &gatewayv1.OpenAnswer{User: "u"}})
	r.serving(2)
	for range 20 {
		r.enter()
	}
	if s := r.link.Stats(); s.Moves.Load() != 0 || s.Picks[link.PickedByUser].Load() != 0 || s.Picks[link.PickedByLoad].Load() != 20 {
		t.Errorf("moves %d, picked by user %d, by load %d", s.Moves.Load(), s.Picks[link.PickedByUser].Load(), s.Picks[link.PickedByLoad].Load())
	}
}

func TestOnlyWorkersWithTheLabelsAreGivenConns(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.WorkerLabels = map[string]string{"zone": "a"} })
	mine := r.attach(script{node: "mine", labels: map[string]string{"zone": "a", "more": "of them"}})
	other := r.attach(script{node: "other", labels: map[string]string{"zone": "b"}})
	none := r.attach(script{node: "none"})
	for range 8 {
		r.enter().text("hello")
		mine.message("hello")
	}
	if len(other.events)+len(none.events) > 0 || r.link.Serving() != 1 {
		t.Errorf("others got %d events; %d serve", len(other.events)+len(none.events), r.link.Serving())
	}
	other.ask(query(&gatewayv1.Query{Counts: true})) // what it says counts all the same
}
