package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

func TestClosingAgainDoesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t) // which closes it, too
		s.Close()
		s.Close()
		_, err := s.Send(t.Context(), chat.Caller{User: userID(0)}, chat.Draft{Conversation: conversationID(1), Request: "r", Text: "hello"})
		if err == nil || fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a send after that: %v, want unavailable", err)
		}
	})
}

func TestTwoProcessesMigrateAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := d.Open(t).Ready(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// TestWhatADeadProcessBeganToMigrateIsEnded leaves a database as one does that was killed
// at a bad moment: where statements that make tables are committed one by one, there is
// the first half of them, and a table of steps in which nothing is written.
func TestWhatADeadProcessBeganToMigrateIsEnded(t *testing.T) {
	d := storetest.MySQL(t)
	s := d.Open(t)
	for _, what := range []string{"DELETE FROM parley_migrations", "DROP TABLE secrets", "DROP TABLE outbox", "DROP TABLE requests"} {
		if _, err := s.Driver().ExecContext(t.Context(), what); err != nil {
			t.Fatal(err)
		}
	}
	drift, err := d.Open(t).Drift()
	if err != nil || len(drift) > 0 {
		t.Errorf("%v, %v", drift, err)
	}
}

// TestIndexThatWasBuiltAndNotWrittenDownIsNoObstacle is the same of a step that no
// transaction can hold.
func TestIndexThatWasBuiltAndNotWrittenDownIsNoObstacle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		if _, err := s.Driver().ExecContext(t.Context(), "DELETE FROM parley_migrations WHERE version_id = 3"); err != nil {
			t.Fatal(err)
		}
		drift, err := d.Open(t).Drift()
		if err != nil || len(drift) > 0 {
			t.Errorf("%v, %v", drift, err)
		}
	})
}

// TestOpenWaitsForWhoMigrates has another process migrate for longer than any statement
// of ours may take.
func TestOpenWaitsForWhoMigrates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		database     func(testing.TB) storetest.Database
		lock, unlock string
	}{
		"postgres": {storetest.Postgres, "SELECT pg_advisory_lock(123563833845113)", "SELECT pg_advisory_unlock(123563833845113)"},
		"mysql":    {storetest.MySQL, "DO GET_LOCK(CONCAT(DATABASE(), '.parley'), 1)", "DO RELEASE_LOCK(CONCAT(DATABASE(), '.parley'))"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			d := c.database(t)
			first := d.Open(t)
			conn, err := first.Driver().Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.ExecContext(t.Context(), c.lock); err != nil {
				t.Fatal(err)
			}
			opened := make(chan error, 1)
			go func() {
				second, err := store.Open(context.Background(), store.Config{URL: d.URL})
				if err == nil {
					second.Close()
				}
				opened <- err
			}()
			select {
			case <-opened:
				t.Error("opened while another process migrates")
				return
			case <-time.After(6 * time.Second):
			}
			if _, err := conn.ExecContext(t.Context(), c.unlock); err != nil {
				t.Fatal(err)
			}
			if err := <-opened; err != nil {
				t.Error(err)
			}
		})
	}
}
