package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// TestAFrozenWorkerDoesNotHoldOthersUp has one store lock a conversation and then do
// nothing more, like a process that was stopped. Servers end its transaction by the
// settings that the store gave to its session. SQLite has no such setting: others are
// told that it is temporary, and go on when the process goes on or ends.
func TestAFrozenWorkerDoesNotHoldOthersUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		t.Parallel() // most of it is waiting
		frozen, other := d.Open(t), d.Open(t)
		p := people(t, other, "liubei", "guanyu", "zhangfei")
		g, err := addGroup(t, other, p[0], "group", p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere, err := other.OpenDirect(t.Context(), p[0], p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		// The transaction is begun past the store's own time limit for it, which a process
		// that is stopped does not keep.
		tx, err := frozen.Driver().BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(context.Background(), fmt.Sprintf("UPDATE conversations SET seq = 1000 WHERE id = '%s'", g.ID)); err != nil {
			t.Fatal(err)
		}

		// Reading waits for nobody, nor do other conversations where there are several locks.
		// The lock stays until that is done.
		hurry := unhurried(t, d, tx)
		if v, err := other.View(t.Context(), p[0], g.ID); err != nil || v.Seq != 1 {
			t.Errorf("view: %+v, %v", v, err)
		}
		if d.Name != "sqlite" {
			if _, err := other.Send(t.Context(), p[0], chat.Draft{Conversation: elsewhere.ID, Request: "elsewhere", Text: "hello"}); err != nil {
				t.Errorf("a send elsewhere: %v", err)
			}
		}
		hurry()
		began := time.Now()
		if d.Name == "sqlite" {
			if _, err := other.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[2].User}, "add"); err == nil || fault.CodeOf(err) != fault.Unavailable {
				t.Errorf("while it is frozen: %v, want unavailable", err)
			}
			if err := tx.Rollback(); err != nil {
				t.Error(err)
			}
		}
		var all sync.WaitGroup
		all.Go(func() {
			soon(t, "send", func() error {
				_, err := other.Send(t.Context(), p[1], chat.Draft{Conversation: g.ID, Request: "send", Text: "hello"})
				if err != nil && fault.CodeOf(err) == fault.Overloaded { // behind the one that waits for the lock
					err = fault.New(fault.Unavailable, "").Because(err)
				}
				return err
			})
		})
		all.Go(func() {
			soon(t, "add members", func() error {
				_, err := other.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[2].User}, "add")
				return err
			})
		})
		all.Wait()
		t.Logf("others went on after %v", time.Since(began))
		if d.Name == "sqlite" {
			if v, err := other.View(t.Context(), p[2], g.ID); err != nil || v.Seq != 3 {
				t.Errorf("after all: %+v, %v", v, err)
			}
			return
		}
		// It was the server that let go: the frozen one has not moved.
		if took := time.Since(began); took < 500*time.Millisecond {
			t.Errorf("after %v already: nothing was locked", took)
		}
		if err := tx.Commit(); err == nil {
			t.Error("the frozen transaction was committed after all")
		}
		if v, err := other.View(t.Context(), p[2], g.ID); err != nil || v.Seq != 3 {
			t.Errorf("after all: %+v, %v", v, err)
		}
	})
}

// patience are the statements that read and set how long a server lets a transaction
// stand still.
var patience = map[string]struct{ read, set string }{
	"postgres": {"SHOW idle_in_transaction_session_timeout", "SET idle_in_transaction_session_timeout = '%s'"},
	"mysql":    {"SELECT @@idle_transaction_timeout", "SET idle_transaction_timeout = %s"},
}

// unhurried has a server wait for a transaction until what is returned is called.
func unhurried(t *testing.T, d storetest.Database, tx *sql.Tx) (hurry func()) {
	set, ok := patience[d.Name]
	if !ok {
		return func() {}
	}
	var was string
	if err := tx.QueryRowContext(context.Background(), set.read).Scan(&was); err != nil {
		t.Logf("no setting of transactions: %v", err) // MySQL has one of conns, and is more patient
		return func() {}
	}
	want := func(value string) {
		if _, err := tx.ExecContext(context.Background(), fmt.Sprintf(set.set, value)); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
	want("0") // for ever
	return func() { want(was) }
}

// TestASlowTransactionIsGivenUp has a transaction wait for something that does not come,
// in a process that lives: the store itself ends it, on each database.
func TestASlowTransactionIsGivenUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		t.Parallel() // most of it is waiting
		slow, other := d.Open(t), d.Open(t)
		p := people(t, other, "liubei", "guanyu", "zhangfei", "zhaoyun")
		g, err := addGroup(t, other, p[0], "group", p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		locked, release := make(chan struct{}), make(chan struct{})
		var once sync.Once
		slow.BeforeWrite("messages", func() {
			once.Do(func() {
				close(locked)
				<-release
			})
		})
		var answer error
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, answer = slow.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[2].User}, "slow")
		})
		<-locked
		soon(t, "add members", func() error {
			_, err := other.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[3].User}, "other")
			return err
		})
		close(release)
		waiting.Wait()
		if answer == nil || fault.CodeOf(answer) != fault.Unavailable {
			t.Errorf("the slow one was told %v, want unavailable", answer)
		}
		if made, err := slow.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[2].User}, "slow"); err != nil || made.Duplicate || made.Seq != 3 || made.Members != 4 {
			t.Errorf("the same again: %+v, %v", made, err)
		}
	})
}
