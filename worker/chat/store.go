package chat

import (
	"context"
	"errors"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// Store keeps everything. Its methods may be called from any goroutine. Each is one
// transaction unless it says otherwise; what concerns a conversation checks the
// caller's right ([Allow]) in that transaction. It answers only with codes of
// proto/fault:
//
//	NotFound     it is not there, or not there for the caller
//	Forbidden    the caller may not
//	Conflict     another body under the same request id, a name that is taken, a rev
//	             that is no longer the newest
//	TooLarge     somebody would be in more than [MaxWide] wide group chats
//	Unavailable  the database is away, or whether it happened is unknown: the same
//	             request again is right
//	Overloaded   too much waits to be stored
//
// The suite in package chattest says all of this in code.
type Store interface {
	Accounts
	Conversations
	Messages
	Pictures
	Outbox

	// Ready returns what is wrong with the database, nil: nothing.
	Ready(ctx context.Context) error
}

// Accounts keeps users and their sign-ins.
type Accounts interface {
	// AddUser makes an account and puts it into the lobby of its realm. The same name
	// with the same Request is the account there is, with duplicate set, and whoever
	// calls compares the password; with another display name it is Conflict. A name that
	// another request took is [ErrNameTaken], and so is a guest's for one who is none,
	// and the reverse.
	AddUser(ctx context.Context, u NewUser) (a Account, duplicate bool, err error)
	// AccountByName returns a user by its folded name.
	AccountByName(ctx context.Context, r Realm, name string) (Account, error)
	// Rehash puts fresh in the place of a user's password hash, if that is still stale.
	Rehash(ctx context.Context, id UserID, stale, fresh string) error
	// Users returns those that there are, by id and by name.
	Users(ctx context.Context, r Realm, ids []UserID, names []string) ([]User, error)

	// AddFamily keeps a new sign-in.
	AddFamily(ctx context.Context, f Family) error
	// Rotate trades the good token. The token before it is taken again with the same
	// Request, until the new one has been used: duplicate is set, and New takes the place
	// of the one whose answer was lost. Any other old token revokes the family: that, and
	// what comes after it, is ErrRevoked. A family that is unknown or over is
	// Unauthenticated too.
	Rotate(ctx context.Context, r Rotation) (f Family, duplicate bool, err error)
	// Revoked reports whether a family was ended; one that is unknown was not.
	Revoked(ctx context.Context, id FamilyID) (bool, error)
	// Revoke ends a family, if token is or was one of its own.
	Revoke(ctx context.Context, id FamilyID, token string) error
}

// Conversations keeps who talks where.
type Conversations interface {
	// OpenDirect returns the conversation of a pair and makes it if there is none:
	// however many ask at once, there is one.
	OpenDirect(ctx context.Context, c Caller, peer UserID) (Made, error)
	// AddConversation makes a group chat or room. Like AddMembers it is TooLarge, and
	// nothing happens, if it would bring somebody above [MaxWide].
	AddConversation(ctx context.Context, c Caller, n NewConversation) (Made, error)
	// JoinRoom makes the caller a member of a room, by id or by folded name.
	JoinRoom(ctx context.Context, c Caller, id ConversationID, name string) (Made, error)
	// AddMembers adds users to a group chat; who is in it already stays.
	AddMembers(ctx context.Context, c Caller, id ConversationID, users []UserID, request RequestID) (Made, error)
	// LeaveConversation takes the caller out. When the owner leaves, whoever has been in
	// it longest is the owner.
	LeaveConversation(ctx context.Context, c Caller, id ConversationID, request RequestID) (Made, error)

	// View returns a conversation as the caller sees it.
	View(ctx context.Context, c Caller, id ConversationID) (View, error)
	// Views returns a page of the caller's conversations, those that were left aside.
	Views(ctx context.Context, c Caller, after ConversationID, limit int) (views []View, more bool, err error)
	// Previews returns the last message of each conversation as its view shows it, by one
	// statement: with the first [PreviewRunes] of its text, and without users, picture and
	// request. One that the view does not show is left out. The views are taken for what
	// the caller may see: they were read just now.
	Previews(ctx context.Context, views []View) (map[ConversationID]Message, error)
	// Attendances returns a page of those who are in a conversation.
	Attendances(ctx context.Context, c Caller, id ConversationID, after UserID, limit int) (a []Attendance, more bool, err error)
	// MemberIDs returns all who are in a conversation: for tasks of our own, no caller
	// asks. It grows with the conversation.
	MemberIDs(ctx context.Context, id ConversationID) ([]UserID, error)
	// Shared returns those of users with whom the caller shares a direct conversation
	// or a group chat.
	Shared(ctx context.Context, c Caller, users []UserID) ([]UserID, error)
	// Groups returns the caller's conversations that are not narrow, rooms aside: those
	// whose hub groups a new conn joins.
	Groups(ctx context.Context, c Caller) ([]ConversationID, error)
	// Heads returns a page of the caller's conversations that changed since the moment
	// that the cursor before it stands for, those that were left since included. Whatever
	// is committed after it was called, and nothing that was committed before the cursor
	// was made, may be missing from the pages of one cursor.
	Heads(ctx context.Context, c Caller, since Cursor, limit int) (Heads, error)
}

// Cursor is a moment of the database's clock, and a place in the pages of one look.
type Cursor struct {
	Since int64          // what had not changed before is left out; 0: everything
	Until int64          // when the look began; 0: now
	After ConversationID // the last one of the page before
}

// Heads is a page of heads.
type Heads struct {
	Views    []View
	More     bool
	Next     Cursor // for the next page if there is More, else for the next look
	Complete bool   // everything is told, not only what changed
}

// Messages keeps what was said.
type Messages interface {
	// Send stores a message and answers after the commit. It shares a transaction with
	// what others send at that moment. It waits in a queue of at most 4,096 for at most a
	// second, then it answers Overloaded, or Unavailable when it is the database that does
	// not answer; if ctx ends first, Unavailable.
	Send(ctx context.Context, c Caller, d Draft) (Stored, error)
	// Amend stores a change of an older message.
	Amend(ctx context.Context, c Caller, a Amendment) (Amended, error)
	// Messages returns a piece of a conversation.
	Messages(ctx context.Context, c Caller, id ConversationID, r Range) (Page, error)
	// Changes returns what changed after a rev.
	Changes(ctx context.Context, c Caller, id ConversationID, after Rev, limit int) (Changes, error)
	// MarkRead raises the caller's read mark and returns it; moved is false when it
	// stood there already.
	MarkRead(ctx context.Context, c Caller, id ConversationID, seq Seq) (v View, moved bool, err error)
	// Audience returns who a passing thing such as typing goes to.
	Audience(ctx context.Context, c Caller, id ConversationID, op Op) (Outgoing, error)
}

// Pictures tells which pictures are in use. No caller asks: that is for whoever keeps
// their bytes, and takes those away that nobody can get any more.
type Pictures interface {
	// FindPictures returns the messages with pictures that were not recalled from a piece
	// of a conversation, after a number; next is where to look on, 0: that was all, or what
	// follows was sent after until, unless that is zero. A conversation that is not there is
	// NotFound: it may be in another database.
	FindPictures(ctx context.Context, id ConversationID, after Seq, until time.Time) (found []Message, next Seq, err error)
	// LackPictures returns the files of those messages that were recalled. A message that
	// is not there lacks nothing.
	LackPictures(ctx context.Context, uses []PictureUse) (lacking []string, err error)
}

// PictureUse is a message with a picture.
type PictureUse struct {
	File         string
	Conversation ConversationID
	Seq          Seq
}

// Outbox keeps what a commit left to be done. The rows that a commit of this process
// wrote are its own for Lease; then any process may claim them, by one conditional
// update.
type Outbox interface {
	// Claim makes rows whose lease is over this process's own for another Lease, the
	// oldest first, and returns them. Rows that this process is at are named in but: they
	// stay as they are, for others to claim, who may reach whom this one cannot.
	Claim(ctx context.Context, limit int, but []int64) ([]Outgoing, error)
	// Finish marks what was done; rows of which all is done go. Several statements.
	Finish(ctx context.Context, p []Progress) error
	// Lag tells how far the outbox is behind.
	Lag(ctx context.Context) (Lag, error)
}

// ErrNameTaken is the cause of a Conflict: somebody else has the name.
var ErrNameTaken = errors.New("somebody has it")

// ErrRevoked says that a sign-in was ended: its conns are to end too.
var ErrRevoked = fault.New(fault.Unauthenticated, "this sign-in is over: sign in again")

// Lease is how long a row of the outbox is left to the process that wrote it.
const Lease = 2 * time.Second

// OnCommit is called with what a commit left to be done, in the order of the commits
// of this process, before the calls that made them return. It must not block: what it
// has no room for stays in the outbox and is claimed later.
type OnCommit func([]Outgoing)
