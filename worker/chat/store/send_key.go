package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/parley-im/parley/worker/chat"
)

// requestKey is what a message or a change is found by when its request comes
// again: one column of 22 characters instead of an index over three long ones. The
// parts have their lengths before them, so that no two triples run together.
func requestKey(c chat.ConversationID, sender chat.UserID, r chat.RequestID) string {
	return shortHash(string(c), string(sender), string(r))
}

// bodyHash tells whether a repeated request asks for the same. It is kept when the
// body goes. A text that reads like a picture is none.
func bodyHash(kind chat.Kind, body string) string {
	if kind == chat.Picture {
		return shortHash("picture", body)
	}
	return shortHash(body)
}

// shortHash is 128 bits of SHA-256 as 22 characters of base64url: by accident two are
// the same in one of 2⁶⁴ rows, on purpose after as many tries.
func shortHash(parts ...string) string {
	var room [256]byte // most keys fit, and cost no allocation
	b := room[:0]
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
