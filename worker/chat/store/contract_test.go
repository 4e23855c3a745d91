package store_test

import (
	"crypto/rand"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/chattest"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// opener opens stores on a database, each as a process of its own.
func opener(d storetest.Database) chattest.Open {
	return func(t *testing.T, heard chat.OnCommit) chat.Store {
		return d.Open(t, func(c *store.Config) { c.Owner, c.OnCommit, c.Bus = rand.Text(), heard, true })
	}
}

func TestAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) { chattest.Accounts(t, opener(d)) })
}

func TestConversations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) { chattest.Conversations(t, opener(d)) })
}

func TestWideGroupChats(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		chattest.Wide(t, opener(d), func(t *testing.T, n int, users ...chat.UserID) {
			if err := d.Open(t).PutWide(n, users...); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) { chattest.Messages(t, opener(d)) })
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		t.Parallel() // most of it is waiting for leases to end
		chattest.Outbox(t, opener(d))
	})
}
