package store_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// soon calls do until it has nothing against it. What it says until then has to be
// Unavailable.
func soon(t *testing.T, what string, do func() error) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := do()
		switch {
		case err == nil:
			return
		case fault.CodeOf(err) != fault.Unavailable:
			t.Fatalf("%s: %v", what, err)
		case time.Now().After(end):
			t.Fatalf("%s: still %v", what, err)
		}
	}
}

// lines is a log that tests read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) to(c *store.Config) { c.Log = slog.New(slog.NewTextHandler(l, nil)) }

func TestOpenWaitsForTheDatabase(t *testing.T) {
	servers(t, func(t *testing.T, d storetest.Database) {
		relay := newRelay(t, &d)
		relay.set(true, false)
		var log lines
		opened := make(chan *store.Store)
		go func() { opened <- d.Open(t, log.to) }()
		for !strings.Contains(log.String(), "waiting for the database") {
			time.Sleep(time.Millisecond)
		}
		relay.set(false, false)
		if err := (<-opened).Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "waiting"); n != 1 {
			t.Errorf("it was said %d times that it waits:\n%s", n, log.String())
		}
	})
}

func TestOpenEndsWithItsContext(t *testing.T) {
	servers(t, func(t *testing.T, d storetest.Database) {
		newRelay(t, &d).set(true, false)
		ctx, cancel := context.WithCancel(t.Context())
		var log lines
		cfg := store.Config{URL: d.URL}
		log.to(&cfg)
		ended := make(chan error)
		go func() {
			_, err := store.Open(ctx, cfg)
			ended <- err
		}()
		for !strings.Contains(log.String(), "waiting for the database") {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-ended; err == nil {
			t.Error("opened what is not there")
		}
	})
}

func TestWhatIsAMistakeIsNotWaitedFor(t *testing.T) {
	for _, bad := range []string{"sqlite:/no/such/folder/chat.db", storetest.SQLite(t).URL + "/inside/a/file"} {
		if _, err := store.Open(t.Context(), store.Config{URL: bad}); err == nil {
			t.Errorf("opened %s", bad)
		}
	}
	servers(t, func(t *testing.T, d storetest.Database) {
		if _, err := store.Open(t.Context(), store.Config{URL: strings.Replace(d.URL, "parley_test", "parley_nowhere", 1)}); err == nil {
			t.Error("opened a database that nobody made")
		}
	})
}

func TestDatabaseGoesAwayAndComesBack(t *testing.T) {
	servers(t, func(t *testing.T, d storetest.Database) {
		relay := newRelay(t, &d)
		s := d.Open(t)
		p := people(t, s, "liubei", "guanyu")
		direct, err := s.OpenDirect(t.Context(), p[0], p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		relay.set(true, false)
		send := func(request string) error {
			_, err := s.Send(t.Context(), p[0], chat.Draft{Conversation: direct.ID, Request: chat.RequestID(request), Text: "hello"})
			return err
		}
		for name, do := range map[string]func() error{
			"send":             func() error { return send("away") },
			"view":             func() error { _, err := s.View(t.Context(), p[0], direct.ID); return err },
			"open direct":      func() error { _, err := s.OpenDirect(t.Context(), p[0], p[0].User); return err },
			"account":          func() error { _, err := s.AccountByName(t.Context(), "", "liubei"); return err },
			"heads":            func() error { _, err := s.Heads(t.Context(), p[0], chat.Cursor{}, 10); return err },
			"add conversation": func() error { _, err := addGroup(t, s, p[0], "away"); return err },
			"lag":              func() error { _, err := s.Lag(t.Context()); return err },
			"purge":            func() error { return s.Purge(t.Context()) },
			"claim":            func() error { _, err := s.Claim(t.Context(), 1, nil); return err },
		} {
			if err := do(); err == nil || fault.CodeOf(err) != fault.Unavailable {
				t.Errorf("%s: %v, want unavailable", name, err)
			}
		}
		if err := s.Ready(t.Context()); err == nil {
			t.Error("ready without a database")
		}
		relay.set(false, false)
		soon(t, "send", func() error { return send("back") })
		soon(t, "view", func() error {
			v, err := s.View(t.Context(), p[1], direct.ID)
			if err == nil && v.Seq != 1 {
				t.Errorf("head %d, want the one that was sent since", v.Seq)
			}
			return err
		})
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("ready: %v", err)
		}
	})
}

// TestConnsThatWereEndedHeal has the server end all conns, in the middle of what they do.
func TestConnsThatWereEndedHeal(t *testing.T) {
	servers(t, func(t *testing.T, d storetest.Database) {
		s, operator := d.Open(t), d.Open(t)
		p := people(t, s, "liubei", "guanyu")
		g, err := addGroup(t, s, p[0], "group", p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		end := func() {
			list := "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
			kill := "SELECT pg_terminate_backend(%d)"
			if d.Name == "mysql" {
				list = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
				kill = "KILL %d"
			}
			rows, err := operator.Driver().QueryContext(context.Background(), list)
			if err != nil {
				t.Error(err)
				return
			}
			defer rows.Close()
			var ids []int64
			for rows.Next() {
				var id int64
				if err := rows.Scan(&id); err != nil {
					t.Error(err)
				}
				ids = append(ids, id)
			}
			if err := rows.Err(); err != nil {
				t.Error(err)
			}
			for _, id := range ids {
				_, _ = operator.Driver().ExecContext(context.Background(), fmt.Sprintf(kill, id)) // it may have gone
			}
		}
		var once sync.Once
		s.BeforeWrite("messages", func() { once.Do(end) }) // in a transaction that holds the lock
		var made chat.Made
		soon(t, "add members", func() (err error) {
			made, err = s.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{people(t, operator, "zhangfei")[0].User}, "add")
			return err
		})
		if made.Seq != 2 || made.Members != 3 {
			t.Errorf("after the second try: %+v", made)
		}
		end()
		soon(t, "view", func() error { _, err := s.View(t.Context(), p[0], g.ID); return err })
	})
}

// TestOtherVersionMigratesUnderStatements changes a table as the next version would,
// while this one has statements prepared for it.
func TestOtherVersionMigratesUnderStatements(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s, next := d.Open(t), d.Open(t)
		p := people(t, s, "liubei", "guanyu")
		g, err := addGroup(t, s, p[0], "group", p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		use := func(request string) {
			t.Helper()
			if _, err := s.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[1].User}, chat.RequestID(request)); err != nil {
				t.Errorf("add members: %v", err)
			}
			if _, _, err := s.AddUser(t.Context(), chat.NewUser{User: chat.User{Name: "GuanYu"}, PasswordHash: "hash", Request: "x"}); fault.CodeOf(err) != fault.Conflict {
				t.Errorf("add user: %v", err)
			}
			if _, err := s.OpenDirect(t.Context(), p[0], p[0].User); err != nil {
				t.Errorf("open direct: %v", err)
			}
			if _, err := s.Send(t.Context(), p[0], chat.Draft{Conversation: g.ID, Request: chat.RequestID(request), Text: "hello"}); err != nil {
				t.Errorf("send: %v", err)
			}
			if _, err := s.Messages(t.Context(), p[0], g.ID, chat.Range{Limit: 10}); err != nil {
				t.Errorf("messages: %v", err)
			}
			if _, err := s.AccountByName(t.Context(), "", "liubei"); err != nil {
				t.Errorf("account: %v", err)
			}
			if _, _, err := s.Attendances(t.Context(), p[0], g.ID, "", 10); err != nil {
				t.Errorf("attendances: %v", err)
			}
		}
		for i := range 3 {
			use(fmt.Sprint("before-", i))
		}
		for _, table := range []string{"users", "conversations", "members", "messages", "outbox", "requests"} {
			if _, err := next.Driver().ExecContext(t.Context(), "ALTER TABLE "+table+" ADD COLUMN later bigint"); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			use(fmt.Sprint("after-", i))
		}
	})
}

func TestNewerDatabaseIsUsedAndSaidSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		next := d.Open(t)
		if _, err := next.Driver().ExecContext(t.Context(), "INSERT INTO parley_migrations (version_id, is_applied) VALUES (99, "+map[bool]string{true: "true", false: "1"}[d.Name == "postgres"]+")"); err != nil {
			t.Fatal(err)
		}
		var log lines
		people(t, d.Open(t, log.to), "liubei")
		if !strings.Contains(log.String(), "newer than this program") {
			t.Errorf("nothing was said of it: %s", log.String())
		}
	})
}

func addGroup(t *testing.T, s *store.Store, c chat.Caller, request string, users ...chat.UserID) (chat.Made, error) {
	t.Helper()
	return s.AddConversation(t.Context(), c, chat.NewConversation{Type: chat.Group, Name: request, Users: users, Request: chat.RequestID(request)})
}
