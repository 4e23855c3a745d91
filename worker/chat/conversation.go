package chat

import (
	"fmt"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// Type is what kind of conversation it is. The numbers are stored.
type Type int8

// The types.
const (
	Direct Type = 1 + iota
	Group
	Room
)

// String returns the type's name in lower case.
func (t Type) String() string {
	switch t {
	case Direct:
		return "direct"
	case Group:
		return "group"
	case Room:
		return "room"
	}
	return "unknown"
}

// Role is what somebody is in a conversation. The numbers are stored.
type Role int8

// The roles. Stranger is who is not in it, and who has left.
const (
	Stranger Role = iota
	Member
	Owner
)

// String returns the role's name in lower case.
func (r Role) String() string {
	switch r {
	case Member:
		return "member"
	case Owner:
		return "owner"
	}
	return "stranger"
}

// Width is how what is sent in a conversation finds its recipients.
type Width int8

// The widths. A conversation only grows wider. While it is Widening it is sent
// both ways, until all conns that are open have joined the hub group.
const (
	Narrow   Width = iota // by the ids of its members
	Widening              // by the ids, and by the hub group
	Wide                  // by the hub group
)

// WideAbove is how many members a group chat has before it widens: below, ids in a
// command are cheaper than a hub group per conversation and conn.
const WideAbove = 200

// MaxWide is how many group chats a user may be in that are not narrow: whoever would
// bring somebody into more is refused. Anybody can add anybody, and each is a hub group
// that every conn of the user joins. A gateway takes a conn into 1,000 by default
// (--max-groups-per-conn); what is left is for the rooms that the conn opens, and four for
// its sign-in and the end of its token, and those of the next one. The store counts under a lock of
// the users' rows, so several who add the same user do not pass it together.
const MaxWide = 800

// mostNamed is how many users an error names.
const mostNamed = 10

// TooManyWide answers who would bring users above MaxWide; it says who they are.
func TooManyWide(full []UserID) error {
	var names strings.Builder
	for i, u := range full {
		if i == mostNamed {
			fmt.Fprintf(&names, " and %d more", len(full)-i)
			break
		}
		fmt.Fprintf(&names, " %s", u)
	}
	return fault.New(fault.TooLarge, fmt.Sprintf("users: in %d large group chats already, the most there may be:%s", MaxWide, names.String()))
}

// Conversation is one, as it was at some moment.
type Conversation struct {
	Realm   Realm
	ID      ConversationID
	Type    Type
	Name    string // of a group chat or room
	Created time.Time
	Creator UserID
	Width   Width

	Seq     Seq   // of the last message
	Rev     Rev   // of the last change
	Counted int64 // messages up to Seq that count as unread for others
	Members int   // who are in it; 0 for rooms, which nobody counts
}

// View is a conversation as one user sees it.
type View struct {
	Conversation
	Peer UserID // the other one of a direct conversation, or the user itself
	Mark
}

// Mark is what one user is in a conversation, and how far.
type Mark struct {
	Role      Role
	Joined    time.Time
	FromSeq   Seq   // the first message the user may see
	FromCount int64 // of those that count, how many are before it
	ReadSeq   Seq
	ReadCount int64 // of those that count, how many the read mark has passed
	Left      bool
}

// Unread is how many messages are behind the mark: a subtraction.
func (v View) Unread() int64 {
	if v.Left || v.Role == Stranger {
		return 0
	}
	return max(0, v.Counted-max(v.ReadCount, v.FromCount))
}

// PreviewRunes is how much of a text stands in a list of conversations.
const PreviewRunes = 120

// Shows reports whether there is a message of that number for the view's user.
func (v View) Shows(seq Seq) bool {
	if seq < 1 || seq > v.Seq {
		return false
	}
	if v.Role == Stranger {
		return May(OpRead, Stranger, v.Type)
	}
	return seq >= v.FromSeq
}

// Attendance is one who is in a conversation.
type Attendance struct {
	User UserID
	Mark
}

// NewConversation is a group chat or room to be made.
type NewConversation struct {
	Type    Type
	Name    string
	Users   []UserID // in it from the start, besides the caller
	Request RequestID
}

// Made is what making or changing a conversation answers.
type Made struct {
	View
	Duplicate bool
	Changed   bool // there is a line that says so; a room's beginning has none
}
