package store_test

import (
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
)

// people makes users and returns them as callers.
func people(t *testing.T, s *store.Store, names ...string) []chat.Caller {
	t.Helper()
	var list []chat.Caller
	for _, name := range names {
		a, _, err := s.AddUser(t.Context(), chat.NewUser{User: chat.User{Name: name}, PasswordHash: "hash", Request: chat.RequestID("signup-" + name)})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, chat.Caller{User: a.ID})
	}
	return list
}
