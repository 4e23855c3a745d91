package link_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// pages reads a list from its first page to its last.
func pages(t *testing.T, w *worker, list *gatewayv1.List) (conns []*gatewayv1.ListedConn, names []string, n int) {
	t.Helper()
	for {
		got := w.ask(query(&gatewayv1.Query{List: list}))
		if got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetPage() == nil {
			t.Fatalf("%v: got %v", list, got)
		}
		conns, names, n = append(conns, got.GetPage().GetConns()...), append(names, got.GetPage().GetNames()...), n+1
		if list.After = got.GetPage().GetNext(); len(list.GetAfter()) == 0 {
			slices.Sort(names)
			return conns, names, n
		}
	}
}

func TestListsComeInPages(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	for i := range 6 {
		_, e := r.met(w)
		w.ask(bind(ref(e.conn, 0), fmt.Sprint("user-", i/2)))
		w.ask(join(target(ref(e.conn, 0)), "all", fmt.Sprint("g", i%3)))
		w.ask(session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: []byte{byte(i)}}))
	}
	of := gatewayv1.Listed_LISTED_CONNS
	conns, _, n := pages(t, w, &gatewayv1.List{Of: of, Limit: 4})
	if len(conns) != 6 || n != 2 || conns[0].GetContext().GetFacts() != nil || conns[0].GetContext().GetGroups() != nil || conns[0].GetContext().GetSession() != nil || conns[0].GetContext().GetUser() == "" {
		t.Errorf("%d pages: %v", n, conns)
	}
	conns, _, _ = pages(t, w, &gatewayv1.List{Of: of, Groups: []string{"g0", "all", "g1", "none"}, Limit: 1, WithFacts: true, WithGroups: true, WithSession: true})
	seen := map[uint64]bool{}
	for _, c := range conns {
		seen[c.GetConn()] = true
		if m := c.GetContext(); m.GetFacts().GetHost() == "" || len(m.GetGroups()) != 2 || len(m.GetSession()) != 1 || m.GetSessionVersion() != 1 {
			t.Errorf("got %v", m)
		}
	}
	if len(conns) != 6 || len(seen) != 6 {
		t.Errorf("%d conns in groups, %d of them different", len(conns), len(seen))
	}
	for _, test := range []struct {
		list *gatewayv1.List
		want string
	}{
		{&gatewayv1.List{Of: gatewayv1.Listed_LISTED_USERS, Limit: 2}, "[user-0 user-1 user-2]"},
		{&gatewayv1.List{Of: gatewayv1.Listed_LISTED_USERS, Groups: []string{"g0", "g2"}, Limit: 1}, "[user-0 user-1 user-2]"},
		{&gatewayv1.List{Of: gatewayv1.Listed_LISTED_USERS, Groups: []string{"g0"}}, "[user-0 user-1]"},
		{&gatewayv1.List{Of: gatewayv1.Listed_LISTED_GROUPS, Limit: 3}, "[all g0 g1 g2]"},
	} {
		if _, got, _ := pages(t, w, test.list); fmt.Sprint(got) != test.want {
			t.Errorf("got %v, want %s", got, test.want)
		}
	}
	got := w.ask(query(&gatewayv1.Query{Users: []string{"user-0"}, UserGroups: true, Groups: []string{"all"}}))
	groups := got.GetUsers()[0].GetGroups()
	if slices.Sort(groups); fmt.Sprint(groups) != "[all g0 g1]" || got.GetGroups()[0].GetDistinctUsers() != 3 || got.GetGroups()[0].GetConns() != 6 {
		t.Errorf("got %v", got)
	}
}

func TestPageEndsAt256KiB(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{answer: &gatewayv1.OpenAnswer{Session: make([]byte, 16<<10), HasSession: true}})
	for range 20 {
		r.met(w)
	}
	conns, _, n := pages(t, w, &gatewayv1.List{Of: gatewayv1.Listed_LISTED_CONNS, WithSession: true})
	if len(conns) != 20 || n != 2 {
		t.Errorf("%d conns in %d pages, want 20 in 2", len(conns), n)
	}
}

func TestListThatCannotBeAnsweredIsInvalid(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	for range 2 {
		r.met(w)
	}
	conns, users := gatewayv1.Listed_LISTED_CONNS, gatewayv1.Listed_LISTED_USERS
	after := w.ask(query(&gatewayv1.Query{List: &gatewayv1.List{Of: conns, Limit: 1}})).GetPage().GetNext()
	for name, list := range map[string]*gatewayv1.List{
		"of nothing":               {},
		"of what is not known":     {Of: 4},
		"groups of groups":         {Of: gatewayv1.Listed_LISTED_GROUPS, Groups: []string{"g"}},
		"too many groups":          {Of: conns, Groups: strings.Split(strings.Repeat("g", 1001), "")},
		"a page too large":         {Of: conns, Limit: 1001},
		"no cursor":                {Of: conns, After: []byte("xyz")},
		"the cursor of other ones": {Of: users, After: after},
		"the cursor of all":        {Of: conns, Groups: []string{"g"}, After: after},
		"a cursor cut short":       {Of: conns, After: after[:len(after)-1]},
	} {
		if got := w.ask(query(&gatewayv1.Query{List: list})); got.GetStatus() != gatewayv1.Status_STATUS_INVALID || got.GetMessage() == "" || got.GetPage() != nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
