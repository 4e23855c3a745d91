package link_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/parley-im/parley/gateway/internal/hub"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// Whatever is bound, joined and taken back while workers attach: in the end
// every table is the truth, and the gateway knows that it is.
func TestTablesEndInTheTruth(t *testing.T) {
	const conns, rounds, names = 8, 150, 30
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := newRig(t)
	w := r.attach(script{node: "w"})
	var ids []uint64
	for range conns {
		_, e := r.met(w)
		w.done(e)
		ids = append(ids, e.conn)
	}
	var busy sync.WaitGroup
	for i, id := range ids {
		api, err := r.tryAttach(script{node: fmt.Sprint("api", i), noEvents: true})
		if err != nil {
			t.Fatal(err)
		}
		busy.Go(func() {
			dice := rand.New(rand.NewPCG(seed, uint64(i)))
			c := ref(id, 0)
			for range rounds {
				name := fmt.Sprint(dice.IntN(names))
				var do *gatewayv1.Command
				switch dice.IntN(4) {
				case 0:
					do = bind(c, name)
				case 1:
					do = &gatewayv1.Command{Do: &gatewayv1.Command_Unbind{Unbind: &gatewayv1.Unbind{Conn: c}}}
				case 2:
					do = join(target(c), name, name+"'")
				case 3:
					do = &gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: target(c), Groups: []string{name}}}}
				}
				api.command(do) // several under way
			}
			api.result(rounds)
		})
	}
	var tables []*worker
	for i := range 12 {
		tables = append(tables, r.attach(script{node: fmt.Sprint("t", i), noEvents: true}))
	}
	busy.Wait()
	truth := map[string]bool{}
	for _, kind := range []hub.Kind{hub.User, hub.Group} {
		_, more := r.hub.NamePage(kind, nil, "", func(name string) bool {
			truth[fmt.Sprint(kind, " ", name)] = true
			return true
		})
		if more {
			t.Fatalf("the %vs are more than one page", kind)
		}
	}
	last := r.hub.Seq()
	for _, table := range append(tables, w) {
		table.until("the last delta", func() bool { return table.seq >= last })
		table.look(func() {
			if len(table.routes) != len(truth) {
				t.Errorf("%s: %d routes, want %d", table.script.node, len(table.routes), len(truth))
			}
			for name := range truth {
				if !table.routes[name] {
					t.Errorf("%s misses %s", table.script.node, name)
				}
			}
		})
	}
}

// The claim of the whole machine, at one gateway: after the answer to a bind every
// worker in step has the route. The tables here acknowledge as the SDK does.
func TestRouteIsThereWhenTheBindIsAnswered(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	b := r.attach(script{node: "b", noEvents: true})
	_, e := r.met(a)
	for i := range 300 {
		user := fmt.Sprint("user ", i)
		a.ask(bind(ref(e.conn, e.term), user))
		b.look(func() {
			if !b.routes["user "+user] {
				t.Errorf("bind %d is answered and the route is not known", i)
			}
		})
		if i%50 == 0 { // and while others come and go
			r.attach(script{node: "guest", noEvents: true}).leave()
		}
	}
}
