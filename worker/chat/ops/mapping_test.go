package ops_test

import (
	"testing"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

// TestNumbersAreThoseOfTheProtocol holds what mapping.go takes for granted.
func TestNumbersAreThoseOfTheProtocol(t *testing.T) {
	for name, pair := range map[string][2]int{
		"direct":   {int(chat.Direct), int(chatv1.ConversationType_CONVERSATION_TYPE_DIRECT)},
		"group":    {int(chat.Group), int(chatv1.ConversationType_CONVERSATION_TYPE_GROUP)},
		"room":     {int(chat.Room), int(chatv1.ConversationType_CONVERSATION_TYPE_ROOM)},
		"stranger": {int(chat.Stranger), int(chatv1.Role_ROLE_UNSPECIFIED)},
		"member":   {int(chat.Member), int(chatv1.Role_ROLE_MEMBER)},
		"owner":    {int(chat.Owner), int(chatv1.Role_ROLE_OWNER)},
		"text":     {int(chat.Text), int(chatv1.MessageKind_MESSAGE_KIND_TEXT)},
		"created":  {int(chat.Created), int(chatv1.MessageKind_MESSAGE_KIND_CREATED)},
		"added":    {int(chat.Added), int(chatv1.MessageKind_MESSAGE_KIND_ADDED)},
		"left":     {int(chat.Left), int(chatv1.MessageKind_MESSAGE_KIND_LEFT)},
		"picture":  {int(chat.Picture), int(chatv1.MessageKind_MESSAGE_KIND_IMAGE)},
		"edited":   {int(chat.Edited), int(chatv1.ChangeKind_CHANGE_KIND_EDITED)},
		"recalled": {int(chat.Recalled), int(chatv1.ChangeKind_CHANGE_KIND_RECALLED)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %d in the domain, %d in the protocol", name, pair[0], pair[1])
		}
	}
}
