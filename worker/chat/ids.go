package chat

import (
	"strings"
	"unicode/utf8"

	"github.com/parley-im/parley/proto/fault"
)

// Realm is a tenant; "" is the default one. Nothing of one realm is visible in
// another.
type Realm string

// UserID names a user. Like every id that is made by us it is a UUID of version 7.
type UserID string

// ConversationID names a conversation.
type ConversationID string

// FamilyID names a sign-in: all tokens that came from one password.
type FamilyID string

// DeviceID names an installation of a program; the client chooses it.
type DeviceID string

// RequestID names what a client asks for, so that a repeat is known; the client chooses
// it, unique per user.
type RequestID string

// Seq numbers the messages of a conversation, from 1; 0 is before the first.
type Seq int64

// Rev numbers the changes of the older messages of a conversation, from 1; 0 is before
// the first.
type Rev int64

// Caller is who asks, as a token says.
type Caller struct {
	Realm  Realm
	User   UserID
	Family FamilyID
}

// The bounds of what clients choose.
const (
	MaxIDBytes         = 64
	MaxNameRunes       = 64    // of a user
	MaxTitleRunes      = 128   // of a group chat or room
	MaxTextBytes       = 16384 // of a message
	MinPasswordBytes   = 8
	MaxPasswordBytes   = 1024
	MaxUsersPerRequest = 200
)

// Lobby is the name of the room that everybody is in.
const Lobby = "lobby"

// Check reports whether r can be a realm: up to 32 of a-z, 0-9 and -.
func (r Realm) Check() error {
	if len(r) > 32 {
		return fault.New(fault.Invalid, "realm: at most 32 characters")
	}
	for _, c := range r {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return fault.New(fault.Invalid, "realm: a-z, 0-9 and - only")
		}
	}
	return nil
}

// Check reports whether id can be a request id.
func (id RequestID) Check() error { return checkToken("requestId", string(id)) }

// Check reports whether id can be a device's.
func (id DeviceID) Check() error { return checkToken("device", string(id)) }

// checkToken wants 1 to 64 of A-Z a-z 0-9 - _ and the dot: what every database
// compares byte by byte.
func checkToken(what, s string) error {
	switch {
	case s == "":
		return fault.New(fault.Invalid, what+": missing")
	case len(s) > MaxIDBytes:
		return fault.New(fault.Invalid, what+": at most 64 characters")
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return fault.New(fault.Invalid, what+": A-Z, a-z, 0-9, -, _ and . only")
		}
	}
	return nil
}

// CheckID wants an id that we made; what is anything else names nothing.
func CheckID[T ~string](what string, id T) error {
	if id == "" {
		return fault.New(fault.Invalid, what+": missing")
	}
	if len(id) > MaxIDBytes || checkToken(what, string(id)) != nil {
		return fault.New(fault.NotFound, "no such "+what)
	}
	return nil
}

// CheckText wants a text that can be stored and shown everywhere.
func CheckText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fault.New(fault.Invalid, "text: empty")
	case len(text) > MaxTextBytes:
		return fault.New(fault.TooLarge, "text: at most 16384 bytes")
	case !utf8.ValidString(text):
		return fault.New(fault.Invalid, "text: not UTF-8")
	case strings.ContainsRune(text, 0):
		return fault.New(fault.Invalid, "text: contains a NUL") // PostgreSQL has no text with it
	}
	return nil
}
