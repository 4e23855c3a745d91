package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/worker/chat"
)

// Claim implements chat.Outbox. What nobody has fanned out comes before what only the
// bus has not heard of; the latter is then left alone for longer, see publishLease.
// Rows that another process is claiming at this moment are passed over.
func (s *Store) Claim(ctx context.Context, limit int, but []int64) ([]chat.Outgoing, error) {
	var rows []outboxRow
	err := s.tx(ctx, "claim from the outbox", func(tx *gorm.DB) (err error) {
		rows, err = s.due(tx, pageLimit(limit), but)
		return err
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var left []chat.Outgoing
	var orphans []int64
	err = s.view(ctx, "read what was claimed", func(db *gorm.DB) (err error) {
		left, orphans, err = s.load(db, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(orphans) > 0 {
		s.log.Warn("the outbox told of messages that are gone", "rows", len(orphans))
		if err := s.remove(ctx, orphans, nil); err != nil {
			return nil, err
		}
	}
	s.widening.note(left)
	return left, nil
}

// due takes rows whose lease is over. The clock is read first: as a value it lets the
// index find the rows, as a function that may change it would not.
func (s *Store) due(tx *gorm.DB, limit int, but []int64) ([]outboxRow, error) {
	now, err := s.clock(tx)
	if err != nil {
		return nil, err
	}
	q := tx.Where("fanned IN (0, 1) AND lease_until < ?", now).Order("fanned, lease_until").Limit(limit)
	if len(but) > 0 {
		q = q.Not(oneOf("id", but))
	}
	if s.dialect.locks() {
		q = q.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked})
	}
	var rows []outboxRow
	if err := q.Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	return rows, tx.Model(&outboxRow{}).Where(oneOf("id", ids)).Where("lease_until < ?", now).Updates(map[string]any{
		"owner": s.cfg.Owner,
		// ELSE never happens: the column tells PostgreSQL the type of the others.
		"lease_until": gorm.Expr("CASE fanned WHEN 0 THEN ? WHEN 1 THEN ? ELSE lease_until END",
			now+chat.Lease.Milliseconds(), now+publishLease.Milliseconds()),
	}).Error
}

// load makes of rows what their commits left to be done, by a statement per table.
// Recipients are those of today who may see it. Rows that tell of something that is
// no more are returned as orphans. Those of a kind that is not known are left alone: for
// a while two versions run on one database.
func (s *Store) load(db *gorm.DB, rows []outboxRow) (left []chat.Outgoing, orphans []int64, err error) {
	var ids []string
	numbers := map[chat.OutgoingKind]map[string][]int64{chat.OutMessage: {}, chat.OutChange: {}}
	seen := make(map[string]bool)
	for _, r := range rows {
		if !seen[r.ConversationID] {
			seen[r.ConversationID] = true
			ids = append(ids, r.ConversationID)
		}
		if of := numbers[chat.OutgoingKind(r.Kind)]; of != nil {
			of[r.ConversationID] = append(of[r.ConversationID], r.Number)
		}
	}
	var found []*conversation
	if err := db.Where(oneOf("id", ids)).Find(&found).Error; err != nil {
		return nil, nil, err
	}
	conversations := make(map[string]*conversation, len(found))
	for _, c := range found {
		conversations[c.ID] = c
	}
	rosters, err := s.rosters.of(db, found)
	if err != nil {
		return nil, nil, err
	}
	messages, err := messagesBy(db, numbers[chat.OutMessage])
	if err != nil {
		return nil, nil, err
	}
	changes, err := changesBy(db, numbers[chat.OutChange])
	if err != nil {
		return nil, nil, err
	}
	var edited []*conversation
	for _, c := range found {
		if len(numbers[chat.OutChange][c.ID]) > 0 {
			edited = append(edited, c)
		}
	}
	late, err := veils(db, edited)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		c, at := conversations[r.ConversationID], place{r.ConversationID, r.Number}
		var o chat.Outgoing
		switch kind := chat.OutgoingKind(r.Kind); {
		case kind > chat.OutWiden:
			continue // a later version has written it, and does it
		case c == nil:
		case kind == chat.OutMessage && messages[at] != nil:
			o = outgoingMessage(r.ID, c, messages[at], rosters[c.ID], r.CreatedAt)
		case kind == chat.OutChange && changes[at] != nil:
			o = outgoingChange(r.ID, c, changes[at], rosters[c.ID], late[c.ID], r.CreatedAt)
		case kind == chat.OutWiden:
			o = outgoing(r.ID, kind, c, r.CreatedAt)
			if known := rosters[c.ID]; known != nil {
				o.Recipients = known.users
			}
		}
		if o.Kind == 0 {
			orphans = append(orphans, r.ID)
			continue
		}
		o.Fanned, o.Published, o.Rescued = r.Fanned != 0, r.Published != 0, true
		left = append(left, o)
	}
	return left, orphans, nil
}

// place is a seq or a rev of a conversation.
type place struct {
	conversation string
	number       int64
}

func messagesBy(db *gorm.DB, seqs map[string][]int64) (map[place]*chat.Message, error) {
	found := make(map[place]*chat.Message)
	if len(seqs) == 0 {
		return found, nil
	}
	var rows []message
	err := db.Clauses(pairs("conversation_id", "seq", seqs)).Find(&rows).Error
	for i := range rows {
		m := rows[i].message()
		found[place{rows[i].ConversationID, rows[i].Seq}] = &m
	}
	return found, err
}

func changesBy(db *gorm.DB, revs map[string][]int64) (map[place]*chat.Change, error) {
	found := make(map[place]*chat.Change)
	if len(revs) == 0 {
		return found, nil
	}
	var rows []changed
	err := changesWith(db).Clauses(pairs("changes.conversation_id", "changes.rev", revs)).Find(&rows).Error
	for i := range rows {
		c := rows[i].change()
		found[place{rows[i].Change.ConversationID, rows[i].Change.Rev}] = &c
	}
	return found, err
}

// pairs is the condition that two columns are one of the pairs: a term per first
// value, each of which the primary key finds. Rows in parentheses would say it in a
// few words, and not every database has an index for those.
func pairs[T any](first, second string, wanted map[string][]T) clause.Where {
	terms := make([]clause.Expression, 0, len(wanted))
	for value, seconds := range wanted {
		terms = append(terms, clause.And(
			clause.Expr{SQL: first + " = ?", Vars: []any{value}},
			oneOf(second, seconds)))
	}
	return clause.Where{Exprs: []clause.Expression{clause.Or(terms...)}}
}
