package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// relay stands before a server and can make it look away.
type relay struct {
	t        *testing.T
	listener net.Listener
	server   string
	running  sync.WaitGroup

	mu      sync.Mutex
	conns   []net.Conn
	refuses bool
	stalled chan struct{} // closed when bytes pass again; nil: they do
	budget  int           // bytes that pass until all conns are cut, once; 0: never
}

// newRelay changes the database's URL to one that goes by the relay.
func newRelay(t *testing.T, d *storetest.Database) *relay {
	t.Helper()
	u, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, listener: l, server: u.Host}
	u.Host = l.Addr().String()
	d.URL = u.String()
	r.running.Go(r.accept)
	t.Cleanup(func() {
		l.Close()
		r.set(true, false)
		r.running.Wait()
	})
	return r
}

func (r *relay) accept() {
	for {
		up, err := r.listener.Accept()
		if err != nil {
			return
		}
		down, err := net.Dial("tcp", r.server)
		r.mu.Lock()
		if err != nil || r.refuses {
			up.Close()
			if err == nil {
				down.Close()
			}
			r.mu.Unlock()
			continue
		}
		r.conns = append(r.conns, up, down)
		r.mu.Unlock()
		r.running.Go(func() { r.pass(up, down) })
		r.running.Go(func() { r.pass(down, up) })
	}
}

func (r *relay) pass(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		stalled := r.stalled
		r.spend(n)
		r.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// spend cuts all conns when the budget is spent. mu is held.
func (r *relay) spend(n int) {
	if r.budget == 0 {
		return
	}
	if r.budget = max(r.budget-n, 0); r.budget > 0 {
		return
	}
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

// set refuses conns and cuts those there are, or lets no byte pass, or neither.
func (r *relay) set(refuses, stalls bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = refuses
	if r.stalled != nil {
		close(r.stalled)
		r.stalled = nil
	}
	if stalls {
		r.stalled = make(chan struct{})
	}
	if refuses {
		for _, c := range r.conns {
			c.Close()
		}
		r.conns = nil
	}
}

// strikes are the ways in which a database can be away, each with its healing.
func strikes(t *testing.T, d *storetest.Database) map[string]func() (heal func()) {
	if d.Name != "sqlite" {
		r := newRelay(t, d)
		return map[string]func() func(){
			"cut":   func() func() { r.set(true, false); return func() { r.set(false, false) } },
			"stall": func() func() { r.set(false, true); return func() { r.set(false, false) } },
		}
	}
	return map[string]func() func(){"another process holds the lock": func() func() {
		db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(d.URL, "sqlite:")+"?_txlock=immediate")
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = tx.Rollback(); _ = db.Close() }
	}}
}

// TestStartOutlivesACut cuts the conns of a process that starts after so and so many
// bytes: while it connects, migrates, reads its secret.
func TestStartOutlivesACut(t *testing.T) {
	t.Parallel()
	for _, server := range []func(testing.TB) storetest.Database{storetest.Postgres, storetest.MySQL} {
		d := server(t)
		r := newRelay(t, &d)
		for budget := 100; ; budget += budget / 3 {
			r.mu.Lock()
			r.budget = budget
			r.mu.Unlock()
			s := d.Open(t)
			if _, err := s.Secret(t.Context(), "of the test"); err != nil {
				t.Fatalf("%s: cut after %d bytes: the secret: %v", d.Name, budget, err)
			}
			r.mu.Lock()
			cut := r.budget == 0
			r.budget = 0
			r.mu.Unlock()
			s.Close() // its idle connections: a server has not so many as this needs cuts
			if !cut {
				break // not so many are needed
			}
		}
	}
}

// TestADatabaseThatIsAway: sends are answered soon, what is temporary as such, and when
// it is back everything goes on without a restart, nothing twice.
func TestADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		t.Parallel() // most of it is waiting
		all := strikes(t, &d)
		s := d.Open(t)
		room := chat.Conversation{ID: conversationID(1), Type: chat.Group}
		users := make([]chat.UserID, 40)
		for i := range users {
			users[i] = userID(i)
		}
		if err := s.Put(room, users...); err != nil {
			t.Fatal(err)
		}
		send := func(ctx context.Context, i int, request string) error {
			_, err := s.Send(ctx, chat.Caller{User: users[i]}, chat.Draft{Conversation: room.ID, Request: chat.RequestID(request), Text: request})
			return err
		}
		if err := send(t.Context(), 0, "before"); err != nil {
			t.Fatal(err)
		}
		want := []string{"before"}
		for name, strike := range all {
			heal := strike()
			var senders sync.WaitGroup
			began := time.Now()
			for i := range users {
				senders.Go(func() {
					err := send(context.Background(), i, fmt.Sprint(name, i))
					if err == nil || !fault.CodeOf(err).Temporary() {
						t.Errorf("%s: while it is away: %v", name, err)
					}
				})
				if i == 0 {
					time.Sleep(5 * time.Millisecond) // most find a transaction under way
				}
			}
			senders.Wait()
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("%s: answered after %v", name, took)
			}
			heal()
			for i := range users {
				request := fmt.Sprint(name, i)
				want = append(want, request)
				senders.Go(func() { // the same requests again: some may have been stored
					for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
						err := send(context.Background(), i, request)
						if err == nil {
							return
						}
						if !fault.CodeOf(err).Temporary() || time.Now().After(end) {
							t.Errorf("%s: when it is back: %v", name, err)
							return
						}
					}
				})
			}
			senders.Wait()
		}
		page, err := s.Messages(t.Context(), chat.Caller{User: users[0]}, room.ID, chat.Range{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, m := range page.Messages {
			got = append(got, m.Text)
			if m.Seq != chat.Seq(i+1) {
				t.Errorf("message %d has the number %d", i+1, m.Seq)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("stored: %v, want %v", got, want)
		}
	})
}

// TestOneBadRowFailsAlone sends what the database refuses in the middle of a batch.
// SQLite refuses nothing that gets here.
func TestOneBadRowFailsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		open func(testing.TB) storetest.Database
		text string
	}{
		"postgres": {storetest.Postgres, "a NUL: \x00"},
		"mysql":    {storetest.MySQL, strings.Repeat("a", 1<<16)},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.open(t).Open(t)
			const n = 32
			users := make([]chat.UserID, n)
			callers := make([]chat.Caller, n)
			drafts := make([]chat.Draft, n)
			for i := range n {
				users[i] = userID(i)
				callers[i] = chat.Caller{User: users[i]}
				drafts[i] = chat.Draft{Conversation: conversationID(1), Request: chat.RequestID(fmt.Sprint(i)), Text: "fine"}
			}
			drafts[13].Text = c.text
			if err := s.Put(chat.Conversation{ID: conversationID(1), Type: chat.Group}, users...); err != nil {
				t.Fatal(err)
			}
			stored, errs := s.SendTogether(callers, drafts)
			next := chat.Seq(1)
			for i := range n {
				if i == 13 {
					if errs[i] == nil || fault.CodeOf(errs[i]) != fault.Internal {
						t.Errorf("the bad one: %+v, %v", stored[i], errs[i])
					}
					continue
				}
				if errs[i] != nil || stored[i].Seq != next {
					t.Errorf("send %d: number %d, want %d, %v", i, stored[i].Seq, next, errs[i])
				}
				next++
			}
		})
	}
}

func TestWhoIsFarBehindIsToldWhereToStart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		id, caller := conversationID(1), chat.Caller{User: userID(0)}
		if err := s.Put(chat.Conversation{ID: id, Type: chat.Group}, caller.User); err != nil {
			t.Fatal(err)
		}
		if err := s.PutChanges(id, 5, 1010); err != nil { // rev n changed message n+4
			t.Fatal(err)
		}
		for after, want := range map[chat.Rev]chat.Seq{0: 5, 9: 14, 10: 0, 11: 0} {
			got, err := s.Changes(t.Context(), caller, id, after, 10)
			if err != nil || got.RefetchFrom != want || got.HeadRev != 1010 || len(got.Changes) != 0 && want > 0 {
				t.Errorf("after %d: %+v, %v; want to fetch from %d", after, got, err, want)
			}
		}
		// Nobody is told to start before what is there for them.
		late := userID(1)
		if err := s.Seat(id, late, true); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Changes(t.Context(), chat.Caller{User: late}, id, 0, 10); err != nil || got.RefetchFrom != 1015 {
			t.Errorf("late: %+v, %v", got, err)
		}
	})
}
