package ops

import (
	"encoding/base64"
	"encoding/json"

	"github.com/parley-im/parley/worker/chat"
)

// cursorV1 is what a cursor says; clients cannot read it and need not.
type cursorV1 struct {
	Version int                 `json:"v"`
	User    chat.UserID         `json:"u"`
	Since   int64               `json:"s,omitempty"`
	Until   int64               `json:"n,omitempty"`
	After   chat.ConversationID `json:"a,omitempty"`
}

const maxCursorBytes = 512

func encodeCursor(c chat.Cursor, u chat.UserID) string {
	b, err := json.Marshal(cursorV1{1, u, c.Since, c.Until, c.After})
	if err != nil {
		panic(err) // strings and numbers have JSON
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads a cursor. One that is somebody else's, of another version, or no
// cursor at all stands for "everything": that is always right, and only costs more.
func decodeCursor(s string, u chat.UserID) chat.Cursor {
	if len(s) > maxCursorBytes {
		return chat.Cursor{}
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	var c cursorV1
	if err != nil || json.Unmarshal(b, &c) != nil || c.Version != 1 || c.User != u || c.Since < 0 || c.Until < 0 {
		return chat.Cursor{}
	}
	if chat.CheckID("conversation", c.After) != nil {
		c.After = ""
	}
	return chat.Cursor{Since: c.Since, Until: c.Until, After: c.After}
}
