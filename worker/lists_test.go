package worker_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// read reads a list to its end.
func read[T any](t *testing.T, l *worker.Listing[T]) (all []T) {
	t.Helper()
	all = slices.Collect(l.All())
	if l.Err() != nil || l.Lost() != nil || l.Position() != "" {
		t.Fatalf("got %v, lost %q, at %q", l.Err(), l.Lost(), l.Position())
	}
	return all
}

func sorted(names []string) string {
	slices.Sort(names)
	return fmt.Sprint(names)
}

func TestListsOfAllGatewaysNameEachOnce(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(5))
	ids := make(map[connid.ID]int)
	for i := range 30 { // at each gateway in turn
		ids[h.Dial(fmt.Sprintf("/?user=user-%d&group=all&group=g%d", i/6, i%2)).ID()] = i
	}
	ctx, s := t.Context(), h.Sender()
	for _, size := range []int{1, 4, 1000} {
		seen := make(map[connid.ID]bool)
		for _, c := range read(t, s.Conns(ctx, worker.PageSize(size))) {
			if i, ok := ids[c.ID]; !ok || seen[c.ID] || c.User != fmt.Sprint("user-", i/6) || c.Facts != nil || c.Groups != nil {
				t.Errorf("got %+v", c)
			}
			seen[c.ID] = true
		}
		if len(seen) != len(ids) {
			t.Errorf("%d conns, want %d", len(seen), len(ids))
		}
		if got := sorted(read(t, s.Users(ctx, worker.PageSize(size)))); got != "[user-0 user-1 user-2 user-3 user-4]" {
			t.Errorf("users: %s", got)
		}
		if got := sorted(read(t, s.Groups(ctx, worker.PageSize(size)))); got != "[all g0 g1]" {
			t.Errorf("groups: %s", got)
		}
	}
	of := read(t, s.Conns(ctx, worker.InGroups("g0", "all", "none"), worker.WithFacts(), worker.WithGroups()))
	if len(of) != 30 || of[0].Facts.Path != "/" || len(of[0].Groups) != 2 {
		t.Errorf("%d conns of groups: %+v", len(of), of[0])
	}
	if got := read(t, s.Users(ctx, worker.InGroups("none"))); got != nil {
		t.Errorf("users of a group that is not: %q", got)
	}
}

func TestListOfSomeGatewaysNamesThoseThatAreNot(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(3))
	at := make(map[uint64]int) // conns by gateway
	for range 12 {
		at[h.Dial("/").ID().Gateway]++
	}
	totals, err := h.Sender().Totals(t.Context())
	if err != nil || len(at) != 3 {
		t.Fatalf("conns at %v, %v", at, err)
	}
	nodes := slices.Sorted(maps.Keys(totals.Gateways))
	position, seen := "", make(map[connid.ID]bool)
	for more := true; more; {
		l := h.Sender().Conns(t.Context(), worker.OnGateways(nodes[0], "gone", nodes[2]), worker.Limit(3), worker.From(position))
		for c := range l.All() {
			if seen[c.ID] {
				t.Errorf("%v was listed twice", c.ID)
			}
			seen[c.ID] = true
		}
		if err := l.Err(); err != nil || !slices.Equal(l.Lost(), []string{"gone"}) {
			t.Errorf("lost %q, %v", l.Lost(), err)
		}
		position = l.Position()
		more = position != ""
	}
	got := make(map[uint64]int)
	for id := range seen {
		got[id.Gateway]++
	}
	for boot, n := range got {
		if n != at[boot] {
			t.Errorf("%d conns of a gateway that has %d", n, at[boot])
		}
	}
	if want := totals.Gateways[nodes[0]].Conns + totals.Gateways[nodes[2]].Conns; len(seen) != want || len(got) != 2 {
		t.Errorf("%d conns of %d gateways, want %d of 2", len(seen), len(got), want)
	}
}

// What a page of HTTP does: a limit, and a position that goes on.
func TestListGoesOnWhereAnotherStood(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(3))
	for range 20 {
		h.Dial("/")
	}
	seen := make(map[connid.ID]bool)
	position, pages := "", 0
	for more := true; more; pages++ {
		l := h.Sender().Conns(t.Context(), worker.Limit(7), worker.PageSize(3), worker.From(position))
		n := 0
		for c := range l.All() {
			if n++; seen[c.ID] {
				t.Errorf("%v was listed twice", c.ID)
			}
			seen[c.ID] = true
		}
		if l.Err() != nil || l.Lost() != nil || n > 7 || n == 0 {
			t.Fatalf("a page of %d: %v, lost %q", n, l.Err(), l.Lost())
		}
		position = l.Position()
		more = position != ""
	}
	if len(seen) != 20 || pages != 3 {
		t.Errorf("%d conns in %d pages", len(seen), pages)
	}
	// A loop that is left goes on at the last whole page.
	l := h.Sender().Conns(t.Context())
	for range l.All() {
		break
	}
	if rest := read(t, h.Sender().Conns(t.Context(), worker.From(l.Position()))); len(rest) != 20 {
		t.Errorf("after a loop that was left at once: %d", len(rest))
	}
	// A gateway that has left is named, and the others are listed.
	l = h.Sender().Conns(t.Context(), worker.Limit(1))
	for range l.All() { // one
	}
	h.LoseGateway(1)
	inStep(t, h, 2)
	rest := h.Sender().Conns(t.Context(), worker.From(l.Position()))
	if n := len(slices.Collect(rest.All())); rest.Err() != nil || fmt.Sprint(rest.Lost()) != "[gateway-1]" || n < 12 || n > 14 {
		t.Errorf("%d conns, lost %q, %v", n, rest.Lost(), rest.Err())
	}
}

func TestGatewayThatStandsStillDelaysNoList(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(3))
	for range 9 {
		h.Dial("/?user=ann&group=g")
	}
	inStep(t, h, 3)
	thaw := h.FreezeGateway(1)
	defer thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	l := h.Sender().Conns(ctx, worker.PageSize(1))
	n := 0
	for range l.All() {
		if n++; n == 6 && ctx.Err() != nil {
			t.Error("the others came after the deadline")
		}
	}
	if n != 6 || fmt.Sprint(l.Lost()) != "[gateway-1]" {
		t.Errorf("%d conns, lost %q, %v", n, l.Lost(), l.Err())
	}
	if online, lost, err := h.Sender().IsUserOnline(t.Context(), "ann"); !online || lost != nil || err != nil {
		t.Errorf("a user whom others have: %t, %q, %v", online, lost, err)
	}
	if l.Position() == "" {
		return // its link was down before the deadline
	}
	thaw()
	if rest := read(t, h.Sender().Conns(t.Context(), worker.From(l.Position()))); len(rest) != 3 {
		t.Errorf("when it goes on: %d conns, want its 3", len(rest))
	}
}

// How long the caller takes with a page makes no gateway slow: those whose pages lie
// there are not asked for more beside them.
func TestSlowReaderOfAListHoldsFourPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := workertest.New(t, byQuery, workertest.WithGateways(16))
		for range 16 {
			h.Dial("/")
		}
		inStep(t, h, 16)
		before := h.Worker().Stats().Commands
		n := int64(0)
		for range h.Sender().Conns(t.Context()).All() {
			time.Sleep(600 * time.Millisecond)
			if asked := h.Worker().Stats().Commands - before; asked > n+4 {
				t.Fatalf("%d pages are asked for when %d have been read", asked, n)
			}
			n++
		}
		if n != 16 {
			t.Errorf("%d conns", n)
		}
	})
}

func TestListIsReadOnce(t *testing.T) {
	h := workertest.New(t, byQuery)
	for range 3 {
		h.Dial("/")
	}
	for name, opts := range map[string][]worker.ListOption{"whole": nil, "limited": {worker.Limit(2)}} {
		l := h.Sender().Conns(t.Context(), opts...)
		first := len(slices.Collect(l.All()))
		position := l.Position()
		if first < 2 || l.Err() != nil {
			t.Fatalf("%s: %d conns, %v", name, first, l.Err())
		}
		for range l.All() {
			t.Fatalf("%s: the second range has something", name)
		}
		if fault.CodeOf(l.Err()) != fault.Invalid || l.Position() != position {
			t.Errorf("%s: %v, at %q", name, l.Err(), l.Position())
		}
	}
}

func TestListThatCannotBeIsInvalid(t *testing.T) {
	h := workertest.New(t, byQuery)
	h.Dial("/")
	h.Dial("/")
	ctx, s := t.Context(), h.Sender()
	l := s.Conns(ctx, worker.Limit(1))
	for range l.All() { // one
	}
	for name, opt := range map[string]worker.ListOption{
		"page of none": worker.PageSize(0), "page too large": worker.PageSize(1001), "limit of none": worker.Limit(0),
		"position": worker.From("x"), "position of conns": worker.From(l.Position()), "groups of groups": worker.InGroups("g"),
	} {
		got := s.Groups(ctx, opt)
		if n := len(slices.Collect(got.All())); n > 0 || fault.CodeOf(got.Err()) != fault.Invalid {
			t.Errorf("%s: %d entries, %v", name, n, got.Err())
		}
	}
}

func TestQuestionsAboutConnsUsersAndGroups(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b := h.Dial("/?user=ann&group=g&group=h"), h.Dial("/?user=ann&group=g&group=i")
	nobody := h.Dial("/?group=g")
	ctx, s := t.Context(), h.Sender()
	if user, err := s.UserOf(ctx, a.ID()); user != "ann" || err != nil {
		t.Errorf("user: %q, %v", user, err)
	}
	if groups, err := s.GroupsOf(ctx, b.ID()); sorted(groups) != "[g i]" || err != nil {
		t.Errorf("groups: %q, %v", groups, err)
	}
	got, err := s.UserGroups(ctx, "ann", "bob", "ann")
	if err != nil || len(got.Groups) != 1 || sorted(got.Groups["ann"]) != "[g h i]" || got.Lost != nil {
		t.Errorf("groups of users: %+v, %v", got, err)
	}
	sizes, err := s.GroupSizes(ctx, "g", "i", "none")
	if want := map[string]worker.GroupSize{"g": {Conns: 3, Users: 2}, "i": {Conns: 1, Users: 1}}; err != nil || fmt.Sprint(sizes.Groups) != fmt.Sprint(want) {
		t.Errorf("sizes: %+v, %v", sizes, err)
	}
	nobody.Close(1000, "")
	h.Settle()
	for c, want := range map[*workertest.Conn]bool{a: true, nobody: false} {
		if online, err := s.IsOnline(ctx, c.ID()); online != want || err != nil {
			t.Errorf("online: %t, %v; want %t", online, err, want)
		}
	}
	if online, lost, err := s.IsUserOnline(ctx, "bob"); online || lost != nil || err != nil {
		t.Errorf("bob: %t, %q, %v", online, lost, err)
	}
}
