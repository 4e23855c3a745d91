package chat

import (
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// Kind is what a message is. The numbers are stored.
type Kind int8

// The kinds. All but Text and Picture are lines of the system and count for nobody's
// unread.
const (
	Text Kind = 1 + iota
	Created
	Added
	Left
	Picture
)

// Counts reports whether a message of this kind counts as unread for others.
func (k Kind) Counts() bool { return k == Text || k == Picture }

// Message is one line of a conversation.
type Message struct {
	Conversation ConversationID
	Seq          Seq
	Sender       UserID
	Kind         Kind
	Text         string // empty when it was recalled
	Image        *Image // of a Picture; nil when it was recalled. It is never changed
	Sent         time.Time
	Rev          Rev // of its last change; 0: never changed
	Recalled     bool
	Users        []UserID // whom a line of the system is about
	Request      RequestID
}

// Draft is a message to be stored.
type Draft struct {
	Conversation ConversationID
	Request      RequestID
	Text         string
	Image        *Image // the message is that picture; nil: it is Text
	Origin       string // of the conn that sends; passed on to Outgoing
	// Late says that it may not be stored any more: only what an earlier request stored is
	// answered, anything else is [ErrLate].
	Late bool
}

// ErrLate answers a draft that came too late.
var ErrLate = fault.New(fault.Invalid, "image: the ticket has ended, upload the picture again")

// Kind is what the message will be.
func (d *Draft) Kind() Kind {
	if d.Image != nil {
		return Picture
	}
	return Text
}

// Stored is what storing a message answers.
type Stored struct {
	Message
	Duplicate bool
}

// ChangeKind is what happened to an older message. The numbers are stored.
type ChangeKind int8

// The kinds.
const (
	Edited ChangeKind = 1 + iota
	Recalled
)

// Change is what happened to an older message.
type Change struct {
	Conversation ConversationID
	Rev          Rev
	Seq          Seq
	Kind         ChangeKind
	Actor        UserID
	Text         string // empty when it was changed again or recalled since
	Changed      time.Time
}

// Amendment is a change to be stored.
type Amendment struct {
	Conversation ConversationID
	Seq          Seq
	Kind         ChangeKind
	Base         Rev // the message's rev it is based on; only edits have one
	Text         string
	Request      RequestID
	Origin       string
}

// Amended is what storing a change answers.
type Amended struct {
	Change
	Duplicate bool
}

// Page is a piece of a conversation.
type Page struct {
	Messages []Message // in order of seq
	More     bool
	FirstSeq Seq // the first there is for whoever asked
	Head     Seq
	HeadRev  Rev
}

// Changes is a piece of the changes of a conversation.
type Changes struct {
	Changes     []Change // in order of rev
	More        bool
	RefetchFrom Seq // not 0: too many to tell
	HeadRev     Rev
}

// Range asks for messages: between After and Before, both exclusive, 0: no bound.
// Without After the newest come.
type Range struct {
	After, Before Seq
	Limit         int
}
