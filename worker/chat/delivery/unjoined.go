package delivery

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Unjoined notes that conns were to join the hub groups of conversations and are in as
// many groups as their gateway takes. For nobody else that is an error: who has such a
// conn learns of those conversations by heads. Its methods may be called from any
// goroutine.
type Unjoined struct {
	log  *slog.Logger
	said *otter.Cache[string, struct{}]
	n    atomic.Int64
}

// unjoinedSaid is how much of what was logged is remembered, so that nobody fills the log
// with it; the least used goes, and may be logged again.
const unjoinedSaid = 10_000

// NewUnjoined makes one.
func NewUnjoined(log *slog.Logger) *Unjoined {
	return &Unjoined{log: log, said: otter.Must(&otter.Options[string, struct{}]{MaximumSize: unjoinedSaid})}
}

// Note counts conversations, one at least, that conns of a user could not join, and logs
// the first of them, once for each key.
func (u *Unjoined) Note(key string, user chat.UserID, missed ...chat.ConversationID) {
	u.n.Add(int64(len(missed)))
	if _, fresh := u.said.SetIfAbsent(key, struct{}{}); fresh {
		u.log.Warn("a conn is in too many groups to join another", "conversation", missed[0], "conversations", len(missed), "user", user)
	}
}

// Count returns how many were noted.
func (u *Unjoined) Count() int64 { return u.n.Load() }

// Crowded reports whether an error of joining says that conns are in too many groups, and
// nothing else: all others that were meant have joined.
func Crowded(err error) bool {
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		return !slices.ContainsFunc(several.Unwrap(), func(err error) bool { return !Crowded(err) })
	}
	return err != nil && fault.CodeOf(err) == fault.TooLarge
}
