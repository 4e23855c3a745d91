package ops_test

import (
	"context"
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/ops"
)

// hooks is a store that lets a test do something before or after a call, in the middle
// of an rpc. An error of what is done before takes the place of the call.
type hooks struct {
	chat.Store

	mu            sync.Mutex // guards what follows
	before, after map[string]func(context.Context) error
	calls         map[string]int
}

// hooked opens a stage with hooks in its store.
func hooked(t testing.TB) (*stage, *hooks) {
	h := newHooks()
	s := newStage(t, func(c *ops.Config) { h.Store, c.Store = c.Store, h })
	return s, h
}

func newHooks() *hooks {
	return &hooks{
		before: map[string]func(context.Context) error{}, after: map[string]func(context.Context) error{}, calls: map[string]int{},
	}
}

// on sets what is done once, with the next call; nil: nothing.
func (h *hooks) on(when map[string]func(context.Context) error, call string, do func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	when[call] = do
}

func (h *hooks) count(call string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[call]
}

// do runs what was set for a moment, once.
func (h *hooks) do(ctx context.Context, when map[string]func(context.Context) error, call string) error {
	h.mu.Lock()
	do := when[call]
	delete(when, call)
	h.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx)
}

// around makes a call with what goes around it.
func around[T any](ctx context.Context, h *hooks, name string, call func() (T, error)) (T, error) {
	h.mu.Lock()
	h.calls[name]++
	h.mu.Unlock()
	if err := h.do(ctx, h.before, name); err != nil {
		var zero T
		return zero, err
	}
	v, err := call()
	if err == nil {
		err = h.do(ctx, h.after, name)
	}
	return v, err
}

func (h *hooks) Groups(ctx context.Context, c chat.Caller) ([]chat.ConversationID, error) {
	return around(ctx, h, "groups", func() ([]chat.ConversationID, error) { return h.Store.Groups(ctx, c) })
}

func (h *hooks) Revoked(ctx context.Context, id chat.FamilyID) (bool, error) {
	return around(ctx, h, "revoked", func() (bool, error) { return h.Store.Revoked(ctx, id) })
}

func (h *hooks) Heads(ctx context.Context, c chat.Caller, since chat.Cursor, limit int) (chat.Heads, error) {
	return around(ctx, h, "heads", func() (chat.Heads, error) { return h.Store.Heads(ctx, c, since, limit) })
}

func (h *hooks) Audience(ctx context.Context, c chat.Caller, id chat.ConversationID, op chat.Op) (chat.Outgoing, error) {
	return around(ctx, h, "audience", func() (chat.Outgoing, error) { return h.Store.Audience(ctx, c, id, op) })
}

func (h *hooks) LeaveConversation(ctx context.Context, c chat.Caller, id chat.ConversationID, r chat.RequestID) (chat.Made, error) {
	return around(ctx, h, "leave", func() (chat.Made, error) { return h.Store.LeaveConversation(ctx, c, id, r) })
}

func (h *hooks) Previews(ctx context.Context, views []chat.View) (map[chat.ConversationID]chat.Message, error) {
	return around(ctx, h, "previews", func() (map[chat.ConversationID]chat.Message, error) { return h.Store.Previews(ctx, views) })
}
