package store

import (
	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// veil is how late somebody came into a group chat that is sent to by its hub group.
// The group tells nobody apart, so what somebody in it may not see is not sent to it.
type veil struct {
	ID      string
	Name    string
	Members int64
	Latest  int64 // from_seq of who came last, be they gone by now or not
}

// veils reads those of the conversations that have one, by one statement. Each costs two
// places in indexes, however many are in it: it does not ask who has left, because that
// would be a walk over all of them, and conns of those leave the group after the commit.
func veils(db *gorm.DB, conversations []*conversation) (map[string]*veil, error) {
	var ids []string
	for _, c := range conversations {
		if c.width() != chat.Narrow && chat.Type(c.Type) != chat.Room {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []*veil
	err := db.Table("conversations").
		Select("id, name, members, (SELECT MAX(from_seq) FROM members WHERE conversation_id = conversations.id) AS latest").
		Where(oneOf("id", ids)).Scan(&rows).Error
	found := make(map[string]*veil, len(rows))
	for _, v := range rows {
		found[v.ID] = v
	}
	return found, err
}

// over returns what the hub group of c is told in the place of a change, nil: the change.
// A change without a text, a recall among them, hides nothing.
func (v *veil) over(c *conversation, ch *chat.Change) *chat.Conversation {
	if v == nil || ch.Text == "" || v.Latest <= int64(ch.Seq) {
		return nil
	}
	head := *c // of which perhaps only lockedColumns were read
	head.Name, head.Members = v.Name, v.Members
	told := head.conversation()
	return &told
}
