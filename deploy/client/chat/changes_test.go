package chatclient

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

func edit(rev, seq int64, text string) *chatv1.Change {
	return &chatv1.Change{Conversation: "g", Rev: rev, Seq: seq, Kind: chatv1.ChangeKind_CHANGE_KIND_EDITED, Actor: "other", Text: text}
}

func recall(rev, seq int64) *chatv1.Change {
	return &chatv1.Change{Conversation: "g", Rev: rev, Seq: seq, Kind: chatv1.ChangeKind_CHANGE_KIND_RECALLED, Actor: "other"}
}

func (p *peer) changed(ch *chatv1.Change) {
	p.push("messageChanged", &chatv1.MessageChangedPush{Change: ch})
}

func wantText(t *testing.T, c *running, seq int64, want string) {
	t.Helper()
	synctest.Wait()
	s, _ := c.Screen("g")
	if m := s.Messages[seq]; m.Text != want {
		t.Errorf("message %d: got %q, want %q", seq, m.Text, want)
	}
}

// told is a client that has so many messages on its screen.
func (s *stage) told(cfg Config, n int64) (*running, *peer) {
	s.t.Helper()
	c := s.run(cfg)
	p, _ := s.opened(head("g", n))
	if n > 0 {
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 1, n), FirstSeq: 1, HeadSeq: n})
	}
	synctest.Wait()
	return c, p
}

func TestChangesAreAppliedInOrderOfRev(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 3)
		p.changed(edit(2, 1, "second"))
		p.changed(edit(2, 1, "second"))
		wantText(t, c, 1, "text 1")
		p.changed(edit(1, 1, "first"))
		wantText(t, c, 1, "second")
		p.changed(edit(1, 1, "first"))
		p.changed(recall(3, 2))
		wantText(t, c, 1, "second")
		wantText(t, c, 2, "")
		p.none(40 * time.Second)
		screen, _ := c.Screen("g")
		if !screen.Messages[2].Recalled || screen.Rev != 3 || len(screen.Shown) != 3 || screen.Shown[0].Text != "text 1" {
			t.Errorf("screen: %+v", screen)
		}
		if n := c.Counters(); n.Duplicates != 2 || n.Held != 1 {
			t.Errorf("counted %+v, want two repeats and one held", n)
		}
		wantBreaches(t, c)
	})
}

func TestMissingChangesAreFetchedAfterTheHold(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 3)
		p.changed(edit(4, 3, "new"))
		began := time.Now()
		a, req := p.next("getChanges"), &chatv1.GetChangesRequest{}
		if held := time.Since(began); held < 225*time.Millisecond || held > 375*time.Millisecond {
			t.Errorf("held for %v, want 300ms and a quarter more or less", held)
		}
		if a.read(t, req); req.GetAfter() != 0 {
			t.Errorf("asks after %d, want 0", req.GetAfter())
		}
		// The first edit was replaced by the third change since: its text is gone.
		p.answer(a, &chatv1.GetChangesResponse{Changes: []*chatv1.Change{edit(1, 1, ""), edit(2, 2, "two")}, More: proto.Bool(true), HeadRev: 4})
		wantText(t, c, 1, "text 1")
		wantText(t, c, 2, "two")
		a = p.next("getChanges")
		if a.read(t, req); req.GetAfter() != 2 {
			t.Errorf("asks after %d, want 2", req.GetAfter())
		}
		p.answer(a, &chatv1.GetChangesResponse{Changes: []*chatv1.Change{edit(3, 1, "one"), edit(4, 3, "new")}, HeadRev: 4})
		wantText(t, c, 1, "one")
		wantText(t, c, 3, "new")
		p.none(40 * time.Second)
	})
}

// In a large group chat with somebody in it who may not see the message, a hub group is
// told that there is a change and not which.
func TestHeadWithAHigherRevHasItsChangesFetched(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 3)
		told := &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{
			Id: "g", Type: chatv1.ConversationType_CONVERSATION_TYPE_GROUP, Name: "large", Members: 500,
			Head: &chatv1.Head{Conversation: "g", Seq: 3, Rev: 1},
		}}
		p.push("conversationChanged", told)
		p.answer(p.next("getChanges"), &chatv1.GetChangesResponse{Changes: []*chatv1.Change{edit(1, 2, "new")}, HeadRev: 1})
		wantText(t, c, 2, "new")
		p.push("conversationChanged", told)
		p.none(40 * time.Second)
		wantBreaches(t, c)
	})
}

func TestChangeOfWhatIsNotOnTheScreenYetIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 1)
		p.changed(edit(1, 3, "better"))
		p.message("g", 3)
		p.message("g", 2)
		wantText(t, c, 3, "better")
		p.none(40 * time.Second)
	})
}

// A message that is pushed late shows no changes. If the client counts from a rev that a
// head told it, changes up to that one will never be told again: the message has to be
// fetched.
func TestLatePushDoesNotHideAChangeThatIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p := s.arrive()
		a := p.next("openSession")
		p.message("g", 1) // as it was stored; it has been edited since
		h := head("g", 2)
		h.Rev = 1
		p.answer(a, session(h))
		a = p.next("getMessages")
		p.message("g", 1)
		p.message("g", 2)
		synctest.Wait()
		if got := seqs(c, "g"); len(got) > 0 {
			t.Errorf("shown before they were fetched: %v", got)
		}
		edited := line1("g", 1)
		edited.Text, edited.Rev = "edited", 1
		p.answer(a, &chatv1.GetMessagesResponse{Messages: []*chatv1.Message{edited, line1("g", 2)}, FirstSeq: 1, HeadSeq: 2, HeadRev: 1})
		wantText(t, c, 1, "edited")
		p.message("g", 1) // late once more
		wantText(t, c, 1, "edited")
		p.none(40 * time.Second)
		wantBreaches(t, c)
	})
}

func TestLatePushIsNotShownBetweenTwoPages(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, err := New(s.config())
		if err != nil {
			t.Fatal(err)
		}
		c.page = 1
		r := s.again(c)
		h := head("g", 2)
		h.Rev = 1
		p, _ := s.opened(h)
		a := p.next("getMessages")
		p.message("g", 2) // as it was stored; it has been edited since
		p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", 1, 1), More: proto.Bool(true), FirstSeq: 1, HeadSeq: 2, HeadRev: 1})
		edited := line1("g", 2)
		edited.Text, edited.Rev = "edited", 1
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: []*chatv1.Message{edited}, FirstSeq: 1, HeadSeq: 2, HeadRev: 1})
		wantText(t, r, 2, "edited")
		wantSeqs(t, r, "g", 1, 2)
	})
}

func TestLatePushDoesNotHideAChangeThatWasPassedOver(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 1)
		p.changed(edit(2000, 2, "pushed"))
		p.answer(p.next("getChanges"), &chatv1.GetChangesResponse{RefetchFrom: 1, HeadRev: 1999})
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 1, 1), More: proto.Bool(true), FirstSeq: 1, HeadSeq: 3, HeadRev: 1999})
		p.message("g", 2)
		p.message("g", 3) // was edited by one of the changes that were passed over
		wantSeqs(t, c, "g", 1)
		list := lines("g", 2, 3)
		list[1].Text, list[1].Rev = "edited", 1500
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: list, FirstSeq: 1, HeadSeq: 3, HeadRev: 1999})
		wantText(t, c, 2, "pushed")
		wantText(t, c, 3, "edited")
		p.none(40 * time.Second)
	})
}

func TestTooManyChangesAreFetchedAnew(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 5)
		p.changed(edit(1, 1, "told"))
		p.changed(edit(2000, 5, "pushed"))
		a := p.next("getChanges")
		p.answer(a, &chatv1.GetChangesResponse{RefetchFrom: 3, HeadRev: 2000})
		a, req := p.next("getMessages"), &chatv1.GetMessagesRequest{}
		if a.read(t, req); req.GetAfter() != 2 {
			t.Errorf("fetches after %d, want 2", req.GetAfter())
		}
		// Meanwhile one more is stored, changed, and its push is late.
		p.changed(edit(2001, 6, "six"))
		list := lines("g", 3, 6)
		for i, m := range list {
			m.Text, m.Rev = fmt.Sprint("anew ", m.GetSeq()), int64(1990+i)
		}
		p.answer(a, &chatv1.GetMessagesResponse{Messages: list[:3], FirstSeq: 1, HeadSeq: 5, HeadRev: 2000})
		p.message("g", 6)
		wantText(t, c, 1, "told")
		for seq := int64(3); seq <= 5; seq++ {
			wantText(t, c, seq, fmt.Sprint("anew ", seq))
		}
		wantText(t, c, 6, "six")
		wantSeqs(t, c, "g", 1, 2, 3, 4, 5, 6)
		p.none(40 * time.Second)
		if screen, _ := c.Screen("g"); screen.Rev != 2001 {
			t.Errorf("rev %d, want 2001", screen.Rev)
		}
		wantBreaches(t, c)
	})
}

// An answer that would be too long is cut. With a bound above alone it is cut at its
// beginning, and only such an answer can begin with the first message.
func TestFirstPageThatIsCutIsReadDownwards(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 6))
		page := func(from, to, before int64, more bool) {
			t.Helper()
			a, req := p.next("getMessages"), &chatv1.GetMessagesRequest{}
			if a.read(t, req); req.GetAfter() != 0 || req.GetBefore() != before {
				t.Errorf("asks after %d, before %d, want 0, %d", req.GetAfter(), req.GetBefore(), before)
			}
			p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", from, to), More: proto.Bool(more), FirstSeq: 1, HeadSeq: 6})
		}
		page(5, 6, perPage+1, true)
		page(3, 4, 5, true)
		page(1, 2, 3, false)
		wantSeqs(t, c, "g", 1, 2, 3, 4, 5, 6)

		p.changed(edit(2000, 6, "pushed"))
		p.answer(p.next("getChanges"), &chatv1.GetChangesResponse{RefetchFrom: 1, HeadRev: 2000})
		page(5, 6, perPage+1, true)
		page(1, 4, 5, false)
		a, req := p.next("getMessages"), &chatv1.GetMessagesRequest{}
		if a.read(t, req); req.GetAfter() != 4 {
			t.Errorf("goes on after %d, want 4", req.GetAfter())
		}
		list := lines("g", 5, 6)
		list[0].Text, list[0].Rev = "anew", 1999
		p.answer(a, &chatv1.GetMessagesResponse{Messages: list, FirstSeq: 1, HeadSeq: 6, HeadRev: 2000})
		wantText(t, c, 5, "anew")
		p.none(40 * time.Second)
		wantBreaches(t, c)
	})
}

func TestRefetchGoesOnAfterTheConnWasLost(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 2)
		p.changed(edit(2000, 1, "pushed"))
		p.answer(p.next("getChanges"), &chatv1.GetChangesResponse{RefetchFrom: 1, HeadRev: 2000})
		p.next("getMessages")
		p.cut()
		p, _ = s.opened(head("g", 2))
		m := line1("g", 1)
		m.Text, m.Rev = "anew", 2000
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: []*chatv1.Message{m, line1("g", 2)}, FirstSeq: 1, HeadSeq: 2, HeadRev: 2000})
		wantText(t, c, 1, "anew")
		p.none(40 * time.Second)
	})
}

func TestOwnEditIsOnTheScreenWithoutAPush(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 2)
		go func() {
			a := p.next("editMessage")
			req := &chatv1.EditMessageRequest{}
			a.read(t, req)
			if req.GetRequestId() == "" || req.GetBaseRev() != 0 {
				t.Errorf("asks %v, want a request id and rev 0", req)
			}
			p.answer(a, &chatv1.EditMessageResponse{Change: edit(1, 1, "mine")})
		}()
		if _, err := c.EditMessage(t.Context(), "g", 1, "mine"); err != nil {
			t.Fatal(err)
		}
		wantText(t, c, 1, "mine")
	})
}

// What a conn changed itself is not pushed to it. Without an answer, the heads tell.
func TestChangeWithoutAnAnswerIsFoundInTheHeads(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 2)
		go func() {
			_ = c.Call(t.Context(), "recallMessage", &chatv1.RecallMessageRequest{Conversation: "g", Seq: 2, RequestId: "r"}, &chatv1.RecallMessageResponse{})
		}()
		p.next("recallMessage")
		h := head("g", 2)
		h.Rev = 1
		p.answer(p.next("listHeads"), &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{h}})
		p.answer(p.next("getChanges"), &chatv1.GetChangesResponse{Changes: []*chatv1.Change{recall(1, 2)}, HeadRev: 1})
		wantText(t, c, 2, "")
	})
}

func TestUnreadIsWhatIsBehindTheMark(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		h := head("g", 4)
		h.ReadSeq, h.Unread = 1, 2
		p, _ := s.opened(h)
		list := lines("g", 1, 4)
		list[2].Kind = chatv1.MessageKind_MESSAGE_KIND_ADDED
		want := func(read, unread int64) {
			t.Helper()
			synctest.Wait()
			if s, _ := c.Screen("g"); s.ReadSeq != read || s.Unread != unread {
				t.Errorf("mark %d, unread %d: want %d, %d", s.ReadSeq, s.Unread, read, unread)
			}
		}
		synctest.Wait()
		want(1, 2) // as the head says, before the messages are there
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: list, FirstSeq: 1, HeadSeq: 4})
		want(1, 2)
		p.message("g", 5)
		want(1, 3)
		p.changed(&chatv1.Change{Conversation: "g", Rev: 1, Seq: 5, Kind: chatv1.ChangeKind_CHANGE_KIND_RECALLED})
		want(1, 3) // a recall lowers nobody's mark
		p.push("receipt", &chatv1.ReceiptPush{Conversation: "g", User: "me", ReadSeq: 4, Unread: 99})
		want(4, 1)
		p.push("receipt", &chatv1.ReceiptPush{Conversation: "g", User: "other", ReadSeq: 3})
		p.push("receipt", &chatv1.ReceiptPush{Conversation: "g", User: "other", ReadSeq: 2})
		mine := line1("g", 6)
		mine.Sender = "me"
		p.push("message", &chatv1.MessagePush{Message: mine}) // by another device
		want(6, 0)
		p.message("g", 7)
		want(6, 1)
		if s, _ := c.Screen("g"); s.Reads["other"] != 3 {
			t.Errorf("the other has read %d, want 3", s.Reads["other"])
		}
		wantBreaches(t, c)
	})
}
