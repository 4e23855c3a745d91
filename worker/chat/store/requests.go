package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// requestsLast is how long an answer is kept for a repeat.
const requestsLast = 7 * 24 * time.Hour

// errAgain makes a transaction begin again: another one has just answered the same
// request.
var errAgain = errors.New("the request was answered meanwhile")

// once does what a request of a user asks for, if no transaction has done so, and
// keeps the answer beside what it did. A repeat gets the answer that there is; with
// another body it is a Conflict. body is what was asked for, the method included.
func once[T any](tx *gorm.DB, user chat.UserID, id chat.RequestID, now int64, body string, do func() (T, error)) (answer T, duplicate bool, err error) {
	var rows []request
	if err := tx.Where("user_id = ? AND request_id = ?", user, id).Limit(1).Find(&rows).Error; err != nil {
		return answer, false, err
	}
	if len(rows) > 0 {
		if rows[0].BodyHash != body {
			return answer, false, errOtherBody
		}
		if err := json.Unmarshal([]byte(rows[0].Answer), &answer); err != nil {
			return answer, false, fmt.Errorf("an answer that was kept: %w", err)
		}
		return answer, true, nil
	}
	if answer, err = do(); err != nil {
		return answer, false, err
	}
	kept, err := json.Marshal(answer)
	if err != nil {
		return answer, false, err
	}
	err = tx.Create(&request{
		UserID: string(user), RequestID: string(id), BodyHash: body, Answer: string(kept),
		ExpiresAt: now + requestsLast.Milliseconds(),
	}).Error
	return answer, false, err
}

var errOtherBody = fault.New(fault.Conflict, "requestId was used for something else")

// answered turns a duplicate key into a new try: the other transaction that took it has
// committed, and what it did is there to be read.
func (s *Store) answered(err error) error {
	if err != nil && s.class(err) == duplicate {
		return errors.Join(errAgain, err)
	}
	return err
}
