package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// leaving is tx for what leaves something to be done: it hands that to OnCommit before
// it returns, in the order of the commits of this store.
//
// For that order, s.order is held from the end of do until OnCommit has returned. Who
// holds it only commits, and waits for nobody's rows.
func (s *Store) leaving(ctx context.Context, what string, do func(tx *gorm.DB) ([]chat.Outgoing, error)) error {
	var left []chat.Outgoing
	held := false
	err := s.tx(ctx, what, func(tx *gorm.DB) (err error) {
		if held { // a commit that collided; nothing was handed on
			s.order.Unlock()
			held = false
		}
		if left, err = do(tx); err == nil {
			s.order.Lock()
			held = true
		}
		return err
	})
	if held {
		defer s.order.Unlock()
	}
	if err == nil && len(left) > 0 {
		s.widening.note(left)
		s.cfg.OnCommit(left)
	}
	return err
}
