package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/worker/chat"
)

// storeBatch stores sends in one transaction and answers them. What a single one of
// them breaks by data that we did not foresee is found by halves, so that only that
// one fails.
func (s *Store) storeBatch(sends []*send) {
	b := batch{store: s, sends: sends}
	// Nobody's context: a send whose caller is gone has been taken, and others share
	// its fate. The transaction has its own time limit.
	err := s.leaving(context.Background(), "store sends", b.run)
	if err == nil {
		b.answer()
		return
	}
	if len(sends) > 1 && fault.CodeOf(err) == fault.Internal {
		s.storeBatch(sends[:len(sends)/2])
		s.storeBatch(sends[len(sends)/2:])
		return
	}
	for _, p := range sends {
		p.reply(answer{err: err})
	}
}

// batch is one transaction of sends. Its statements are as many for one send as for
// a full batch.
type batch struct {
	store   *Store
	sends   []*send
	planned planned
}

// run is the transaction.
func (b *batch) run(tx *gorm.DB) ([]chat.Outgoing, error) {
	g, rosters, err := b.read(tx)
	if err != nil {
		return nil, err
	}
	b.planned = plan(b.sends, g)
	if len(b.planned.messages) == 0 {
		return nil, nil
	}
	left, rows := b.leave(g, rosters)
	if faultpoint.Sabotaged(faultpoint.AckBeforeCommit) {
		b.answer()
		faultpoint.Hit(faultpoint.ChatCommitted) // as if it were
	}
	return left, b.write(tx, rows)
}

// answer tells the sends what became of them.
func (b *batch) answer() {
	for i, p := range b.sends {
		p.reply(b.planned.answers[i])
	}
}

// read locks the conversations and finds the ground of the plan.
func (b *batch) read(tx *gorm.DB) (ground, map[string]*roster, error) {
	s := b.store
	var ids, keys []string
	users := make(map[string][]string) // by conversation
	for _, p := range b.sends {
		id := string(p.draft.Conversation)
		if users[id] == nil {
			ids = append(ids, id)
		}
		users[id] = append(users[id], string(p.caller.User))
		keys = append(keys, p.key)
	}
	g := ground{conversations: make(map[string]*conversation, len(ids)), stored: make(map[string]*message)}
	conversations, now, err := s.locked(tx, ids)
	if err != nil {
		return g, nil, err
	}
	faultpoint.Hit(faultpoint.ChatLocked)
	g.now = now
	for _, c := range conversations {
		g.conversations[c.ID] = c
		if c.byIDs() {
			delete(users, c.ID) // its roster says who they are
		}
	}
	var stored []message
	if err := tx.Where(oneOf("request_key", keys)).Find(&stored).Error; err != nil {
		return g, nil, err
	}
	for i := range stored {
		g.stored[*stored[i].RequestKey] = &stored[i]
	}
	rosters, err := s.rosters.of(tx, conversations)
	if err != nil {
		return g, nil, err
	}
	marks, err := marksOf(tx, users)
	if err != nil {
		return g, nil, err
	}
	g.role = func(conversation, user string) chat.Role {
		if r := rosters[conversation]; r != nil {
			return r.role(chat.UserID(user))
		}
		return chat.Role(marks[[2]string{conversation, user}].Role)
	}
	return g, rosters, nil
}

// leave is what the messages of the plan leave to be done.
func (b *batch) leave(g ground, rosters map[string]*roster) ([]chat.Outgoing, []outboxRow) {
	ids := outboxIDs(len(b.planned.messages))
	left := make([]chat.Outgoing, len(ids))
	rows := make([]outboxRow, len(ids))
	for i := range b.planned.messages {
		row := &b.planned.messages[i]
		m := row.message()
		left[i] = outgoingMessage(ids[i], g.conversations[row.ConversationID], &m, rosters[row.ConversationID], g.now)
		left[i].Origin = b.sends[b.planned.from[i]].draft.Origin
		rows[i] = b.store.row(&left[i], row.Seq, g.now)
	}
	return left, rows
}

// write has a statement per table.
func (b *batch) write(tx *gorm.DB, rows []outboxRow) error {
	return together(tx,
		func(tx *gorm.DB) *gorm.DB { return b.store.move(tx, b.planned.conversations) },
		func(tx *gorm.DB) *gorm.DB { return tx.Create(&b.planned.messages) },
		func(tx *gorm.DB) *gorm.DB { return tx.Create(&rows) },
		func(tx *gorm.DB) *gorm.DB { return b.store.moveMarks(tx, b.planned.marks) },
	)
}

// move writes the counters of conversations that are locked.
func (s *Store) move(tx *gorm.DB, rows []*conversation) *gorm.DB {
	if s.dialect.name() == "mysql" {
		// It has no UPDATE … FROM. An upsert does the same: all the rows are there, so
		// none is inserted.
		return tx.Clauses(clause.OnConflict{
			DoUpdates: clause.AssignmentColumns([]string{"seq", "counted", "sent_at", "changed_at"}),
		}).Create(rows)
	}
	n := len(rows)
	ids, seq, counted, sent, changed := make([]string, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, c := range rows {
		ids[i], seq[i], counted[i], sent[i], changed[i] = c.ID, c.Seq, c.Counted, c.SentAt, c.ChangedAt
	}
	return updateEach(tx, "conversations", 1, column{name: "id", texts: ids}, column{name: "seq", numbers: seq},
		column{name: "counted", numbers: counted}, column{name: "sent_at", numbers: sent}, column{name: "changed_at", numbers: changed})
}

// moveMarks writes the read marks of members whose conversations are locked.
func (s *Store) moveMarks(tx *gorm.DB, rows []member) *gorm.DB {
	if s.dialect.name() == "mysql" { // see move
		return tx.Clauses(clause.OnConflict{
			DoUpdates: clause.AssignmentColumns([]string{"read_seq", "read_count", "changed_at"}),
		}).Create(&rows)
	}
	n := len(rows)
	ids, users, seq, counted, changed := make([]string, n), make([]string, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, m := range rows {
		ids[i], users[i], seq[i], counted[i], changed[i] = m.ConversationID, m.UserID, m.ReadSeq, m.ReadCount, m.ChangedAt
	}
	return updateEach(tx, "members", 2, column{name: "conversation_id", texts: ids}, column{name: "user_id", texts: users},
		column{name: "read_seq", numbers: seq}, column{name: "read_count", numbers: counted}, column{name: "changed_at", numbers: changed})
}

// lockedColumns are what sends and changes need of a conversation: names are long.
const lockedColumns = "id, realm, type, width, seq, rev, counted, sent_at, changed_at, roster"

// locked locks the rows of conversations, in order of id, and reads lockedColumns and
// the database's clock. Those that are not there are missing from what it returns.
func (s *Store) locked(tx *gorm.DB, ids []string) (conversations []*conversation, now int64, err error) {
	var rows []lockedRow
	err = s.forUpdate(tx).Model(&conversation{}).Select(lockedColumns + ", (SELECT " + s.dialect.now() + ") AS now").
		Where(oneOf("id", ids)).Order("id").Find(&rows).Error
	conversations = make([]*conversation, len(rows))
	for i := range rows {
		conversations[i] = &rows[i].Conv
		now = max(now, rows[i].Now)
	}
	return conversations, now, err
}

// marksOf reads what users are in conversations, by one statement that finds just the
// rows it needs; none, when nobody is asked for.
func marksOf(tx *gorm.DB, users map[string][]string) (map[[2]string]member, error) {
	found := make(map[[2]string]member)
	if len(users) == 0 {
		return found, nil
	}
	var rows []member
	err := tx.Clauses(pairs("conversation_id", "user_id", users)).Find(&rows).Error
	for _, m := range rows {
		found[[2]string{m.ConversationID, m.UserID}] = m
	}
	return found, err
}
