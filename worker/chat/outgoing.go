package chat

import "time"

// OutgoingKind is what an Outgoing is. The numbers are stored.
type OutgoingKind int8

// The kinds.
const (
	OutMessage OutgoingKind = 1 + iota // Message is set
	OutChange                          // Change is set
	OutWiden                           // the conversation widens: all its members join the hub group
)

// Outgoing is what a commit leaves to be done, and a row of the outbox until it is:
// telling those who are online, and telling the bus. Doing it twice is harmless.
type Outgoing struct {
	ID    int64 // of the row in the outbox
	Kind  OutgoingKind
	Realm Realm

	Conversation ConversationID
	Type         Type
	Width        Width
	Message      *Message
	Change       *Change
	// Recipients are the members of a conversation that is not Wide, as of the commit.
	Recipients []UserID
	// Removed are those who left with this very message, and are told of it too.
	Removed []UserID
	Origin  string // of the conn that sent it; "" when it is rescued
	// Veiled is set when Change has a text that some in the hub group may not see, because
	// they came after the message: the conversation as it is now. The group is told how far
	// it has come in place of the change, and each fetches what it may see.
	Veiled *Conversation

	Stored    time.Time
	Fanned    bool // those online were told
	Published bool // the bus has the event
	Rescued   bool // claimed from another process, or again
}

// Progress marks what was done of an outgoing; when all is, its row goes.
type Progress struct {
	ID        int64
	Fanned    bool
	Published bool
}

// Lag is how far the outbox is behind.
type Lag struct {
	Unfanned, Unpublished             int64
	OldestUnfanned, OldestUnpublished time.Duration // 0: there is none
}
