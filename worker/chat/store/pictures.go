package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// picturesAtOnce is how many numbers of a conversation one statement looks through: it
// reads the texts between the pictures, too.
const picturesAtOnce = 5000

var _ chat.Pictures = (*Store)(nil)

// FindPictures implements chat.Pictures.
func (s *Store) FindPictures(ctx context.Context, id chat.ConversationID, after chat.Seq, until time.Time) (found []chat.Message, next chat.Seq, err error) {
	err = s.view(ctx, "look for pictures", func(db *gorm.DB) error {
		found, next = nil, 0
		// Before the messages: nobody may store these pictures any more when somebody looks.
		var head []int64
		if err := db.Model(&conversation{}).Where("id = ?", string(id)).Pluck("seq", &head).Error; err != nil {
			return err
		}
		if len(head) == 0 {
			return chat.ErrNoConversation
		}
		last := int64(after) + picturesAtOnce
		var rows []message
		err := db.Where("conversation_id = ? AND seq > ? AND seq <= ?", string(id), int64(after), last).
			Where("kind = ? AND recalled = 0", int8(chat.Picture)).Order("seq").Find(&rows).Error
		if err != nil {
			return err
		}
		for i := range rows {
			found = append(found, rows[i].message())
		}
		if last >= head[0] {
			return nil
		}
		var sent []int64 // of the last line; later ones are not before it
		err = db.Model(&message{}).Where("conversation_id = ? AND seq <= ?", string(id), last).Order("seq DESC").Limit(1).Pluck("sent_at", &sent).Error
		if err == nil && (until.IsZero() || len(sent) == 0 || !moment(sent[0]).After(until)) {
			next = chat.Seq(last)
		}
		return err
	})
	return found, next, err
}

// LackPictures implements chat.Pictures.
func (s *Store) LackPictures(ctx context.Context, uses []chat.PictureUse) (lacking []string, err error) {
	err = s.view(ctx, "look for recalled pictures", func(db *gorm.DB) error {
		lacking = nil
		seqs := make(map[string][]int64, len(uses))
		for _, u := range uses {
			seqs[string(u.Conversation)] = append(seqs[string(u.Conversation)], int64(u.Seq))
		}
		messages, err := messagesBy(db, seqs)
		if err != nil {
			return err
		}
		for _, u := range uses {
			// One that is not there, or has another picture, is none that we know of: it is
			// left to those who look after the database.
			m := messages[place{string(u.Conversation), int64(u.Seq)}]
			if m != nil && m.Kind == chat.Picture && m.Recalled {
				lacking = append(lacking, u.File)
			}
		}
		return nil
	})
	return lacking, err
}
