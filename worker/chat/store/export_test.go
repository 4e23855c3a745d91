package store

import (
	"database/sql"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// Put makes a conversation with its members, the first of them its owner, without what
// the product does about it: for tests of what comes after.
func (s *Store) Put(c chat.Conversation, members ...chat.UserID) error {
	conv := conversation{
		ID: string(c.ID), Realm: string(c.Realm), Type: int8(c.Type), Name: c.Name, Width: int8(c.Width),
		Members: int64(len(members)), Roster: 1,
	}
	if c.Type == chat.Room {
		conv.Members = 0
	}
	rows := make([]member, len(members))
	for i, u := range members {
		rows[i] = member{ConversationID: conv.ID, UserID: string(u), Role: int8(chat.Member), FromSeq: 1}
	}
	rows[0].Role = int8(chat.Owner)
	return s.w.Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&conv).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(&rows, 500).Error
	})
}

// PutWide makes n wide group chats of users.
func (s *Store) PutWide(n int, users ...chat.UserID) error {
	return s.w.Transaction(func(tx *gorm.DB) error {
		conversations := make([]conversation, n)
		var rows []member
		for i := range conversations {
			id, err := newID()
			if err != nil {
				return err
			}
			conversations[i] = conversation{ID: id, Type: int8(chat.Group), Width: int8(chat.Wide), Members: int64(len(users)), Roster: 1}
			for _, u := range users {
				rows = append(rows, member{ConversationID: id, UserID: string(u), Role: int8(chat.Member), FromSeq: 1})
			}
		}
		var of user
		if err := tx.Where("id = ?", users[0]).Take(&of).Error; err != nil {
			return err
		}
		for i := range conversations {
			conversations[i].Realm = of.Realm
		}
		if err := tx.CreateInBatches(&conversations, 500).Error; err != nil {
			return err
		}
		return tx.CreateInBatches(&rows, 1000).Error
	})
}

// Seat changes who is in a conversation: user comes in, with what is sent from now on,
// or leaves.
func (s *Store) Seat(id chat.ConversationID, user chat.UserID, in bool) error {
	return s.w.Transaction(func(tx *gorm.DB) error {
		locked, now, err := s.locked(tx, []string{string(id)})
		if err != nil {
			return err
		}
		conv := locked[0]
		row := member{ConversationID: conv.ID, UserID: string(user), FromSeq: conv.Seq + 1, FromCount: conv.Counted, ReadSeq: conv.Seq, ReadCount: conv.Counted}
		if in {
			row.Role = int8(chat.Member)
		} else {
			row.LeftAt = now
		}
		if err := tx.Save(&row).Error; err != nil {
			return err
		}
		return tx.Model(conv).Update("roster", conv.Roster+1).Error
	})
}

// Leave leaves a row of some kind in the outbox, whose lease is over.
func (s *Store) Leave(id chat.ConversationID, kind int8) error {
	return s.w.Create(&outboxRow{ID: outboxIDs(1)[0], ConversationID: string(id), Kind: kind, Owner: "test", Published: 1}).Error
}

// CountStatements returns a function that says how many statements have run since.
func (s *Store) CountStatements() func() int64 {
	var n atomic.Int64
	count := func(db *gorm.DB) {
		if !db.DryRun { // what together builds is counted when it runs
			n.Add(1)
		}
	}
	for _, db := range []*gorm.DB{s.w, s.r} {
		c := db.Callback()
		for _, err := range []error{
			c.Create().Before("gorm:create").Register("count", count),
			c.Query().Before("gorm:query").Register("count", count),
			c.Update().Before("gorm:update").Register("count", count),
			c.Delete().Before("gorm:delete").Register("count", count),
			c.Row().Before("gorm:row").Register("count", count),
			c.Raw().Before("gorm:raw").Register("count", count),
		} {
			if err != nil {
				panic(err)
			}
		}
		if s.r == s.w {
			break
		}
	}
	return n.Load
}

// Driver returns what the store writes by: the driver, with the store's settings.
func (s *Store) Driver() *sql.DB { return s.write }

// SendTogether stores sends in one batch and returns their answers.
func (s *Store) SendTogether(callers []chat.Caller, drafts []chat.Draft) ([]chat.Stored, []error) {
	sends := make([]*send, len(drafts))
	for i, d := range drafts {
		sends[i] = newSend(callers[i], d)
	}
	s.storeBatch(sends)
	stored, errs := make([]chat.Stored, len(sends)), make([]error, len(sends))
	for i, p := range sends {
		<-p.done
		stored[i], errs[i] = p.answer.stored, p.answer.err
	}
	return stored, errs
}

// PutLine makes a line of a conversation, the last one, with nothing before it.
func (s *Store) PutLine(id chat.ConversationID, seq chat.Seq, sent time.Time) error {
	return s.w.Transaction(func(tx *gorm.DB) error {
		line := message{ConversationID: string(id), Seq: int64(seq), Kind: int8(chat.Text), SentAt: sent.UnixMilli()}
		if err := tx.Create(&line).Error; err != nil {
			return err
		}
		return tx.Model(&conversation{ID: string(id)}).Update("seq", int64(seq)).Error
	})
}

// PutChanges makes n changes in a conversation, the first of them of message seq and
// each of the next message, and counts as if the messages were there too.
func (s *Store) PutChanges(id chat.ConversationID, seq chat.Seq, n int) error {
	return s.w.Transaction(func(tx *gorm.DB) error {
		locked, now, err := s.locked(tx, []string{string(id)})
		if err != nil {
			return err
		}
		conv := locked[0]
		changes := make([]change, n)
		for i := range changes {
			changes[i] = change{ConversationID: conv.ID, Rev: conv.Rev + int64(i) + 1, Seq: int64(seq) + int64(i), Kind: int8(chat.Edited), ChangedAt: now}
		}
		if err := tx.CreateInBatches(&changes, 500).Error; err != nil {
			return err
		}
		return tx.Model(conv).Updates(map[string]any{"rev": conv.Rev + int64(n), "seq": int64(seq) + int64(n) - 1}).Error
	})
}

// EndLeases ends the leases of n rows that tell of messages, by one statement, and
// prolongs those of all others by a minute.
func (s *Store) EndLeases(n int) error {
	var ids []int64
	err := s.w.Model(&outboxRow{}).Where("kind = ?", int8(chat.OutMessage)).Order("id").Limit(n).Pluck("id", &ids).Error
	if err != nil {
		return err
	}
	return s.w.Model(&outboxRow{}).Where("1 = 1").Update("lease_until",
		gorm.Expr("CASE WHEN id IN ? THEN 0 ELSE "+s.dialect.now()+" + 60000 END", ids)).Error
}
