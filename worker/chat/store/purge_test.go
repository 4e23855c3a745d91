package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

func TestPurgeTakesWhatIsOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		p := people(t, s, "liubei", "guanyu")
		for _, request := range []string{"kept", "over"} {
			if _, err := addGroup(t, s, p[0], request, p[1].User); err != nil {
				t.Fatal(err)
			}
		}
		for name, lasts := range map[string]time.Duration{"kept": time.Hour, "over": -time.Hour} {
			if err := s.AddFamily(t.Context(), chat.Family{ID: chat.FamilyID(name), User: p[0].User, Token: "first", Expires: time.Now().Add(lasts)}); err != nil {
				t.Fatal(err)
			}
		}
		run(t, s, "UPDATE requests SET expires_at = 1 WHERE request_id = 'over'")
		rows := make([]string, 1200) // more than go in one step
		for i := range rows {
			rows[i] = fmt.Sprintf("('nobody', 'r-%d', '', '', 1)", i)
		}
		run(t, s, "INSERT INTO requests (user_id, request_id, body_hash, answer, expires_at) VALUES "+strings.Join(rows, ", "))
		var all sync.WaitGroup
		for _, one := range []*store.Store{s, d.Open(t)} { // each worker does it
			all.Go(func() { soon(t, "purge", func() error { return one.Purge(context.Background()) }) })
		}
		all.Wait()
		for table, want := range map[string]int{"requests": 1, "families": 1} {
			var n int
			if err := s.Driver().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d are left, %v, want %d", table, n, err, want)
			}
		}
		if m, err := addGroup(t, s, p[0], "kept", p[1].User); err != nil || !m.Duplicate {
			t.Errorf("what was kept: %+v, %v", m, err)
		}
		if m, err := addGroup(t, s, p[0], "over", p[1].User); err != nil || m.Duplicate {
			t.Errorf("what was over: %+v, %v", m, err)
		}
		if _, _, err := s.Rotate(t.Context(), chat.Rotation{Family: "kept", Old: "first", New: "second", Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Errorf("the sign-in that was kept: %v", err)
		}
	})
}

func TestASecretIsOneForAll(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		stores := []*store.Store{d.Open(t), d.Open(t)}
		values := make([]string, 20)
		var all sync.WaitGroup
		for i := range values {
			all.Go(func() {
				b, err := stores[i%2].Secret(t.Context(), "tokens")
				if err != nil || len(b) < 32 {
					t.Errorf("%d bytes, %v", len(b), err)
				}
				values[i] = string(b)
			})
		}
		all.Wait()
		for _, v := range values {
			if v != values[0] {
				t.Error("two secrets of one name")
			}
		}
		if other, err := stores[0].Secret(t.Context(), "other"); err != nil || string(other) == values[0] {
			t.Errorf("another name: the same is %v, %v", string(other) == values[0], err)
		}
	})
}

func run(t *testing.T, s *store.Store, sql string) {
	t.Helper()
	if _, err := s.Driver().ExecContext(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
