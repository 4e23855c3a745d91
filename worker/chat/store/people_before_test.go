package store_test

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// TestAccountsOfTheVersionBeforeAreRead: it may run beside this one, and knows neither
// names that are shown nor guests.
func TestAccountsOfTheVersionBeforeAreRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		const id = "01900000-0000-7000-8000-000000000001"
		_, err := s.Driver().ExecContext(t.Context(), fmt.Sprintf(
			"INSERT INTO users (id, realm, name_key, name, password_hash, request_id, created_at) VALUES ('%s', '', 'ann', 'Ann', 'hash', 'r', 1)", id))
		if err != nil {
			t.Fatal(err)
		}
		want := chat.User{ID: id, Name: "Ann"}
		if a, err := s.AccountByName(t.Context(), "", "ann"); err != nil || a.User != want || a.PasswordHash != "hash" {
			t.Errorf("by name: %+v, %v", a, err)
		}
		if list, err := s.Users(t.Context(), "", []chat.UserID{id}, nil); err != nil || len(list) != 1 || list[0] != want {
			t.Errorf("by id: %+v, %v", list, err)
		}
		n := chat.NewUser{User: chat.User{Name: "Ann"}, PasswordHash: "hash", Request: "r"}
		if a, duplicate, err := s.AddUser(t.Context(), n); err != nil || !duplicate || a.User != want {
			t.Errorf("signed up again: %+v, %v, %v", a, duplicate, err)
		}
	})
}
