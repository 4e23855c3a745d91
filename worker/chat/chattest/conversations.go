package chattest

import (
	"slices"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Conversations holds a store to what chat.Conversations promises.
func Conversations(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"APairHasOneConversation":            aPairHasOneConversation,
		"FiftyOpenAPairsConversationAtOnce":  fiftyOpenDirect,
		"AGroupChatBeginsWithALine":          aGroupChatBeginsWithALine,
		"FiftyAskForOneGroupChat":            fiftyAskForOneGroup,
		"ARequestIsAnsweredOnce":             aRequestIsAnsweredOnce,
		"WhoIsAddedSeesWhatComes":            whoIsAddedSeesWhatComes,
		"WhoLeavesIsGone":                    whoLeavesIsGone,
		"AGroupChatHasOneOwner":              aGroupChatHasOneOwner,
		"ComingAndGoingIsExact":              comingAndGoingIsExact,
		"ARoomIsKnownByItsName":              aRoomIsKnownByItsName,
		"ARoomIsOpenToAll":                   aRoomIsOpenToAll,
		"RightsOfConversations":              rightsOfConversations,
		"RealmsDoNotMeet":                    realmsDoNotMeet,
		"PagesOfConversationsAndMembers":     pagesOfConversations,
		"WhoSharesAConversation":             whoSharesAConversation,
		"PreviewsAreWhatOneMaySee":           previewsAreWhatOneMaySee,
		"GroupsAreThoseThatAreNotNarrow":     groupsAreNotNarrow,
		"HeadsTellEverythingFirst":           headsTellEverything,
		"HeadsTellWhatChanged":               headsTellWhatChanged,
		"HeadsTellOfLeavingOnce":             headsTellOfLeaving,
		"HeadsOfAClockThatWasSetBack":        headsOfAClockSetBack,
		"HeadsMissNothingWhileOthersWriteOn": headsMissNothing,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// nobody is an id that nobody has.
const nobody = "01900000-0000-7000-8000-000000000000"

// fails wants an error of a code.
func (w *world) fails(what string, err error, want fault.Code) {
	w.t.Helper()
	if err == nil || fault.CodeOf(err) != want {
		w.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// add makes a conversation that has to be made.
func (w *world) add(s chat.Store, c chat.Caller, t chat.Type, name, request string, users ...chat.Caller) chat.Made {
	w.t.Helper()
	made, err := s.AddConversation(w.t.Context(), c, chat.NewConversation{Type: t, Name: name, Users: ids(users), Request: chat.RequestID(request)})
	if err != nil {
		w.t.Fatalf("%s: %v", request, err)
	}
	return made
}

func ids(callers []chat.Caller) []chat.UserID {
	list := make([]chat.UserID, len(callers))
	for i, c := range callers {
		list[i] = c.User
	}
	return list
}

// members returns all who are in a conversation, in order of id.
func (w *world) members(s chat.Store, c chat.Caller, id chat.ConversationID) []chat.Attendance {
	w.t.Helper()
	list, more, err := s.Attendances(w.t.Context(), c, id, "", 500)
	if err != nil || more {
		w.t.Errorf("members: %v, more %v", err, more)
	}
	return list
}

// isIn wants exactly these users to be in a conversation, and counted.
func (w *world) isIn(s chat.Store, c chat.Caller, id chat.ConversationID, want ...chat.Caller) {
	w.t.Helper()
	wanted := ids(want)
	slices.Sort(wanted)
	var have []chat.UserID
	for _, a := range w.members(s, c, id) {
		have = append(have, a.User)
	}
	if !slices.Equal(have, wanted) {
		w.t.Errorf("in it are %v, want %v", have, wanted)
	}
	all, err := s.MemberIDs(w.t.Context(), id)
	if slices.Sort(all); err != nil || !slices.Equal(all, wanted) {
		w.t.Errorf("the ids of who is in it are %v, %v, want %v", all, err, wanted)
	}
	if v := w.look(s, c, id); v.Members != len(want) {
		w.t.Errorf("%d are counted, want %d", v.Members, len(want))
	}
}

func aPairHasOneConversation(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("liubei", "guanyu", "zhangfei")
	first, err := w.a.OpenDirect(t.Context(), p[0], p[1].User)
	if err != nil || first.Duplicate || first.Type != chat.Direct || first.Peer != p[1].User || first.Members != 2 || first.Role != chat.Member ||
		first.Creator != p[0].User || first.Seq != 0 || first.FromSeq != 1 || first.Width != chat.Narrow {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := w.b.OpenDirect(t.Context(), p[0], p[1].User)
	if err != nil || !again.Duplicate || again.View != first.View {
		t.Errorf("again: %+v, %v, the first was %+v", again, err, first)
	}
	other, err := w.b.OpenDirect(t.Context(), p[1], p[0].User)
	if err != nil || !other.Duplicate || other.ID != first.ID || other.Peer != p[0].User {
		t.Errorf("by the other: %+v, %v", other, err)
	}
	w.isIn(w.b, p[1], first.ID, p[0], p[1])
	self, err := w.a.OpenDirect(t.Context(), p[0], p[0].User)
	if err != nil || self.Duplicate || self.ID == first.ID || self.Peer != p[0].User || self.Members != 1 {
		t.Errorf("with oneself: %+v, %v", self, err)
	}
	w.isIn(w.b, p[0], self.ID, p[0])
	for _, c := range p[:2] {
		w.send(w.a, c, first.ID, "hello", "hello")
	}
	if v := w.look(w.b, p[1], first.ID); v.Seq != 2 || v.Counted != 2 {
		t.Errorf("after two messages: %+v", v)
	}
	_, err = w.a.OpenDirect(t.Context(), p[0], nobody)
	w.fails("with nobody", err, fault.NotFound)
	_, err = w.a.View(t.Context(), p[2], first.ID)
	w.fails("a third one looks", err, fault.NotFound)
}

func fiftyOpenDirect(t *testing.T, open Open) {
	w := newWorld(t, open)
	for round, p := range [][]chat.Caller{w.people("a", "b"), w.people("alone")} {
		var all race[chat.Made]
		all.run(50, func(i int) (chat.Made, bool, error) {
			m, err := w.either(i).OpenDirect(t.Context(), p[i%len(p)], p[(i+1)%len(p)].User)
			if m.Peer != p[(i+1)%len(p)].User {
				t.Errorf("the peer is %s", m.Peer)
			}
			return m, m.Duplicate, err
		})
		if len(all.fresh) != 1 || len(all.repeated) != 49 {
			t.Fatalf("round %d: %d made, %d repeated: %v", round, len(all.fresh), len(all.repeated), all.errs)
		}
		for _, m := range all.repeated {
			if m.ID != all.fresh[0].ID {
				t.Errorf("round %d: two conversations: %s and %s", round, m.ID, all.fresh[0].ID)
			}
		}
		w.isIn(w.a, p[0], all.fresh[0].ID, p...)
	}
}

func aGroupChatBeginsWithALine(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	p := w.people("liubei", "guanyu", "zhangfei")
	// Who is named twice, or calls, is in it once.
	made := w.add(w.a, p[0], chat.Group, "shu", "shu", p[1], p[2], p[1], p[0])
	if made.Duplicate || made.Type != chat.Group || made.Name != "shu" || made.Role != chat.Owner || made.Creator != p[0].User || made.Members != 3 ||
		made.Seq != 1 || made.Counted != 0 || made.FromSeq != 1 || made.Peer != "" || made.Unread() != 0 || made.Width != chat.Narrow {
		t.Errorf("made: %+v", made)
	}
	w.isIn(w.b, p[1], made.ID, p...)
	everybody := ids(p)
	slices.Sort(everybody)
	for _, c := range p {
		if v := w.look(w.b, c, made.ID); v.Unread() != 0 || v.FromSeq != 1 || (v.Role == chat.Owner) != (c == p[0]) {
			t.Errorf("%+v", v)
		}
		got := w.all(w.b, c, made.ID)
		if len(got) != 1 || got[0].Kind != chat.Created || got[0].Sender != p[0].User || !slices.Equal(got[0].Users, everybody) || got[0].Seq != 1 || got[0].Text != "" {
			t.Errorf("its messages: %+v", got)
		}
	}
	o, ok := heard.message(made.ID, 1)
	if !ok || !slices.Equal(o.Recipients, everybody) || o.Message.Kind != chat.Created || !slices.Equal(o.Message.Users, everybody) || o.Removed != nil || o.ID == 0 || o.Type != chat.Group {
		t.Errorf("told: %+v, %v", o, ok)
	}
	// One who is not there, and nothing was made: the request may be used again.
	_, err := w.a.AddConversation(t.Context(), p[0], chat.NewConversation{Type: chat.Group, Name: "wei", Users: []chat.UserID{p[1].User, nobody}, Request: "wei"})
	w.fails("with nobody", err, fault.NotFound)
	if made = w.add(w.b, p[0], chat.Group, "wei", "wei", p[1]); made.Duplicate {
		t.Errorf("after a failure: %+v", made)
	}
	alone := w.add(w.a, p[0], chat.Group, "alone", "alone")
	w.isIn(w.b, p[0], alone.ID, p[0])
	// Names of group chats are nobody's.
	if same := w.add(w.a, p[1], chat.Group, "shu", "shu"); same.Duplicate || same.ID == made.ID {
		t.Errorf("another of that name: %+v", same)
	}
}

func fiftyAskForOneGroup(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	p := w.people("liubei", "guanyu", "zhangfei")
	var all race[chat.Made]
	all.run(50, func(i int) (chat.Made, bool, error) {
		users := []chat.UserID{p[1].User, p[2].User}
		if i%3 == 0 {
			slices.Reverse(users) // their order says nothing
		}
		m, err := w.either(i).AddConversation(t.Context(), p[0], chat.NewConversation{Type: chat.Group, Name: "shu", Users: users, Request: "one"})
		return m, m.Duplicate, err
	})
	if len(all.fresh) != 1 || len(all.repeated) != 49 {
		t.Fatalf("%d made, %d repeated: %v", len(all.fresh), len(all.repeated), all.errs)
	}
	for _, m := range all.repeated {
		if m.View != all.fresh[0].View {
			t.Errorf("answers differ: %+v and %+v", m.View, all.fresh[0].View)
		}
	}
	if n := len(heard.inOrder(all.fresh[0].ID)); n != 1 {
		t.Errorf("it was told %d times", n)
	}
	views, _, err := w.a.Views(t.Context(), p[2], "", 100)
	if err != nil || len(views) != 2 { // the lobby, and this one
		t.Errorf("%d conversations, %v", len(views), err)
	}
}

func aRequestIsAnsweredOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("liubei", "guanyu", "zhangfei")
	made := w.add(w.a, p[0], chat.Group, "shu", "one", p[1])
	w.send(w.a, p[1], made.ID, "since", "hello")
	if again := w.add(w.b, p[0], chat.Group, "shu", "one", p[1]); !again.Duplicate || again.View != made.View {
		t.Errorf("again: %+v, the first was %+v", again, made)
	}
	for what, n := range map[string]chat.NewConversation{
		"another name":    {Type: chat.Group, Name: "Shu", Users: ids(p[1:2])},
		"another type":    {Type: chat.Room, Name: "shu", Users: ids(p[1:2])},
		"other users":     {Type: chat.Group, Name: "shu", Users: ids(p[1:3])},
		"without users":   {Type: chat.Group, Name: "shu"},
		"a name and user": {Type: chat.Group, Name: "shu" + string(p[1].User)},
	} {
		n.Request = "one"
		_, err := w.b.AddConversation(t.Context(), p[0], n)
		w.fails(what, err, fault.Conflict)
	}
	_, err := w.b.AddMembers(t.Context(), p[0], made.ID, ids(p[2:3]), "one")
	w.fails("another method", err, fault.Conflict)
	_, err = w.b.LeaveConversation(t.Context(), p[0], made.ID, "one")
	w.fails("leaving", err, fault.Conflict)
	if other := w.add(w.b, p[1], chat.Group, "shu", "one", p[0]); other.Duplicate || other.ID == made.ID {
		t.Errorf("another user's: %+v", other)
	}
	// Ids of requests are compared byte by byte.
	if other := w.add(w.b, p[0], chat.Group, "shu", "ONE", p[1]); other.Duplicate {
		t.Errorf("in other letters: %+v", other)
	}
}
