package screens

import "time"

// Record is what happened in a run: the store's side and the clients'.
type Record struct {
	Conversations map[string]*Conversation // by id
	Devices       []*Device
	// Online is who had a conn at the end; nil: presence is not compared.
	Online map[string]bool // by user
}

// Conversation is the store's side of one, read from its tables.
type Conversation struct {
	ID       string
	Seq, Rev int64
	Counted  int64
	Messages []Message // in order of seq
	Changes  []Change  // in order of rev
	Members  map[string]Member
	Public   bool // a room: what is before FromSeq may be on a screen too
}

// Message is a stored message, or a shown one.
type Message struct {
	Seq     int64
	Sender  string
	Request string // of the sender; "": a line of the system, or not known to who shows it
	Text    string
	Counts  bool // as unread, for others
	Rev     int64
}

// Change is a stored change of an older message.
type Change struct {
	Rev, Seq int64
}

// Member is who is in a conversation at the end, and since when.
type Member struct {
	FromSeq   int64
	FromCount int64
	ReadSeq   int64
	ReadCount int64
}

// Device is one client's side.
type Device struct {
	Name, User string

	// Sees is which conversations have to be on its screen, whole: those its user is in,
	// but for rooms that are not open.
	Sees  map[string]bool
	Sent  []Sent
	Shown map[string][]Shown // by conversation, in the order in which it came on the screen
	Live  []Span             // when it had a session, in order of time
	Final map[string]Final   // by conversation: what the screen says at the end
	// Presence is what it believes of others at the end; of who is not in it, nothing.
	Presence map[string]bool
	Received int // pushes, repeats included
}

// Sent is a message that a client asked to be stored.
type Sent struct {
	Conversation, Request, Text string
	At                          time.Duration
	Acked                       time.Duration // when it was told that it is stored; 0: never
	Seq                         int64         // that it was told
	Refused                     bool          // for good: it must not be stored
}

// Shown is one message that came on the screen.
type Shown struct {
	Message
	At time.Duration
}

// Span is a time from one moment to another.
type Span struct {
	From, To time.Duration
}

// Final is the end of one conversation on a screen.
type Final struct {
	Unread  int64
	ReadSeq int64
	Texts   map[int64]string // by seq, after all changes
	// Fell says how often a read mark was seen to move back.
	Fell int
}
