package ops

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// audiences remembers for a few seconds to whom passing things go: a conversation in
// which somebody types is asked for again and again. For that long who has left may type
// and be told that others do, and who came may miss it.
type audiences struct {
	store chat.Store
	now   func() time.Time

	mu    sync.Mutex // guards known; a leaf
	known map[audienceKey]audience
}

type audienceKey struct {
	caller chat.Caller
	id     chat.ConversationID
	op     chat.Op
}

// audience is to whom things go, as of a moment. It is shared and never changed.
type audience struct {
	to    chat.Outgoing
	until time.Time
}

const (
	audienceLasts = 5 * time.Second // also if an invalidation is lost
	// audiencesHeld is how many are remembered. When they are more, those that are over
	// go, and if that does not help all of them: each costs a statement to have again.
	audiencesHeld = 10_000
)

func newAudiences(s chat.Store, now func() time.Time) *audiences {
	return &audiences{store: s, now: now, known: make(map[audienceKey]audience)}
}

// of returns to whom op goes, and checks the caller's right to it.
func (a *audiences) of(ctx context.Context, c chat.Caller, id chat.ConversationID, op chat.Op) (chat.Outgoing, error) {
	key, now := audienceKey{c, id, op}, a.now()
	a.mu.Lock()
	have, ok := a.known[key]
	a.mu.Unlock()
	if ok && now.Before(have.until) {
		return have.to, nil
	}
	to, err := a.store.Audience(ctx, c, id, op)
	if err == nil {
		a.keep(key, audience{to, now.Add(audienceLasts)}, now)
	}
	return to, err
}

func (a *audiences) keep(key audienceKey, fresh audience, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= audiencesHeld {
		maps.DeleteFunc(a.known, func(_ audienceKey, old audience) bool { return !now.Before(old.until) })
	}
	if len(a.known) >= audiencesHeld {
		clear(a.known)
	}
	a.known[key] = fresh
}

// forget drops the audiences of a conversation, "": of all.
func (a *audiences) forget(id chat.ConversationID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.known, func(k audienceKey, _ audience) bool { return id == "" || k.id == id })
}
