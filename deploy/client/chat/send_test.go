package chatclient

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// sent reads the next sendMessage.
func (p *peer) sent() (*asked, *chatv1.SendMessageRequest) {
	p.s.t.Helper()
	a, req := p.next("sendMessage"), &chatv1.SendMessageRequest{}
	a.read(p.s.t, req)
	return a, req
}

func stored(req *chatv1.SendMessageRequest, seq int64, duplicate bool) *chatv1.SendMessageResponse {
	return &chatv1.SendMessageResponse{Message: &chatv1.Message{
		Conversation: req.GetConversation(), Seq: seq, Sender: "me", Kind: chatv1.MessageKind_MESSAGE_KIND_TEXT,
		Text: req.GetText(), RequestId: req.GetRequestId(),
	}, Duplicate: proto.Bool(duplicate)}
}

func mustSend(t *testing.T, c *running, conversation, text string) *Sending {
	t.Helper()
	s, err := c.Send(conversation, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSendIsAnsweredAndOnTheScreen(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 1)
		x := mustSend(t, c, "g", "hello")
		a, req := p.sent()
		if req.GetRequestId() != x.RequestID || req.GetText() != "hello" {
			t.Errorf("asks %v, want hello under %s", req, x.RequestID)
		}
		p.answer(a, stored(req, 3, false))
		if m, err := x.Wait(t.Context()); err != nil || m.Seq != 3 {
			t.Errorf("got %+v, %v: want 3", m, err)
		}
		wantSeqs(t, c, "g", 1)
		p.message("g", 2) // somebody was faster
		wantSeqs(t, c, "g", 1, 2, 3)
		p.push("message", &chatv1.MessagePush{Message: stored(req, 3, false).GetMessage()})
		wantSeqs(t, c, "g", 1, 2, 3)
		l := c.Log()
		if len(l.Sent) != 1 || l.Sent[0].Seq != 3 || l.Sent[0].Acked == 0 || l.Sent[0].Tries != 1 || l.Sent[0].RequestID != x.RequestID {
			t.Errorf("sent: %+v", l.Sent)
		}
		if v := l.Conversations["g"]; v.Shown[2].Via != Acked || v.ReadSeq != 3 || v.Unread != 0 {
			t.Errorf("screen: %+v", v)
		}
		wantBreaches(t, c)
	})
}

func TestMessagesOfOneConversationGoOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		for i := range 3 {
			mustSend(t, c, "g", fmt.Sprint(i))
		}
		mustSend(t, c, "h", "elsewhere")
		first := map[string]*asked{}
		for range 2 {
			a, req := p.sent()
			first[req.GetText()] = a
		}
		if first["0"] == nil || first["elsewhere"] == nil {
			t.Fatalf("under way: %v, want the first of each conversation", first)
		}
		p.none(time.Second)
		p.fail(first["0"], fault.Unavailable, 3*time.Second) // the next ones wait behind it
		began := time.Now()
		for i := range 3 {
			a, req := p.sent()
			if req.GetText() != fmt.Sprint(i) {
				t.Errorf("sends %q, want %d", req.GetText(), i)
			}
			p.answer(a, stored(req, int64(i+1), false))
		}
		if waited := time.Since(began); waited < 3*time.Second || waited > 4*time.Second {
			t.Errorf("waited for %v, want the 3s it was asked for and a little more", waited)
		}
		wantSeqs(t, c, "g", 1, 2, 3)
	})
}

func TestTemporaryErrorsAreTriedAgainWithGrowingPauses(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Times.Retry, cfg.Times.RetryMost = time.Second, 8*time.Second
		c, p := s.told(cfg, 0)
		x := mustSend(t, c, "g", "hello")
		for i := range 8 {
			began := time.Now()
			a, req := p.sent()
			if top := min(time.Second<<max(i-1, 0), 8*time.Second); i > 0 && time.Since(began) > top {
				t.Errorf("pause %d lasted %v, want at most %v", i, time.Since(began), top)
			}
			if req.GetRequestId() != x.RequestID {
				t.Errorf("sends %s, want %s", req.GetRequestId(), x.RequestID)
			}
			p.fail(a, fault.Overloaded, 0)
		}
		a, req := p.sent()
		p.answer(a, stored(req, 1, false))
		if _, err := x.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if n := c.Counters(); n.Resends != 8 || n.Temporary != 8 || n.Acks != 1 || n.DuplicateAcks != 0 {
			t.Errorf("counted %+v", n)
		}
	})
}

func TestFinalErrorIsReportedAndTheNextGoes(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		x, y, z := mustSend(t, c, "g", "x"), mustSend(t, c, "g", "y\xff"), mustSend(t, c, "g", "z")
		a, _ := p.sent()
		p.fail(a, fault.Conflict, 0)
		_, err := x.Wait(t.Context())
		var e *Error
		if !errors.Is(err, fault.Conflict) || !errors.As(err, &e) || e.Reason != "CONFLICT" || e.Temporary {
			t.Errorf("got %v, want a conflict", err)
		}
		if _, err := y.Wait(t.Context()); err == nil {
			t.Error("a text that is not UTF-8 was sent")
		}
		a, req := p.sent()
		p.answer(a, stored(req, 1, false))
		if m, err := z.Wait(t.Context()); err != nil || m.Seq != 1 {
			t.Errorf("got %+v, %v: want 1", m, err)
		}
		if l := c.Log(); len(l.Sent) != 3 || !l.Sent[0].Refused || l.Sent[0].Code != fault.Conflict || l.Counters.Refused != 2 {
			t.Errorf("sent: %+v", l.Sent)
		}
	})
}

func TestSendIsTriedAgainWhenNoAnswerComes(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		s.handle("listHeads", func(p *peer, a *asked) { p.answer(a, &chatv1.ListHeadsResponse{}) })
		x := mustSend(t, c, "g", "hello")
		first, req := p.sent()
		for _, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
			began := time.Now()
			_, again := p.sent()
			if waited := time.Since(began); waited != want {
				t.Errorf("waited for %v, want %v", waited, want)
			}
			if again.GetRequestId() != x.RequestID {
				t.Errorf("sends %s, want %s", again.GetRequestId(), x.RequestID)
			}
		}
		p.answer(first, stored(req, 1, false)) // late, and as good as in time
		if m, err := x.Wait(t.Context()); err != nil || m.Seq != 1 {
			t.Errorf("got %+v, %v: want 1", m, err)
		}
		wantSeqs(t, c, "g", 1)
		if n := c.Counters(); n.Late != 1 || n.Timeouts != 3 || n.Resends != 3 || n.Acks != 1 {
			t.Errorf("counted %+v", n)
		}
	})
}

func TestLateAnswersAreHeldAgainstTheFirst(t *testing.T) {
	for name, second := range map[string]int64{"the same": 1, "another": 2} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) {
				c, p := s.told(s.config(), 0)
				s.handle("listHeads", func(p *peer, a *asked) { p.answer(a, &chatv1.ListHeadsResponse{}) })
				x := mustSend(t, c, "g", "hello")
				first, req := p.sent()
				again, _ := p.sent()
				p.answer(first, stored(req, 1, false))
				p.answer(again, stored(req, second, true))
				if m, err := x.Wait(t.Context()); err != nil || m.Seq != 1 {
					t.Errorf("got %+v, %v: want 1", m, err)
				}
				if second == 1 {
					wantBreaches(t, c)
				} else {
					wantBreaches(t, c, AckChanged)
				}
				if n := c.Counters(); n.DuplicateAcks != 1 || n.Acks != 1 {
					t.Errorf("counted %+v, want one ack and one duplicate", n)
				}
			})
		})
	}
}

func TestWhatHasNoAnswerGoesAgainInOrderOverTheNextConn(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		var all []*Sending
		for i := range 3 {
			all = append(all, mustSend(t, c, "g", fmt.Sprint(i)))
		}
		p.sent() // stored, and the answer is lost
		p.cut()
		p, _ = s.opened(head("g", 1))
		a, req := p.sent()
		history := p.next("getMessages")
		if req.GetRequestId() != all[0].RequestID {
			t.Errorf("begins with %q, want the one without an answer", req.GetText())
		}
		p.answer(a, stored(req, 1, true))
		p.answer(history, &chatv1.GetMessagesResponse{Messages: []*chatv1.Message{stored(req, 1, false).GetMessage()}, FirstSeq: 1, HeadSeq: 1})
		for i := range 2 {
			a, req := p.sent()
			if req.GetRequestId() != all[i+1].RequestID {
				t.Errorf("sends %q, want %d", req.GetText(), i+1)
			}
			p.answer(a, stored(req, int64(i+2), false))
		}
		for i, x := range all {
			if m, err := x.Wait(t.Context()); err != nil || m.Seq != int64(i+1) {
				t.Errorf("got %+v, %v: want %d", m, err, i+1)
			}
		}
		wantSeqs(t, c, "g", 1, 2, 3)
		l := c.Log()
		if !l.Sent[0].Duplicate || l.Sent[1].Duplicate || l.Counters.DuplicateAcks != 1 || l.Counters.Resends != 1 {
			t.Errorf("sent: %+v", l.Sent)
		}
		wantBreaches(t, c)
	})
}

func TestFullOutboxRefuses(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Outbox = 2
		s.setDown(true)
		c := s.run(cfg)
		mustSend(t, c, "g", "1")
		x := mustSend(t, c, "g", "2")
		if _, err := c.Send("g", "3"); !errors.Is(err, ErrOutboxFull) {
			t.Errorf("got %v, want that the outbox is full", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := x.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a time-out", err)
		}
		if l := c.Log(); len(l.Sent) != 2 || l.Sent[0].Text != "1" || l.Sent[0].Tries != 0 {
			t.Errorf("sent: %+v", l.Sent)
		}
	})
}

func TestCallsSayWhatTheServerSaid(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		got := make(chan error)
		call := func(ctx context.Context) {
			got <- c.Call(ctx, "getUsers", &chatv1.GetUsersRequest{}, &chatv1.GetUsersResponse{})
		}
		go call(t.Context())
		p.fail(p.next("getUsers"), fault.RateLimited, 1200*time.Millisecond)
		var e *Error
		if err := <-got; !errors.As(err, &e) || e.Code != fault.RateLimited || !e.Temporary || e.RetryAfter != 1200*time.Millisecond || e.Unanswered {
			t.Errorf("got %+v", err)
		}
		go call(t.Context())
		p.next("getUsers")
		if err := <-got; !errors.Is(err, fault.DeadlineExceeded) {
			t.Errorf("got %v, want that no answer came", err)
		}
		go call(t.Context())
		p.next("getUsers")
		p.cut()
		if err := <-got; !errors.As(err, &e) || e.Code != fault.Unavailable || !e.Unanswered {
			t.Errorf("got %+v, want that the conn was lost", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go call(ctx)
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cancelled", err)
		}
	})
}

func TestDoAsksUntilThereIsAnAnswerUnderOneRequestID(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		s.handle("listHeads", func(p *peer, a *asked) { p.answer(a, &chatv1.ListHeadsResponse{}) })
		got := make(chan *chatv1.CreateGroupResponse)
		go func() {
			res, err := c.CreateGroup(t.Context(), "friends", "a", "b")
			if err != nil {
				t.Error(err)
			}
			got <- res
		}()
		ids := map[string]bool{}
		next := func() *asked {
			a, req := p.next("createGroup"), &chatv1.CreateGroupRequest{}
			a.read(t, req)
			ids[req.GetRequestId()] = true
			return a
		}
		p.fail(next(), fault.Unavailable, 0)
		next() // no answer
		next()
		p.cut()
		p, _ = s.opened()
		h := head("new", 0)
		p.answer(next(), &chatv1.CreateGroupResponse{Conversation: &chatv1.Conversation{Id: "new", Type: h.GetType(), Name: "friends", Head: h}})
		if res := <-got; res.GetConversation().GetId() != "new" || len(ids) != 1 || ids[""] {
			t.Errorf("got %v under the ids %v", res, ids)
		}
		if v, ok := c.Screen("new"); !ok || v.Name != "friends" {
			t.Errorf("screen: %+v", v)
		}
	})
}
