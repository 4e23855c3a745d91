package chatclient

import (
	"testing"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

func TestPicturesAreShownByKindAndName(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		picture := func(seq int64) *chatv1.Message {
			return &chatv1.Message{
				Conversation: "g", Seq: seq, Sender: "other", Kind: chatv1.MessageKind_MESSAGE_KIND_IMAGE,
				Image: &chatv1.Image{Type: "image/png", Width: 1, Height: 1, Bytes: 1, Name: "cat.png"},
			}
		}
		c := s.run(s.config())
		p, _ := s.opened(head("g", 1))
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: []*chatv1.Message{picture(1)}, FirstSeq: 1, HeadSeq: 1})
		p.push("message", &chatv1.MessagePush{Message: picture(2)})
		p.push("message", &chatv1.MessagePush{Message: picture(2)})
		wantSeqs(t, c, "g", 1, 2)
		screen, _ := c.Screen("g")
		for seq, m := range screen.Messages {
			if m.Kind != chatv1.MessageKind_MESSAGE_KIND_IMAGE || m.Picture != "cat.png" || m.Text != "" {
				t.Errorf("message %d: %+v", seq, m)
			}
		}
		if screen.Unread != 1 {
			t.Errorf("%d unread, want 1", screen.Unread)
		}
		p.changed(recall(1, 2))
		wantSeqs(t, c, "g", 1, 2)
		screen, _ = c.Screen("g")
		if m := screen.Messages[2]; !m.Recalled || m.Picture != "" || screen.Unread != 1 {
			t.Errorf("recalled: %+v, %d unread", m, screen.Unread)
		}
		wantBreaches(t, c)
		// A number is one picture.
		other := picture(1)
		other.Image.Name = "dog.png"
		p.push("message", &chatv1.MessagePush{Message: other})
		wantBreaches(t, c, SeqReused)
	})
}
