package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Amend implements chat.Messages. A repeat is answered with the change as it is now:
// its text is empty if the message was changed again since.
func (s *Store) Amend(ctx context.Context, c chat.Caller, a chat.Amendment) (chat.Amended, error) {
	var out chat.Amended
	err := s.leaving(ctx, "amend", func(tx *gorm.DB) ([]chat.Outgoing, error) {
		out = chat.Amended{}
		am := amending{caller: c, asked: a}
		if err := am.read(tx, s); err != nil {
			return nil, err
		}
		if am.first != nil {
			if am.first.Change.BodyHash != am.hash() {
				return nil, fault.New(fault.Conflict, "requestId: was used for another change")
			}
			out = chat.Amended{Change: am.first.change(), Duplicate: true}
			return nil, nil
		}
		if err := am.check(); err != nil {
			return nil, err
		}
		if am.message.Recalled != 0 { // a recall: check refuses an edit
			there, err := am.recall(tx)
			out = chat.Amended{Change: there, Duplicate: true}
			return nil, err
		}
		var left chat.Outgoing
		var err error
		out.Change, left, err = am.write(tx, s)
		return []chat.Outgoing{left}, err
	})
	if err != nil {
		return chat.Amended{}, err
	}
	return out, nil
}

// amending is a change on its way into the store.
type amending struct {
	caller chat.Caller
	asked  chat.Amendment

	// Under the lock of the conversation.
	now     int64
	conv    *conversation
	roster  *roster // nil: it is wide
	role    chat.Role
	from    int64    // the first message the caller may see
	message *message // nil: it is not there, or not for the caller
	first   *changed // what the request did the first time; nil: this is it
}

// hash is of what is asked: the same request id may ask for the same only.
func (am *amending) hash() string {
	a := &am.asked
	if a.Kind == chat.Recalled {
		return shortHash(fmt.Sprint("recall ", a.Seq))
	}
	return shortHash(fmt.Sprint("edit ", a.Seq, " of ", a.Base), a.Text)
}

func (am *amending) key() string {
	return requestKey(am.asked.Conversation, am.caller.User, am.asked.Request)
}

// read locks the conversation and reads what the change depends on.
func (am *amending) read(tx *gorm.DB, s *Store) error {
	id := string(am.asked.Conversation)
	locked, now, err := s.locked(tx, []string{id})
	if err != nil {
		return err
	}
	if len(locked) == 0 || locked[0].Realm != string(am.caller.Realm) {
		return chat.ErrNoConversation
	}
	am.now, am.conv = now, locked[0]
	var firsts []changed
	if err := changesWith(tx).Where("changes.request_key = ?", am.key()).Find(&firsts).Error; err != nil {
		return err
	}
	if len(firsts) > 0 {
		am.first = &firsts[0]
		return nil
	}
	rosters, err := s.rosters.of(tx, locked)
	if err != nil {
		return err
	}
	am.roster = rosters[id]
	marks, err := marksOf(tx, map[string][]string{id: {string(am.caller.User)}})
	if err != nil {
		return err
	}
	mark := marks[[2]string{id, string(am.caller.User)}]
	am.role, am.from = chat.Role(mark.Role), visibleFrom(&mark)
	var messages []message
	err = tx.Where("conversation_id = ? AND seq = ? AND seq >= ?", id, int64(am.asked.Seq), am.from).Find(&messages).Error
	if len(messages) > 0 {
		am.message = &messages[0]
	}
	return err
}

// check says whether the change may be made. A message from before the caller's time
// is not there for the caller.
func (am *amending) check() error {
	t := chat.Type(am.conv.Type)
	if !chat.May(chat.OpRead, am.role, t) {
		return chat.ErrNoConversation
	}
	if am.message == nil {
		return fault.New(fault.NotFound, "no such message")
	}
	m, own := am.message, am.message.SenderID == string(am.caller.User)
	edit := am.asked.Kind == chat.Edited
	op := chat.OpRecallAny
	switch {
	case edit && !own:
		return fault.New(fault.Forbidden, "not your message")
	case edit:
		op = chat.OpEditOwn
	case own:
		op = chat.OpRecallOwn
	}
	if err := chat.Allow(op, am.role, t); err != nil {
		return err
	}
	switch {
	case chat.Kind(m.Kind) == chat.Picture && edit:
		return fault.New(fault.Forbidden, "a picture stays as it is: recall it, and send another one")
	case !chat.Kind(m.Kind).Counts():
		return fault.New(fault.Forbidden, "lines of the system stay as they are")
	case edit && m.Recalled != 0:
		return fault.New(fault.Conflict, fmt.Sprintf("the message was recalled by rev %d", m.Rev))
	case edit && m.Rev != int64(am.asked.Base):
		return fault.New(fault.Conflict, fmt.Sprintf("the message was changed meanwhile, by rev %d", m.Rev))
	}
	return nil
}

// recall returns the recall of a message that was recalled: nothing changes it after.
func (am *amending) recall(tx *gorm.DB) (chat.Change, error) {
	var there changed
	err := changesWith(tx).Where("changes.conversation_id = ? AND changes.rev = ?", am.conv.ID, am.message.Rev).Take(&there).Error
	return there.change(), err
}

// write stores the change. Nobody's marks and counts move: what was unread stays so.
func (am *amending) write(tx *gorm.DB, s *Store) (chat.Change, chat.Outgoing, error) {
	conv, key := am.conv, am.key()
	conv.Rev++
	conv.ChangedAt = max(conv.ChangedAt, am.now)
	made := changed{
		Change: change{
			ConversationID: conv.ID,
			Rev:            conv.Rev,
			Seq:            am.message.Seq,
			Kind:           int8(am.asked.Kind),
			ActorID:        string(am.caller.User),
			RequestKey:     &key,
			BodyHash:       am.hash(),
			ChangedAt:      conv.ChangedAt,
		},
		Latest: conv.Rev,
	}
	recalled := 1
	if am.asked.Kind == chat.Edited {
		made.Body, recalled = am.asked.Text, 0
	}
	told := made.change()
	var late map[string]*veil
	if told.Text != "" {
		var err error
		if late, err = veils(tx, []*conversation{conv}); err != nil {
			return chat.Change{}, chat.Outgoing{}, err
		}
	}
	left := outgoingChange(outboxIDs(1)[0], conv, &told, am.roster, late[conv.ID], am.now)
	left.Origin = am.asked.Origin
	row := s.row(&left, conv.Rev, am.now)
	err := tx.Model(&conversation{ID: conv.ID}).
		Updates(map[string]any{"rev": conv.Rev, "changed_at": conv.ChangedAt}).Error
	if err != nil {
		return chat.Change{}, chat.Outgoing{}, err
	}
	err = tx.Model(&message{}).Where("conversation_id = ? AND seq = ?", conv.ID, am.message.Seq).
		Updates(map[string]any{"body": made.Body, "rev": conv.Rev, "recalled": recalled}).Error
	if err != nil {
		return chat.Change{}, chat.Outgoing{}, err
	}
	if err := tx.Create(&made.Change).Error; err != nil {
		return chat.Change{}, chat.Outgoing{}, err
	}
	if err := tx.Create(&row).Error; err != nil {
		return chat.Change{}, chat.Outgoing{}, err
	}
	return told, left, nil
}
