package chattest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Open opens a store on the database of a test, another store with each call, that lets
// go with the test. heard is told what its commits leave; nil: nobody is.
type Open func(t *testing.T, heard chat.OnCommit) chat.Store

// world is two stores on one database, and people who talk. Names are new in each
// world, so that tests of one database do not meet.
type world struct {
	t      *testing.T
	a, b   chat.Store
	tag    string
	users  []chat.Caller
	group  chat.ConversationID // of all users, the first is its owner
	direct chat.ConversationID // of the first two
}

// newWorld has two users, and those that are named.
func newWorld(t *testing.T, open Open, more ...string) *world {
	return newWorldThatHears(t, open, nil, more...)
}

func newWorldThatHears(t *testing.T, open Open, heard chat.OnCommit, more ...string) *world {
	t.Helper()
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	w := &world{t: t, a: open(t, heard), b: open(t, heard), tag: hex.EncodeToString(b[:])}
	w.users = w.people(append([]string{"owner", "friend"}, more...)...)
	var ids []chat.UserID
	for _, u := range w.users[1:] {
		ids = append(ids, u.User)
	}
	made, err := w.a.AddConversation(t.Context(), w.users[0], chat.NewConversation{Type: chat.Group, Name: "group " + w.tag, Users: ids, Request: "group"})
	if err != nil {
		t.Fatal(err)
	}
	w.group = made.ID
	if made, err = w.b.OpenDirect(t.Context(), w.users[0], w.users[1].User); err != nil {
		t.Fatal(err)
	}
	w.direct = made.ID
	return w
}

// people makes users.
func (w *world) people(names ...string) (list []chat.Caller) {
	w.t.Helper()
	for _, name := range names {
		a, _, err := w.a.AddUser(w.t.Context(), chat.NewUser{User: chat.User{Name: name + "-" + w.tag}, PasswordHash: "hash", Request: chat.RequestID("sign-up-" + name)})
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, chat.Caller{User: a.ID})
	}
	return list
}

// room makes a room whose owner is the first user.
func (w *world) room(name string) chat.ConversationID {
	w.t.Helper()
	made, err := w.a.AddConversation(w.t.Context(), w.users[0], chat.NewConversation{Type: chat.Room, Name: name + " " + w.tag, Request: chat.RequestID("room-" + name)})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}

func (w *world) trySend(s chat.Store, c chat.Caller, id chat.ConversationID, request, text string) (chat.Stored, error) {
	return s.Send(w.t.Context(), c, chat.Draft{Conversation: id, Request: chat.RequestID(request), Text: text})
}

// send sends what has to be taken, and again what is refused for now, as clients do; it
// may be called from any goroutine.
func (w *world) send(s chat.Store, c chat.Caller, id chat.ConversationID, request, text string) chat.Stored {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got, err := w.trySend(s, c, id, request, text)
		if err == nil {
			return got
		}
		if !fault.CodeOf(err).Temporary() || time.Now().After(end) {
			w.t.Errorf("send %s: %v", request, err)
			return got
		}
	}
}

func (w *world) amend(s chat.Store, c chat.Caller, a chat.Amendment) chat.Amended {
	w.t.Helper()
	got, err := s.Amend(w.t.Context(), c, a)
	if err != nil {
		w.t.Errorf("amend %d by %s: %v", a.Seq, a.Request, err)
	}
	return got
}

// leave takes somebody out; it may be called from any goroutine.
func (w *world) leave(s chat.Store, c chat.Caller, id chat.ConversationID) {
	w.t.Helper()
	var b [5]byte
	_, _ = rand.Read(b[:])
	if _, err := s.LeaveConversation(w.t.Context(), c, id, chat.RequestID("leave-"+hex.EncodeToString(b[:]))); err != nil {
		w.t.Errorf("leave: %v", err)
	}
}

func (w *world) look(s chat.Store, c chat.Caller, id chat.ConversationID) chat.View {
	w.t.Helper()
	v, err := s.View(w.t.Context(), c, id)
	if err != nil {
		w.t.Errorf("view: %v", err)
	}
	return v
}

// all reads a conversation from its beginning, page by page.
func (w *world) all(s chat.Store, c chat.Caller, id chat.ConversationID) (messages []chat.Message) {
	w.t.Helper()
	page, err := s.Messages(w.t.Context(), c, id, chat.Range{Limit: 50})
	for {
		if err != nil {
			w.t.Errorf("messages: %v", err)
			return messages
		}
		messages = append(slices.Clone(page.Messages), messages...)
		if !page.More {
			return messages
		}
		page, err = s.Messages(w.t.Context(), c, id, chat.Range{Before: page.Messages[0].Seq, Limit: 50})
	}
}

// ear remembers what commits left.
type ear struct {
	mu    sync.Mutex
	heard []chat.Outgoing
}

func newEar() *ear { return new(ear) }

func (e *ear) hear(left []chat.Outgoing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, left...)
}

// inOrder returns the messages of a conversation as they were told.
func (e *ear) inOrder(id chat.ConversationID) (list []chat.Outgoing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.heard {
		if o.Kind == chat.OutMessage && o.Conversation == id {
			list = append(list, o)
		}
	}
	return list
}

// messages returns them in order of seq.
func (e *ear) messages(id chat.ConversationID) []chat.Outgoing {
	list := e.inOrder(id)
	slices.SortFunc(list, func(a, b chat.Outgoing) int { return int(a.Message.Seq - b.Message.Seq) })
	return list
}

func (e *ear) message(id chat.ConversationID, seq chat.Seq) (chat.Outgoing, bool) {
	for _, o := range e.inOrder(id) {
		if o.Message.Seq == seq {
			return o, true
		}
	}
	return chat.Outgoing{}, false
}

// change returns what was told of a change.
func (e *ear) change(id chat.ConversationID, rev chat.Rev) (chat.Outgoing, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.heard {
		if o.Kind == chat.OutChange && o.Conversation == id && o.Change.Rev == rev {
			return o, true
		}
	}
	return chat.Outgoing{}, false
}

func sorted(in map[chat.UserID]bool) []chat.UserID {
	users := make([]chat.UserID, 0, len(in))
	for u := range in {
		users = append(users, u)
	}
	slices.Sort(users)
	return users
}

// seqs lists the numbers of messages.
func seqs(messages []chat.Message) string {
	list := make([]chat.Seq, len(messages))
	for i, m := range messages {
		list[i] = m.Seq
	}
	return fmt.Sprint(list)
}
