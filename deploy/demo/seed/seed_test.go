package seed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/store"

	"github.com/parley-im/parley/deploy/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: url, Relaxed: true, Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// views are the conversations of an account, by name; direct ones by the other's.
func views(t *testing.T, s chat.Store, name string) map[string]chat.View {
	t.Helper()
	a, err := s.AccountByName(t.Context(), "", name)
	if err != nil {
		t.Fatal(err)
	}
	list, more, err := s.Views(t.Context(), chat.Caller{User: a.ID}, "", 100)
	if err != nil || more {
		t.Fatal(err, more)
	}
	all := map[string]chat.View{}
	for _, v := range list {
		key := v.Name
		if v.Type == chat.Direct {
			us, err := s.Users(t.Context(), "", []chat.UserID{v.Peer}, nil)
			if err != nil {
				t.Fatal(err)
			}
			key = us[0].Name
		}
		if _, twice := all[key]; twice {
			t.Errorf("%s has two conversations called %s", name, key)
		}
		all[key] = v
	}
	return all
}

// whole checks that everything is there, once.
func whole(t *testing.T, s chat.Store) {
	t.Helper()
	for _, a := range demo.Accounts {
		account, err := s.AccountByName(t.Context(), "", a.Name)
		if err != nil {
			t.Fatal(err)
		}
		if account.Display != a.Display || account.Guest {
			t.Errorf("%s is shown as %q, want %q", a.Name, account.Display, a.Display)
		}
		all := views(t, s, a.Name)
		if all[chat.Lobby].Role == chat.Stranger {
			t.Errorf("%s is not in the lobby", a.Name)
		}
		unread := int64(0)
		for _, v := range all {
			unread += v.Unread()
		}
		if unread != 1 {
			t.Errorf("%s has %d unread, want one", a.Name, unread)
		}
	}
	for _, k := range talks {
		key := k.name
		if k.kind == chat.Direct {
			key = k.members[1]
		}
		v := views(t, s, k.members[0])[key]
		if v.Counted != int64(len(k.lines)) {
			t.Errorf("%s has %d messages, want %d", k.key, v.Counted, len(k.lines))
		}
	}
}

func TestEverybodyIsThereWithOneUnread(t *testing.T) {
	dir := t.TempDir()
	c := Config{Database: "sqlite:" + filepath.Join(dir, "chat.db"), Done: filepath.Join(dir, "seeded")}
	for range 2 {
		if err := Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, c.Database)
	whole(t, s)
	for _, a := range demo.Accounts {
		account, err := s.AccountByName(t.Context(), "", a.Name)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := auth.NewPasswords(0, 0).Verify(t.Context(), account.PasswordHash, demo.Password); !ok || err != nil {
			t.Errorf("%s cannot sign in: %v", a.Name, err)
		}
	}
	if err := os.Remove(c.Done); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	whole(t, open(t, c.Database))
}

// dying is a store of which the process is killed after so many writes: what comes after
// is not done, and of what is done nobody hears.
type dying struct {
	*store.Store
	left int
}

var errKilled = errors.New("killed")

func (d *dying) step() error {
	if d.left--; d.left < 0 {
		return errKilled
	}
	return nil
}

func (d *dying) AddUser(ctx context.Context, u chat.NewUser) (chat.Account, bool, error) {
	a, duplicate, err := d.Store.AddUser(ctx, u)
	return a, duplicate, errors.Join(err, d.step())
}

func (d *dying) OpenDirect(ctx context.Context, c chat.Caller, peer chat.UserID) (chat.Made, error) {
	m, err := d.Store.OpenDirect(ctx, c, peer)
	return m, errors.Join(err, d.step())
}

func (d *dying) AddConversation(ctx context.Context, c chat.Caller, n chat.NewConversation) (chat.Made, error) {
	m, err := d.Store.AddConversation(ctx, c, n)
	return m, errors.Join(err, d.step())
}

func (d *dying) Send(ctx context.Context, c chat.Caller, draft chat.Draft) (chat.Stored, error) {
	m, err := d.Store.Send(ctx, c, draft)
	return m, errors.Join(err, d.step())
}

func (d *dying) MarkRead(ctx context.Context, c chat.Caller, id chat.ConversationID, seq chat.Seq) (chat.View, bool, error) {
	v, moved, err := d.Store.MarkRead(ctx, c, id, seq)
	return v, moved, errors.Join(err, d.step())
}

func TestAKillAtAnyMomentIsMendedByTheNextStart(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "chat.db")
	s := open(t, url)
	for left := 0; ; left += 3 { // each go does again what the one before it did: all would take long
		err := Into(t.Context(), &dying{s, left})
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	whole(t, s)
}
