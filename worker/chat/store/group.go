package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// AddConversation implements chat.Conversations.
func (s *Store) AddConversation(ctx context.Context, c chat.Caller, n chat.NewConversation) (chat.Made, error) {
	users := others(n.Users, c.User)
	body := shortHash(append([]string{"add conversation", n.Type.String(), n.Name}, plain(users)...)...)
	id, err := newID()
	if err != nil {
		return chat.Made{}, err
	}
	return s.change(ctx, "add a conversation", c, n.Request, body, func(tx *gorm.DB, now int64) (chat.View, []chat.Outgoing, error) {
		if err := inRealm(tx, c.Realm, users); err != nil {
			return chat.View{}, nil, err
		}
		row := conversation{
			ID: id, Realm: string(c.Realm), Type: int8(n.Type), Name: n.Name, CreatorID: string(c.User),
			CreatedAt: now, SentAt: now, ChangedAt: now,
		}
		if n.Type == chat.Room {
			key := roomKey(n.Name)
			row.UniqueKey, row.Width = &key, int8(chat.Wide)
			if there, err := conversationByKey(tx, c.Realm, key); err != nil || there != nil {
				if err == nil {
					err = fault.New(fault.Conflict, "the name is taken")
				}
				return chat.View{}, nil, err
			}
		}
		if err := tx.Create(&row).Error; err != nil {
			return chat.View{}, nil, s.answered(err) // the name: another transaction was faster
		}
		everybody := append([]chat.UserID{c.User}, users...)
		slices.Sort(everybody)
		if n.Type == chat.Group {
			if err := s.roomFor(tx, row.joining(nil, everybody)); err != nil {
				return chat.View{}, nil, err
			}
		}
		me := row.admit(c.User, chat.Owner, now)
		rows := []member{me}
		for _, u := range users {
			rows = append(rows, row.admit(u, chat.Member, now))
		}
		if err := tx.Create(&rows).Error; err != nil {
			return chat.View{}, nil, err
		}
		var left []chat.Outgoing
		if n.Type == chat.Group {
			row.Members = int64(len(rows))
			var err error
			left, err = s.writeLine(tx, &row, line{kind: chat.Created, actor: c.User, users: everybody, tell: everybody}, now)
			if err != nil {
				return chat.View{}, nil, err
			}
		}
		return viewOf(&row, &me, c.User), left, nil
	})
}

// change is a transaction that a request may ask for once, and hands over what it left
// to be done after the commit.
func (s *Store) change(ctx context.Context, what string, c chat.Caller, id chat.RequestID, body string,
	do func(tx *gorm.DB, now int64) (chat.View, []chat.Outgoing, error),
) (chat.Made, error) {
	var made chat.Made
	err := s.leaving(ctx, what, func(tx *gorm.DB) (left []chat.Outgoing, err error) {
		now, err := s.clock(tx)
		if err != nil {
			return nil, err
		}
		made.View, made.Duplicate, err = once(tx, c.User, id, now, body, func() (v chat.View, err error) {
			v, left, err = do(tx, now)
			return v, err
		})
		made.Changed = len(left) > 0
		return left, s.answered(err)
	})
	if err != nil {
		return chat.Made{}, err
	}
	return made, nil
}

// AddMembers implements chat.Conversations.
func (s *Store) AddMembers(ctx context.Context, c chat.Caller, id chat.ConversationID, users []chat.UserID, request chat.RequestID) (chat.Made, error) {
	users = others(users, "")
	body := shortHash(append([]string{"add members", string(id)}, plain(users)...)...)
	return s.change(ctx, "add members", c, request, body, func(tx *gorm.DB, _ int64) (chat.View, []chat.Outgoing, error) {
		conv, now, err := s.lock(tx, c.Realm, id)
		if err != nil {
			return chat.View{}, nil, err
		}
		there, err := s.present(tx, conv, append([]chat.UserID{c.User}, users...)...)
		if err != nil {
			return chat.View{}, nil, err
		}
		me := there[c.User]
		if err := chat.Allow(chat.OpAddMembers, role(me), chat.Type(conv.Type)); err != nil {
			return chat.View{}, nil, err
		}
		if err := inRealm(tx, c.Realm, users); err != nil {
			return chat.View{}, nil, err
		}
		var fresh []chat.UserID
		var rows []member
		for _, u := range users {
			if role(there[u]) == chat.Stranger {
				fresh = append(fresh, u)
				rows = append(rows, conv.admit(u, chat.Member, now))
			}
		}
		var left []chat.Outgoing
		if len(fresh) > 0 {
			if err := s.roomFor(tx, conv.joining(inIt(there), fresh)); err != nil {
				return chat.View{}, nil, err
			}
			if err := writeMembers(tx, rows); err != nil {
				return chat.View{}, nil, err
			}
			conv.Members += int64(len(fresh))
			l := line{kind: chat.Added, actor: c.User, users: fresh, tell: append(inIt(there), fresh...)}
			if left, err = s.writeLine(tx, conv, l, now); err != nil {
				return chat.View{}, nil, err
			}
		}
		return viewOf(conv, me, c.User), left, nil
	})
}

// LeaveConversation implements chat.Conversations.
func (s *Store) LeaveConversation(ctx context.Context, c chat.Caller, id chat.ConversationID, request chat.RequestID) (chat.Made, error) {
	return s.change(ctx, "leave a conversation", c, request, shortHash("leave", string(id)), func(tx *gorm.DB, _ int64) (chat.View, []chat.Outgoing, error) {
		conv, now, err := s.lock(tx, c.Realm, id)
		if err != nil {
			return chat.View{}, nil, err
		}
		there, err := s.present(tx, conv, c.User)
		if err != nil {
			return chat.View{}, nil, err
		}
		me := there[c.User]
		if err := chat.Allow(chat.OpLeave, role(me), chat.Type(conv.Type)); err != nil {
			return chat.View{}, nil, err
		}
		owned := role(me) == chat.Owner
		me.Role, me.LeftAt, me.ChangedAt = int8(chat.Stranger), now, now
		if err := setRole(tx, me); err != nil {
			return chat.View{}, nil, err
		}
		var left []chat.Outgoing
		if chat.Type(conv.Type) == chat.Group {
			if owned {
				heir, err := oldest(tx, conv, c.User)
				if err == nil && heir != nil {
					heir.Role, heir.ChangedAt = int8(chat.Owner), now
					err = setRole(tx, heir)
				}
				if err != nil {
					return chat.View{}, nil, err
				}
			}
			conv.Members--
			l := line{kind: chat.Left, actor: c.User, tell: inIt(there)}
			if left, err = s.writeLine(tx, conv, l, now); err != nil {
				return chat.View{}, nil, err
			}
		}
		return viewOf(conv, me, c.User), left, nil
	})
}

// present returns who is in a conversation that is sent to by ids, and of a wide one
// those that are named.
func (s *Store) present(tx *gorm.DB, c *conversation, named ...chat.UserID) (map[chat.UserID]*member, error) {
	if !c.byIDs() {
		return readMembers(tx, c, named...)
	}
	all, err := readMembers(tx, c)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// oldest returns who has been in a conversation longest, one user aside; nil when there
// is nobody else.
func oldest(tx *gorm.DB, c *conversation, aside chat.UserID) (*member, error) {
	var rows []member
	err := tx.Where("conversation_id = ? AND role > 0 AND user_id <> ?", c.ID, aside).Order("joined_at, user_id").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

func role(m *member) chat.Role {
	if m == nil {
		return chat.Stranger
	}
	return chat.Role(m.Role)
}

// inIt lists those who are in it.
func inIt(all map[chat.UserID]*member) (users []chat.UserID) {
	for u, m := range all {
		if m.Role > 0 {
			users = append(users, u)
		}
	}
	return users
}

// others returns users sorted and once each, without one of them.
func others(users []chat.UserID, aside chat.UserID) []chat.UserID {
	list := slices.DeleteFunc(slices.Clone(users), func(u chat.UserID) bool { return u == aside })
	slices.Sort(list)
	return slices.Compact(list)
}

func plain(users []chat.UserID) []string {
	list := make([]string, len(users))
	for i, u := range users {
		list[i] = string(u)
	}
	return list
}
