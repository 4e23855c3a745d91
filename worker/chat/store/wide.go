package store

import (
	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// joining returns who of a group chat gets another hub group when fresh come into it:
// they, if it is not narrow; everybody, if it widens with them; otherwise nobody. there
// is who is in it.
func (c *conversation) joining(there, fresh []chat.UserID) []chat.UserID {
	switch {
	case c.width() != chat.Narrow:
		return fresh
	case c.Members+int64(len(fresh)) > chat.WideAbove:
		return append(there, fresh...)
	}
	return nil
}

// roomFor refuses what would bring users above chat.MaxWide. Their rows are locked before
// they are counted, in order of id: of two who bring the same user into two group chats
// one waits, and counts what the other has done. The caller has locked the conversation.
func (s *Store) roomFor(tx *gorm.DB, users []chat.UserID) error {
	if len(users) == 0 {
		return nil
	}
	var locked []chat.UserID
	if err := s.forUpdate(tx).Model(&user{}).Where(oneOf("id", users)).Order("id").Pluck("id", &locked).Error; err != nil {
		return err
	}
	// Who is in fewer conversations of any kind, nearly everybody, is ruled out by an index
	// alone.
	many := tx.Model(&member{}).Select("user_id").Where(oneOf("user_id", users)).Group("user_id").Having("COUNT(*) >= ?", chat.MaxWide)
	var full []chat.UserID
	err := tx.Table("(?) AS many", many).
		Joins("JOIN members AS m ON m.user_id = many.user_id AND m.role > 0").
		Joins("JOIN conversations AS c ON c.id = m.conversation_id AND c.width > 0 AND c.type <> ?", int8(chat.Room)).
		Group("m.user_id").Having("COUNT(*) >= ?", chat.MaxWide).Order("m.user_id").Pluck("m.user_id", &full).Error
	if err != nil || len(full) == 0 {
		return err
	}
	return chat.TooManyWide(full)
}
