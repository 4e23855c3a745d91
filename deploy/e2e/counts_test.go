package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/worker"
)

// TestASendCostsOneCommandPerGatewayWithARecipient counts them on eight gateways.
func TestASendCostsOneCommandPerGatewayWithARecipient(t *testing.T) {
	play(t, cast{gateways: 8, workers: 1}, func(t *testing.T, s stage) {
		begin(t, s)
		w := s.Sender()
		send := w.Sender()
		ctx := within(t, everything)
		people := map[int]*person{}
		for _, at := range []int{0, 3, 5, 6} {
			people[at] = enter(t, s.URL(at), fmt.Sprint("p", at))
			ids, _, err := send.ConnsOf(ctx, answer.User(people[at].tag, 0))
			must(t, err)
			if at != 6 {
				must(t, send.Join(ctx, ids[0], "trio"))
			}
		}
		eventually(t, func() bool { return w.Stats().InStep == 8 }, func() string { return "the sender is not in step with all gateways" })

		for _, test := range []struct {
			name    string
			cost    int64
			send    func(worker.Frame, ...worker.SendOption) error
			counted func(worker.Stats) int64
			hit     []int
		}{
			{"a user on one of eight", 1, func(f worker.Frame, o ...worker.SendOption) error {
				return send.ToUser(ctx, answer.User("p6", 0), f, o...)
			}, func(st worker.Stats) int64 { return st.SendsToUsers }, []int{6}},
			{"nobody", 0, func(f worker.Frame, o ...worker.SendOption) error {
				return send.ToUser(ctx, "nobody", f, o...)
			}, func(st worker.Stats) int64 { return st.SendsToUsers }, nil},
			{"two users on two gateways", 2, func(f worker.Frame, o ...worker.SendOption) error {
				return send.ToUsers(ctx, []string{answer.User("p5", 0), answer.User("p6", 0), "nobody"}, f, o...)
			}, func(st worker.Stats) int64 { return st.SendsToUsers }, []int{5, 6}},
			{"a group on three", 3, func(f worker.Frame, o ...worker.SendOption) error {
				return send.ToGroup(ctx, "trio", f, o...)
			}, func(st worker.Stats) int64 { return st.SendsToGroups }, []int{0, 3, 5}},
			{"everybody", 8, func(f worker.Frame, o ...worker.SendOption) error {
				return send.ToAll(ctx, f, o...)
			}, func(st worker.Stats) int64 { return st.SendsToAll }, []int{0, 3, 5, 6}},
		} {
			before, applied := test.counted(w.Stats()), sendsOf(t, s)
			var result worker.Result
			must(t, test.send(worker.Text(test.name), worker.Await(&result)))
			if cost := test.counted(w.Stats()) - before; cost != test.cost || result.Hit != len(test.hit) {
				t.Errorf("%s: %d commands, %d conns hit; want %d and %d", test.name, cost, result.Hit, test.cost, len(test.hit))
			}
			// A gateway without a recipient must not even be asked; all are for everybody.
			for at, n := range sendsOf(t, s) {
				want := 0.0
				if slices.Contains(test.hit, at) || test.cost == 8 {
					want = 1
				}
				if got := n - applied[at]; got != want {
					t.Errorf("%s: gateway %d got %g commands, want %g", test.name, at, got, want)
				}
			}
			for _, at := range test.hit {
				if m, err := people[at].ReadWithin(everything); err != nil || string(m.Payload) != test.name {
					t.Errorf("%s: p%d heard %q, %v", test.name, at, m.Payload, err)
				}
			}
		}
	})
}

// sendsOf is how many sends each gateway says that it got.
func sendsOf(t *testing.T, s stage) (list []float64) {
	t.Helper()
	for _, g := range s.Gateways() {
		list = append(list, sum(t, []player{g}, "parley_gateway_sends_total"))
	}
	return list
}
