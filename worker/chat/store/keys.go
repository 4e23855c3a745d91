package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/parley-im/parley/worker/chat"
)

// Unique keys of conversations: what there is once in a realm.

// directKey is the same for both of a pair.
func directKey(a, b chat.UserID) string { return "d:" + string(min(a, b)) + ":" + string(max(a, b)) }

// roomKey is the same for names that differ in case only.
func roomKey(name string) string { return "r:" + chat.Fold(name) }

// peer returns the other one of a direct conversation.
func (c *conversation) peer(of chat.UserID) chat.UserID {
	if c.UniqueKey == nil {
		return ""
	}
	a, b, ok := strings.Cut(strings.TrimPrefix(*c.UniqueKey, "d:"), ":")
	if !ok || chat.Type(c.Type) != chat.Direct {
		return ""
	}
	if chat.UserID(a) == of {
		return chat.UserID(b)
	}
	return chat.UserID(a)
}

// newID makes an id: ordered by time, so that new rows lie together.
func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}
