package chatclient

import (
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// Message is one line of a conversation.
type Message struct {
	Seq, Rev  int64
	Sender    string
	Kind      chatv1.MessageKind
	Text      string
	Picture   string // what the file of a picture was called; its Kind tells that it is one
	RequestID string // known to the sender only
	SentAt    time.Time
	Recalled  bool
	Users     []string // whom a line of the system is about
}

// counts reports whether it counts as unread for others; a recall changes nothing
// about that.
func (m *Message) counts() bool {
	return m.Kind == chatv1.MessageKind_MESSAGE_KIND_TEXT || m.Kind == chatv1.MessageKind_MESSAGE_KIND_IMAGE
}

// Via is how a message came.
type Via string

// The ways.
const (
	Pushed  Via = "push"
	Fetched Via = "history"
	Acked   Via = "ack" // in the answer to its own sendMessage
)

// Shown is a message as it came on the screen. At counts from Config.Start, as all
// times of the log do.
type Shown struct {
	Message
	At   time.Duration
	Via  Via
	Conn int // the number of the conn it came by
}

// Received is a push as it came, before anything is removed or put in order.
type Received struct {
	Conn         int
	At           time.Duration
	Method       string
	Conversation string
	User         string
	Seq, Rev     int64
	Duplicate    bool // of a message or change that the client had
}

// Sent is a message the client was asked to send.
type Sent struct {
	Conversation, RequestID, Text string
	At                            time.Duration // when Send was called
	Tries                         int           // how often it went to a socket
	Acked                         time.Duration // when the answer came; 0: none did
	Seq                           int64         // that the answer said
	Duplicate                     bool          // the answer said that an earlier try stored it
	// Refused is the answer that ended it, if it was no message: it must not be stored,
	// unless Code is Internal, which may be anything.
	Refused bool
	Code    fault.Code
}

// ConnRecord is one conn, or one attempt to get one.
type ConnRecord struct {
	N       int // from 1; pushes carry it
	Gateway string
	Dialled time.Duration
	Opened  time.Duration // when the handshake was over; 0: it never was
	Live    time.Duration // when the session was open; 0: it never was
	Ended   time.Duration // 0: it lives
	Code    fault.CloseCode
	Reason  string
	Resumed bool // the session was opened with a cursor
}

// Violation is a promise of the server's that it broke.
type Violation struct {
	At           time.Duration
	Conn         int
	Conversation string
	Seq          int64
	Breach       Breach
	What         string
}

// Breach is which promise.
type Breach string

// The breaches.
const (
	MarkFell    Breach = "a read mark moved back"
	HeadFell    Breach = "a conversation is shorter than it was"
	SeqReused   Breach = "one number, two messages"
	Hole        Breach = "history has a hole"
	Phantom     Breach = "announced, and not stored"
	AckChanged  Breach = "one request, two answers"
	TimeFell    Breach = "sentAt runs backwards"
	NotProtocol Breach = "not the protocol"
)

// Screen is one conversation at one moment.
type Screen struct {
	Type     chatv1.ConversationType
	Name     string
	Shown    []Shown           // in the order in which they came on the screen
	Messages map[int64]Message // as they are now, by seq
	FromSeq  int64             // the first message the user may see
	Begin    int64             // where the screen begins
	Next     int64             // what comes next on the screen
	Head     int64             // how far the conversation is known to have come
	Rev      int64             // changes up to this one are on the screen
	HeadRev  int64
	ReadSeq  int64
	Unread   int64
	Fell     int              // how often the read mark was seen to move back
	Reads    map[string]int64 // how far others have read
	Typing   []string
	Open     bool
	Left     bool
}

// Presence is what the client believes of a user.
type Presence struct {
	Online  bool
	Owner   string
	Counter int64
}

// Log is everything a client has written down, at one moment.
type Log struct {
	Device        string
	User          string // id; "": no session was open yet
	Live          bool
	Conns         []ConnRecord
	Received      []Received
	Sent          []Sent
	Conversations map[string]Screen
	Presence      map[string]Presence
	Violations    []Violation
	Counters      Counters
}

// Counters count what happened, whatever is kept of it.
type Counters struct {
	Dials, FailedDials   int64
	Sessions             int64 // opened
	Resumes              int64 // of them, with a cursor
	Resyncs              int64 // pushes "resync"
	Renewals             int64 // tokens that a living conn was given
	Received             int64 // pushes of all kinds
	Duplicates           int64 // messages and changes that were pushed again
	Shown                int64
	Held                 int64 // messages and changes that came ahead of others
	Backfills            int64 // fetches of what was there before the conversation was known
	HistoryFetches       int64 // fetches of messages that were missing
	ChangeFetches        int64
	Refetches            int64 // rounds of fetching anew what has too many changes
	Sends, Acks, Refused int64
	DuplicateAcks        int64 // answers with duplicate set, late ones included
	Resends              int64 // tries after the first
	Timeouts             int64 // calls and sends
	Temporary            int64 // errors with temporary set
	Late                 int64 // answers nobody waited for any more
	Skipped              int64 // numbers below firstSeq that a screen passed over
	Unknown              int64 // pushes of methods the client does not know
	Violations           int64
}
