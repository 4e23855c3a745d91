package ops

import (
	"encoding/json"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// session is what a conn's gateway keeps of who it is.
type session struct {
	Realm   chat.Realm    `json:"r,omitempty"`
	User    chat.UserID   `json:"u,omitempty"` // "": no session is open yet
	Family  chat.FamilyID `json:"f,omitempty"`
	Device  chat.DeviceID `json:"d,omitempty"`
	Expires int64         `json:"e,omitempty"` // of the token, in seconds since 1970
	Token   string        `json:"t,omitempty"` // that came with the handshake, until a session is open
}

func (s session) caller() chat.Caller {
	return chat.Caller{Realm: s.Realm, User: s.User, Family: s.Family}
}

func (s session) expires() time.Time { return time.Unix(s.Expires, 0) }

// bytes is the session as it travels.
func (s session) bytes() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and numbers have JSON
	}
	return b
}

// readSession reads what a gateway kept. What cannot be read, because a later version
// wrote it, is no session: the client opens one again.
func readSession(b []byte) (s session) {
	if json.Unmarshal(b, &s) != nil {
		return session{}
	}
	return s
}
