package e2e

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// TestASendCostsOneCommandPerGatewayWithARecipient counts them on sixteen gateways: what
// the sender says that it gave away, and what each gateway says that it got.
func TestASendCostsOneCommandPerGatewayWithARecipient(t *testing.T) {
	t.Parallel()
	c := cast{gateways: 16, workers: 1}
	c.withDefaults()
	s := processes(t, c, func(cfg *local.Config) { plainly(t, cfg) })
	begin(t, s)
	send := s.Sender().Sender()

	people, ids := map[string]*person{}, map[string]connid.ID{}
	comes := func(gateway int, name, tag string, groups ...string) {
		before, _, err := send.ConnsOf(t.Context(), answer.User(tag, 0))
		must(t, err)
		people[name] = enter(t, s.URL(gateway), tag)
		now, _, err := send.ConnsOf(t.Context(), answer.User(tag, 0))
		must(t, err)
		for _, id := range now {
			if !slices.Contains(before, id) {
				ids[name] = id
			}
		}
		must(t, send.Join(t.Context(), ids[name], groups...))
	}
	comes(0, "ann", "ann", "trio")
	comes(3, "bob", "bob", "trio")
	comes(5, "cat", "cat", "trio", "pair")
	comes(6, "dan", "dan", "pair")
	comes(7, "dan too", "dan")
	comes(9, "eve", "eve")
	var hundred []string
	for i := range 100 {
		tag := fmt.Sprint("u", i)
		comes(10+i%4, tag, tag)
		hundred = append(hundred, answer.User(tag, 0))
	}
	for i := range tries { // a kick hits once
		tag := fmt.Sprint("v", i)
		comes(9, tag, tag)
		for _, at := range []int{0, 3, 5} {
			comes(at, fmt.Sprint(tag, "at", at), fmt.Sprint(tag, "at", at), "kicked"+tag)
		}
	}
	user := func(tag string) string { return answer.User(tag, 0) }
	everywhere := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

	toConns, toUsers, toGroups, toAll := sendsTo("conns"), sendsTo("users"), sendsTo("groups"), sendsTo("all")
	f := worker.Text("counted")
	hits := 0
	for _, c := range []count{
		{name: "a conn", metric: toConns, at: []int{6}, hit: 1, call: func(ctx context.Context, o worker.SendOption) error { return send.ToConn(ctx, ids["dan"], f, o) }},
		{name: "conns on two gateways", metric: toConns, at: []int{6, 9}, hit: 2, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToConns(ctx, []connid.ID{ids["dan"], ids["eve"]}, f, o)
		}},
		{name: "a user on one of sixteen", metric: toUsers, at: []int{9}, hit: 1, call: func(ctx context.Context, o worker.SendOption) error { return send.ToUser(ctx, user("eve"), f, o) }},
		{name: "a user on two", metric: toUsers, at: []int{6, 7}, hit: 2, call: func(ctx context.Context, o worker.SendOption) error { return send.ToUser(ctx, user("dan"), f, o) }},
		{name: "nobody", metric: toUsers, at: nil, hit: 0, call: func(ctx context.Context, o worker.SendOption) error { return send.ToUser(ctx, "nobody", f, o) }},
		{name: "two users and nobody", metric: toUsers, at: []int{5, 9}, hit: 2, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToUsers(ctx, []string{user("cat"), "nobody", user("eve")}, f, o)
		}},
		{name: "a hundred users on four", metric: toUsers, at: []int{10, 11, 12, 13}, hit: 100, call: func(ctx context.Context, o worker.SendOption) error { return send.ToUsers(ctx, hundred, f, o) }},
		{name: "two users but one", metric: toUsers, at: []int{5}, hit: 1, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToUsers(ctx, []string{user("cat"), user("eve")}, f, o, worker.ExceptUsers(user("eve")))
		}},
		{name: "a group on three", metric: toGroups, at: []int{0, 3, 5}, hit: 3, call: func(ctx context.Context, o worker.SendOption) error { return send.ToGroup(ctx, "trio", f, o) }},
		{name: "two groups that overlap", metric: toGroups, at: []int{0, 3, 5, 6}, hit: 4, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToGroups(ctx, []string{"trio", "pair"}, f, o)
		}},
		{name: "a group but a conn", metric: toGroups, at: []int{0, 3, 5}, hit: 2, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToGroup(ctx, "trio", f, o, worker.Except(ids["bob"], ids["eve"]))
		}},
		{name: "a group but two users", metric: toGroups, at: []int{0, 3, 5}, hit: 2, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToGroup(ctx, "trio", f, o, worker.ExceptUsers(user("bob"), user("eve")))
		}},
		{name: "everybody", metric: toAll, at: everywhere, hit: 126, call: func(ctx context.Context, o worker.SendOption) error { return send.ToAll(ctx, f, o) }},
		{name: "everybody but a user and a conn", metric: toAll, at: everywhere, hit: 124, call: func(ctx context.Context, o worker.SendOption) error {
			return send.ToAll(ctx, f, o, worker.ExceptUsers(user("eve")), worker.Except(ids["ann"]))
		}},
	} {
		hits += c.check(t, s)
	}
	must(t, send.ToAll(t.Context(), worker.Text("that was all")))
	for name, p := range people {
		for {
			m, err := p.ReadWithin(everything)
			if text := string(m.Payload); err != nil || text != "counted" && text != "that was all" {
				t.Fatalf("%s heard %q, %v", name, text, err)
			} else if text == "that was all" {
				break
			}
			hits--
		}
	}
	if hits != 0 {
		t.Errorf("%d more conns were hit than have heard it", hits)
	}
	// Commands that are no sends are counted together, and by the sender alone.
	for _, c := range []count{
		{name: "ask for a conn", at: []int{6}, ask: func(ctx context.Context, _ int) error {
			_, err := send.UserOf(ctx, ids["dan"])
			return err
		}},
		{name: "ask for a user on two", at: []int{6, 7}, ask: func(ctx context.Context, _ int) error {
			_, _, err := send.ConnsOf(ctx, user("dan"))
			return err
		}},
		{name: "ask whether nobody is online", ask: func(ctx context.Context, _ int) error {
			_, _, err := send.IsUserOnline(ctx, "nobody")
			return err
		}},
		{name: "ask how large a group on three is", at: []int{0, 3, 5}, ask: func(ctx context.Context, _ int) error {
			_, _, err := send.GroupSize(ctx, "trio")
			return err
		}},
		{name: "ask for the totals", at: everywhere, ask: func(ctx context.Context, _ int) error { _, err := send.Totals(ctx); return err }},
		{name: "put a user on two into a group", at: []int{6, 7}, ask: func(ctx context.Context, _ int) error {
			_, err := send.JoinUser(ctx, user("dan"), "new")
			return err
		}},
		{name: "put a hundred users on four into a group", at: []int{10, 11, 12, 13}, ask: func(ctx context.Context, _ int) error {
			_, err := send.JoinUsers(ctx, hundred, "new")
			return err
		}},
		{name: "kick a user", at: []int{9}, ask: func(ctx context.Context, try int) error {
			_, err := send.CloseUser(ctx, user(fmt.Sprint("v", try)), fault.CloseKicked, "")
			return err
		}},
		{name: "kick a group on three", at: []int{0, 3, 5}, ask: func(ctx context.Context, try int) error {
			_, err := send.KillGroup(ctx, fmt.Sprint("kickedv", try))
			return err
		}},
	} {
		c.metric = otherCommands
		c.check(t, s)
	}
}

// count is one call: what it costs, at which gateways, and how many conns it hits.
type count struct {
	name   string
	metric string // of the sender; it rises by one for each gateway in at
	at     []int
	hit    int
	call   func(ctx context.Context, o worker.SendOption) error // a send
	ask    func(ctx context.Context, try int) error             // or something else
}

func sendsTo(target string) string {
	return fmt.Sprintf("parley_worker_sends_total{target=%q}", target)
}

const otherCommands = "parley_worker_commands_total"

// tries is how often a call that cost too much is made again. A sender that was kept
// from running for most of a second trusts its routes no more, and asks further gateways.
const tries = 5

// check makes the call until it cost what it should, and returns how many conns were hit.
func (c count) check(t *testing.T, s *staged) (hits int) {
	t.Helper()
	for try := range tries {
		eventually(t, func() bool { return s.Sender().Stats().InStep == len(s.Gateways()) }, func() string { return "the sender is not in step" })
		before, applied := metricsOf(t, s.Sender()), sendsOf(t, s)
		var r worker.Result
		if c.ask != nil {
			must(t, c.ask(within(t, everything), try))
		} else {
			must(t, c.call(within(t, everything), worker.Await(&r)))
		}
		hits += r.Hit
		now := metricsOf(t, s.Sender())
		cost, sends := int(now[c.metric]-before[c.metric]), now.Sum("parley_worker_sends_total")-before.Sum("parley_worker_sends_total")
		wrong := ""
		for at, n := range sendsOf(t, s) { // a gateway without a recipient must not even be asked
			want := 0.0
			if c.call != nil && slices.Contains(c.at, at) {
				want = 1
			}
			sends -= n - applied[at]
			if got := n - applied[at]; got != want {
				wrong += fmt.Sprintf("; gateway %d got %g sends, want %g", at, got, want)
			}
		}
		switch {
		case r.Hit != c.hit || sends != 0 || cost < len(c.at):
			t.Errorf("%s: %d commands, %d conns hit, want %d and %d; %g sends have not arrived%s", c.name, cost, r.Hit, len(c.at), c.hit, sends, wrong)
			return hits
		case cost == len(c.at) && wrong == "":
			return hits
		}
		t.Logf("%s: %d commands, want %d%s", c.name, cost, len(c.at), wrong)
	}
	t.Errorf("%s: it cost too much %d times", c.name, tries)
	return hits
}

// metricsOf are those of a worker in this process.
func metricsOf(t *testing.T, w *worker.Worker) proc.Metrics {
	t.Helper()
	var page bytes.Buffer
	must(t, w.Stats().WriteMetrics(&page))
	return proc.ParseMetrics(page.String())
}

// sendsOf is how many sends each gateway says that it got.
func sendsOf(t *testing.T, s stage) (list []float64) {
	t.Helper()
	for _, g := range s.Gateways() {
		list = append(list, sum(t, []player{g}, "parley_gateway_sends_total"))
	}
	return list
}
