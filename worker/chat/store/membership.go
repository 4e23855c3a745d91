package store

import (
	"encoding/json"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/worker/chat"
)

// conversationByKey returns what there is once in a realm, nil when there is not.
func conversationByKey(db *gorm.DB, r chat.Realm, key string) (*conversation, error) {
	var rows []conversation
	if err := db.Where("realm = ? AND unique_key = ?", r, key).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// lockedRow is a conversation whose row is locked, and the time.
type lockedRow struct {
	Conv conversation `gorm:"embedded"`
	Now  int64
}

// lock locks the row of a conversation and reads the clock with it: the time that
// goes with its next number.
func (s *Store) lock(tx *gorm.DB, r chat.Realm, id chat.ConversationID) (c *conversation, now int64, err error) {
	var rows []lockedRow
	err = s.forUpdate(tx).Model(&conversation{}).Select(strings.Join(conversationColumns, ", ")+", "+s.dialect.now()+" AS now").
		Where("id = ? AND realm = ?", id, r).Limit(1).Find(&rows).Error
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 {
		return nil, 0, chat.ErrNoConversation
	}
	c = &rows[0].Conv
	return c, max(rows[0].Now, c.SentAt, c.ChangedAt), nil // the clock may have been set back
}

// admit makes the row of somebody who comes in now. What was before is not for those who
// come into a group chat; in a room it is, but nobody has to read it.
func (c *conversation) admit(u chat.UserID, role chat.Role, now int64) member {
	m := member{
		ConversationID: c.ID, UserID: string(u), Role: int8(role),
		FromSeq: 1, FromCount: c.Counted, ReadSeq: c.Seq, ReadCount: c.Counted, JoinedAt: now, ChangedAt: now,
	}
	if chat.Type(c.Type) == chat.Group {
		m.FromSeq = c.Seq + 1 // the line that says that they came, which is next
	}
	return m
}

// readMembers returns the rows of some, or with none named of all who are in it.
func readMembers(tx *gorm.DB, c *conversation, users ...chat.UserID) (map[chat.UserID]*member, error) {
	var rows []member
	q := tx.Where("conversation_id = ?", c.ID)
	if len(users) > 0 {
		q = q.Where("user_id IN ?", users)
	} else {
		q = q.Where("role > 0")
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	all := make(map[chat.UserID]*member, len(rows))
	for i := range rows {
		all[chat.UserID(rows[i].UserID)] = &rows[i]
	}
	return all, nil
}

// setRole writes what somebody became, and nothing of how far they have read: a read
// mark rises without the lock of the conversation, at this moment perhaps.
func setRole(tx *gorm.DB, m *member) error {
	return tx.Model(m).Select("role", "left_at", "changed_at").Updates(m).Error
}

// writeMembers keeps the rows of users who are not in it, new ones and those who had
// left. The caller has locked the conversation.
func writeMembers(tx *gorm.DB, rows []member) error {
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "conversation_id"}, {Name: "user_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"role", "from_seq", "from_count", "read_seq", "read_count", "joined_at", "left_at", "changed_at"}),
	}).Create(&rows).Error
}

// line is what a change of who is in a group chat leaves: a message of the system, and
// with it a row of the outbox.
type line struct {
	kind  chat.Kind
	actor chat.UserID
	users []chat.UserID // whom it is about
	tell  []chat.UserID // members that are told, the removed not among them; nil for a wide conversation
}

// writeLine gives the line the next number of the conversation, whose row the caller has
// locked or made, and writes it, the counters and the outbox. c.Members and what else
// the caller changed in c is written too.
func (s *Store) writeLine(tx *gorm.DB, c *conversation, l line, now int64) ([]chat.Outgoing, error) {
	wasNarrow := c.width() == chat.Narrow
	c.Seq++
	c.Roster++
	c.SentAt, c.ChangedAt = now, now
	if wasNarrow && c.Members > chat.WideAbove {
		c.Width = int8(chat.Widening)
	}
	body, err := json.Marshal(l.users)
	if err != nil {
		return nil, err
	}
	m := message{
		ConversationID: c.ID, Seq: c.Seq, SenderID: string(l.actor), Kind: int8(l.kind), Body: string(body),
		Counted: c.Counted, SentAt: now,
	}
	if err := tx.Create(&m).Error; err != nil {
		return nil, err
	}
	// The columns by name: an Updates of a struct leaves out what is zero.
	err = tx.Model(c).Select("seq", "roster", "members", "width", "sent_at", "changed_at").Updates(c).Error
	if err != nil {
		return nil, err
	}
	told := m.message()
	ids := outboxIDs(2)
	out := outgoing(ids[0], chat.OutMessage, c, now)
	out.Message = &told
	if out.Width != chat.Wide {
		slices.Sort(l.tell)
		out.Recipients = l.tell
	}
	if l.kind == chat.Left {
		out.Removed = []chat.UserID{l.actor}
	}
	rows := []outboxRow{s.row(&out, c.Seq, now)}
	left := []chat.Outgoing{out}
	if wasNarrow && c.width() == chat.Widening {
		widen := outgoing(ids[1], chat.OutWiden, c, now)
		row := s.row(&widen, c.Roster, now)
		widen.Published, row.Published = true, 1 // there is no event
		left, rows = append(left, widen), append(rows, row)
	}
	return left, tx.Create(&rows).Error
}
