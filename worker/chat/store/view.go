package store

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// sight is a conversation and what somebody is in it: one row of a join. Somebody who
// never was in it has an empty Mark.
type sight struct {
	Conv conversation `gorm:"embedded;embeddedPrefix:c_"`
	Mark member       `gorm:"embedded;embeddedPrefix:m_"`
}

// conversationColumns are those of a conversation.
var conversationColumns = []string{"id", "realm", "unique_key", "type", "name", "creator_id", "created_at", "width", "seq", "rev", "counted", "sent_at", "changed_at", "members", "roster"}

// The columns of a sight.
var sightColumns = func() string {
	var list []string
	for _, name := range conversationColumns {
		list = append(list, "c."+name+" AS c_"+name)
	}
	for _, name := range []string{"role", "from_seq", "from_count", "read_seq", "read_count", "joined_at", "left_at", "changed_at"} {
		list = append(list, "COALESCE(m."+name+", 0) AS m_"+name)
	}
	return strings.Join(list, ", ")
}()

// sights begins a query for the conversations that a user is or was in.
func sights(db *gorm.DB, c chat.Caller) *gorm.DB {
	return db.Table("members AS m").Select(sightColumns).
		Joins("JOIN conversations AS c ON c.id = m.conversation_id AND c.realm = ?", c.Realm).Where("m.user_id = ?", c.User)
}

// look returns a conversation and what the caller is in it, by one statement without a
// lock, and checks the caller's right. Who was never in it has a mark of zeros.
func look(db *gorm.DB, c chat.Caller, id chat.ConversationID, op chat.Op) (*conversation, *member, error) {
	var rows []sight
	err := db.Table("conversations AS c").Select(sightColumns).
		Joins("LEFT JOIN members AS m ON m.conversation_id = c.id AND m.user_id = ?", c.User).
		Where("c.id = ? AND c.realm = ?", id, c.Realm).Limit(1).Scan(&rows).Error
	if err != nil {
		return nil, nil, err
	}
	if len(rows) == 0 {
		return nil, nil, chat.ErrNoConversation
	}
	conv, mark := &rows[0].Conv, &rows[0].Mark
	mark.ConversationID, mark.UserID = conv.ID, string(c.User)
	return conv, mark, chat.Allow(op, chat.Role(mark.Role), chat.Type(conv.Type))
}

// viewOf is a conversation as a user sees it.
func viewOf(c *conversation, m *member, u chat.UserID) chat.View {
	return chat.View{Conversation: c.conversation(), Peer: c.peer(u), Mark: m.mark()}
}

func (c *conversation) conversation() chat.Conversation {
	return chat.Conversation{
		Realm: chat.Realm(c.Realm), ID: chat.ConversationID(c.ID), Type: chat.Type(c.Type), Name: c.Name,
		Created: time.UnixMilli(c.CreatedAt).UTC(), Creator: chat.UserID(c.CreatorID), Width: c.width(),
		Seq: chat.Seq(c.Seq), Rev: chat.Rev(c.Rev), Counted: c.Counted, Members: int(c.Members),
	}
}

func (m *member) mark() chat.Mark {
	return chat.Mark{
		Role: chat.Role(m.Role), Joined: time.UnixMilli(m.JoinedAt).UTC(), FromSeq: chat.Seq(m.FromSeq), FromCount: m.FromCount,
		ReadSeq: chat.Seq(m.ReadSeq), ReadCount: m.ReadCount, Left: m.LeftAt > 0,
	}
}

// View implements chat.Conversations.
func (s *Store) View(ctx context.Context, c chat.Caller, id chat.ConversationID) (view chat.View, err error) {
	err = s.view(ctx, "look at a conversation", func(db *gorm.DB) error {
		conv, mark, err := look(db, c, id, chat.OpRead)
		if err != nil {
			return err
		}
		view = viewOf(conv, mark, c.User)
		return nil
	})
	return view, err
}

// Views implements chat.Conversations.
func (s *Store) Views(ctx context.Context, c chat.Caller, after chat.ConversationID, limit int) (views []chat.View, more bool, err error) {
	err = s.view(ctx, "list conversations", func(db *gorm.DB) error {
		var rows []sight
		err := sights(db, c).Where("m.role > 0 AND m.conversation_id > ?", after).Order("m.conversation_id").Limit(limit + 1).Scan(&rows).Error
		if err != nil {
			return err
		}
		if more = len(rows) > limit; more {
			rows = rows[:limit]
		}
		for i := range rows {
			views = append(views, viewOf(&rows[i].Conv, &rows[i].Mark, c.User))
		}
		return nil
	})
	return views, more, err
}

// Groups implements chat.Conversations.
func (s *Store) Groups(ctx context.Context, c chat.Caller) (ids []chat.ConversationID, err error) {
	err = s.view(ctx, "list group chats", func(db *gorm.DB) error {
		return db.Table("members AS m").Joins("JOIN conversations AS c ON c.id = m.conversation_id AND c.realm = ?", c.Realm).
			Where("m.user_id = ? AND m.role > 0 AND c.width > 0 AND c.type <> ?", c.User, int8(chat.Room)).
			Pluck("m.conversation_id", &ids).Error
	})
	return ids, err
}
