package chatclient

import (
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// absorb takes what an answer says about conversations, whoever asked and whether or
// not somebody still waits for it: what a conn did itself is not pushed to it.
func (c *Client) absorb(l *line, k *call, now time.Time) {
	switch res := k.res.(type) {
	case *chatv1.SendMessageResponse:
		if res.GetDuplicate() {
			c.n.DuplicateAcks++
		}
		c.takeAnswered(l, res.GetMessage(), now)
	case *chatv1.EditMessageResponse:
		c.takeAnsweredChange(res.GetChange(), now)
	case *chatv1.RecallMessageResponse:
		c.takeAnsweredChange(res.GetChange(), now)
	case *chatv1.MarkReadResponse:
		if req, ok := k.req.(*chatv1.MarkReadRequest); ok {
			c.markedRead(c.conversation(req.GetConversation()), res.GetReadSeq(), res.GetUnread(), k.since, now)
		}
	case *chatv1.CreateDirectResponse:
		c.adopt(res.GetConversation(), k.since, now)
	case *chatv1.CreateGroupResponse:
		c.adopt(res.GetConversation(), k.since, now)
	case *chatv1.CreateRoomResponse:
		c.adopt(res.GetConversation(), k.since, now)
	case *chatv1.JoinRoomResponse:
		c.adopt(res.GetConversation(), k.since, now)
	case *chatv1.AddMembersResponse:
		c.adopt(res.GetConversation(), k.since, now)
	case *chatv1.GetConversationResponse:
		c.adopt(res.GetConversation(), k.since, now)
	case *chatv1.ListConversationsResponse:
		for _, cv := range res.GetConversations() {
			c.adopt(cv, k.since, now)
		}
	case *chatv1.OpenConversationResponse:
		v := c.adopt(res.GetConversation(), k.since, now)
		v.open, v.opened = true, l.n
		c.attendAt(v, now)
	case *chatv1.CloseConversationResponse:
		if req, ok := k.req.(*chatv1.CloseConversationRequest); ok {
			c.closed(c.conversation(req.GetConversation()))
		}
	case *chatv1.LeaveConversationResponse:
		if req, ok := k.req.(*chatv1.LeaveConversationRequest); ok {
			c.leave(c.conversation(req.GetConversation()), k.since)
		}
	case *chatv1.GetPresenceResponse:
		if req, ok := k.req.(*chatv1.GetPresenceRequest); ok {
			c.presences(req.GetUsers(), res.GetPresences())
		}
	}
}

func (c *Client) takeAnswered(l *line, m *chatv1.Message, now time.Time) {
	if id := m.GetConversation(); id != "" {
		c.take(c.conversation(id), c.messageOf(m), Acked, l.n, now)
	}
}

func (c *Client) takeAnsweredChange(ch *chatv1.Change, now time.Time) {
	if id := ch.GetConversation(); id != "" {
		c.takeChange(c.conversation(id), ch, now)
	}
}

// closed ends that a conversation is looked at. A room's screen stands still until it
// is opened again.
func (c *Client) closed(v *conversation) {
	v.open, v.opened = false, 0
	if v.room() {
		v.forgetAhead()
	}
}
