package ops

import (
	"context"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

// shown are conversations as an answer shows them to whoever they are the views of: with
// the last message of each. It costs one statement, however many they are.
func (s *Service) shown(ctx context.Context, views []chat.View) ([]*chatv1.Conversation, error) {
	list := make([]*chatv1.Conversation, len(views))
	last, err := s.cfg.Store.Previews(ctx, views)
	for i := range views {
		list[i] = protoConversation(&views[i])
		if m, ok := last[views[i].ID]; ok {
			list[i].Preview = &chatv1.Preview{
				Seq: int64(m.Seq), Sender: string(m.Sender), Kind: chatv1.MessageKind(m.Kind), Text: m.Text, SentAt: protoTime(m.Sent), Recalled: m.Recalled,
			}
		}
	}
	return list, err
}

// one is shown for one.
func (s *Service) one(ctx context.Context, v *chat.View) (*chatv1.Conversation, error) {
	list, err := s.shown(ctx, []chat.View{*v})
	return list[0], err
}

// done is shown for one that was made or changed: that has happened, so what cannot be
// read now is left out.
func (s *Service) done(ctx context.Context, v *chat.View) *chatv1.Conversation {
	c, err := s.one(ctx, v)
	if err != nil {
		s.cfg.Log.Debug("answered without a preview", "conversation", v.ID, "err", err)
	}
	return c
}
