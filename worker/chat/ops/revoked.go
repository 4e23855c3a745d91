package ops

import (
	"context"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

// A sign-in that was ended because one of its tokens was stolen or copied ends at once,
// not when its access token does. So each conn is in the hub group of its sign-in.

// familyGroup is the hub group of the conns of a sign-in.
func familyGroup(id chat.FamilyID) string { return "s:" + string(id) }

// familyGroups is that as a list, empty for a token that names no sign-in.
func familyGroups(id chat.FamilyID) []string {
	if id == "" {
		return nil
	}
	return []string{familyGroup(id)}
}

// end ends the conns of a sign-in that was ended. If a gateway cannot be reached now, its
// conns end with their token, or when somebody tries a token of the sign-in again.
func (s *Service) end(ctx context.Context, id chat.FamilyID) {
	last := rpc.Notification("sessionRevoked", &chatv1.SessionRevokedPush{})
	_, err := s.cfg.Sender.CloseGroup(ctx, familyGroup(id), fault.CloseKicked, "this sign-in was ended", last)
	if err != nil {
		s.cfg.Log.Warn("conns of a sign-in that was ended may be open", "err", err)
	}
}

// mayOpen refuses a conn whose sign-in was ended. It comes after the conn has joined the
// group: who ends the sign-in later finds it there.
func (s *Service) mayOpen(ctx context.Context, id chat.FamilyID) error {
	is, err := s.cfg.Store.Revoked(ctx, id)
	switch {
	case err != nil:
		return patient(err)
	case is:
		s.end(ctx, id) // this conn is bound by now, and must not hear anything
		return chat.ErrRevoked
	}
	return nil
}
