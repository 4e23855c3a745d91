package chattest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Messages holds a store to what chat.Messages promises. All that open opens is of one
// database, which is the suite's alone.
func Messages(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"AMessageIsWhatWasSent":              aMessageIsWhatWasSent,
		"ARepeatIsAnsweredLikeTheFirst":      aRepeatIsAnsweredLikeTheFirst,
		"AHundredRepeatsAtOnceAreOneMessage": aHundredRepeatsAtOnce,
		"NumbersHaveNoGaps":                  numbersHaveNoGaps,
		"ABadSendFailsAlone":                 aBadSendFailsAlone,
		"RecipientsAreThoseOfTheCommit":      recipientsAreThoseOfTheCommit,
		"WhatCommitsLeaveIsToldInOrder":      whatCommitsLeaveIsToldInOrder,
		"PagesOfMessages":                    pagesOfMessages,
		"WhoMayReadWhat":                     whoMayReadWhat,
		"MarksOnlyRise":                      marksOnlyRise,
		"AMarkStandsWhateverHappensBesides":  aMarkStandsWhateverHappensBesides,
		"UnreadIsASubtraction":               unreadIsASubtraction,
		"WhoHearsPassingThings":              whoHearsPassingThings,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
	amendments(t, open)
	pictures(t, open)
}

func aMessageIsWhatWasSent(t *testing.T, open Open) {
	w := newWorld(t, open)
	before := time.Now()
	for i, text := range []string{"hello", "a\nb\tc", "你好 👋🏽", "x' OR '1'='1", `%_\"`} {
		got := w.send(w.a, w.users[0], w.group, fmt.Sprint("what-", i), text)
		m := got.Message
		if m.Conversation != w.group || m.Seq != chat.Seq(i+2) || m.Sender != w.users[0].User || m.Kind != chat.Text ||
			m.Text != text || m.Rev != 0 || m.Recalled || m.Users != nil || m.Request != chat.RequestID(fmt.Sprint("what-", i)) || got.Duplicate {
			t.Errorf("answer: %+v", got)
		}
		if d := m.Sent.Sub(before); d < -time.Minute || d > time.Minute {
			t.Errorf("sent at %v, now it is %v", m.Sent, before)
		}
		page, err := w.b.Messages(t.Context(), w.users[1], w.group, chat.Range{After: m.Seq - 1, Limit: 1})
		if err != nil || len(page.Messages) != 1 || fmt.Sprint(page.Messages[0]) != fmt.Sprint(m) {
			t.Errorf("read back: %+v, %v, want %+v", page, err, m)
		}
	}
	page, err := w.a.Messages(t.Context(), w.users[0], w.group, chat.Range{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(page.Messages); i++ {
		if page.Messages[i].Sent.Before(page.Messages[i-1].Sent) {
			t.Errorf("the clock of the conversation ran backwards at %d", page.Messages[i].Seq)
		}
	}
}

func aRepeatIsAnsweredLikeTheFirst(t *testing.T, open Open) {
	w := newWorld(t, open)
	first := w.send(w.a, w.users[0], w.group, "repeat", "hello")
	again := w.send(w.b, w.users[0], w.group, "repeat", "hello")
	if !again.Duplicate || fmt.Sprint(again.Message) != fmt.Sprint(first.Message) {
		t.Errorf("repeat: %+v, the first was %+v", again, first)
	}
	if _, err := w.trySend(w.a, w.users[0], w.group, "repeat", "another"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("the same request with another text: %v", err)
	}
	// Somebody else's request of that name is another one, and so is mine elsewhere.
	if got := w.send(w.a, w.users[1], w.group, "repeat", "hello"); got.Duplicate {
		t.Errorf("another sender: %+v", got)
	}
	if got := w.send(w.a, w.users[0], w.direct, "repeat", "hello"); got.Duplicate {
		t.Errorf("another conversation: %+v", got)
	}
	// A message that was changed since is told as it is now.
	edit := w.amend(w.a, w.users[0], chat.Amendment{Conversation: w.group, Seq: first.Seq, Kind: chat.Edited, Text: "better", Request: "edit"})
	again = w.send(w.b, w.users[0], w.group, "repeat", "hello")
	if !again.Duplicate || again.Seq != first.Seq || !again.Sent.Equal(first.Sent) || again.Text != "better" || again.Rev != edit.Rev {
		t.Errorf("repeat after an edit: %+v", again)
	}
	if _, err := w.trySend(w.a, w.users[0], w.group, "repeat", "better"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("the same request with the edited text: %v", err)
	}
	// Whoever has left since is told what became of the request, and may not send anew.
	w.leave(w.a, w.users[0], w.group)
	if again = w.send(w.b, w.users[0], w.group, "repeat", "hello"); !again.Duplicate || again.Seq != first.Seq {
		t.Errorf("repeat of somebody who left: %+v", again)
	}
	if _, err := w.trySend(w.b, w.users[0], w.group, "anew", "hello"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a new one of somebody who left: %v", err)
	}
}

func aHundredRepeatsAtOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	answers := make([]chat.Stored, 100)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.send([]chat.Store{w.a, w.b}[i%2], w.users[0], w.group, "one", "hello") })
	}
	all.Wait()
	fresh := 0
	for _, a := range answers {
		if !a.Duplicate {
			fresh++
		}
		if fmt.Sprint(a.Message) != fmt.Sprint(answers[0].Message) {
			t.Errorf("answers differ: %+v and %+v", a.Message, answers[0].Message)
		}
	}
	if v := w.look(w.a, w.users[1], w.group); fresh != 1 || v.Seq != answers[0].Seq {
		t.Errorf("%d of 100 were told to be the first, the head is %d, the message %d", fresh, v.Seq, answers[0].Seq)
	}
}

func numbersHaveNoGaps(t *testing.T, open Open) {
	const writers, each = 8, 25
	w := newWorld(t, open, "writer-3", "writer-4", "writer-5", "writer-6", "writer-7", "writer-8")
	var all sync.WaitGroup
	for k := range writers {
		all.Go(func() {
			var last chat.Seq
			for i := range each {
				got := w.send([]chat.Store{w.a, w.b}[k%2], w.users[k], w.group, fmt.Sprint("n-", i), fmt.Sprint(i))
				if got.Seq <= last {
					t.Errorf("writer %d: %d after %d", k, got.Seq, last)
				}
				last = got.Seq
			}
		})
	}
	all.Wait()
	messages := w.all(w.b, w.users[0], w.group)
	if len(messages) != writers*each+1 {
		t.Fatalf("%d messages, want %d and the line of the system", len(messages), writers*each)
	}
	next := make(map[chat.UserID]int)
	for i, m := range messages {
		if m.Seq != chat.Seq(i+1) {
			t.Fatalf("message %d has the number %d", i+1, m.Seq)
		}
		if m.Kind != chat.Text {
			continue
		}
		if m.Text != fmt.Sprint(next[m.Sender]) {
			t.Errorf("message %d is %s's number %s, want %d", m.Seq, m.Sender, m.Text, next[m.Sender])
		}
		next[m.Sender]++
	}
	if v := w.look(w.a, w.users[0], w.group); v.Counted != writers*each || v.Seq != writers*each+1 {
		t.Errorf("head: %+v", v.Conversation)
	}
}

func aBadSendFailsAlone(t *testing.T, open Open) {
	w := newWorld(t, open)
	stranger := w.people("stranger")[0]
	foreign := chat.Caller{Realm: "elsewhere", User: w.users[0].User}
	room := w.room("bad-sends")
	codes := []struct {
		name         string
		caller       chat.Caller
		conversation chat.ConversationID
		want         fault.Code
	}{
		{"a stranger", stranger, w.group, fault.NotFound},
		{"a stranger to a room", stranger, room, fault.Forbidden},
		{"no such conversation", w.users[0], "01900000-0000-7000-8000-000000000000", fault.NotFound},
		{"another realm", foreign, w.group, fault.NotFound},
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { w.send(w.a, w.users[0], w.group, fmt.Sprint("good-", i), "hello") })
		for _, c := range codes {
			all.Go(func() {
				_, err := w.trySend(w.a, c.caller, c.conversation, fmt.Sprint("bad-", i), "hello")
				if err == nil || fault.CodeOf(err) != c.want {
					t.Errorf("%s: %v, want %v", c.name, err, c.want)
				}
			})
		}
	}
	all.Wait()
	if v := w.look(w.a, w.users[0], w.group); v.Seq != 21 {
		t.Errorf("the head is %d after 20 messages and the line of the system", v.Seq)
	}
}

// recipientsAreThoseOfTheCommit lets people come and go while others write. Who was in
// it at each number, the lines of the system say.
func recipientsAreThoseOfTheCommit(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear, "guest-1", "guest-2", "guest-3")
	writers, guests := w.users[:2], w.users[2:]
	for _, g := range guests {
		w.leave(w.a, g, w.group)
	}
	var all sync.WaitGroup
	for k, c := range writers {
		all.Go(func() {
			for i := range 40 {
				w.send([]chat.Store{w.a, w.b}[k], c, w.group, fmt.Sprint("r-", i), "hello")
			}
		})
	}
	for k, g := range guests {
		all.Go(func() {
			s := []chat.Store{w.a, w.b}[k%2]
			for i := range 6 {
				if _, err := s.AddMembers(t.Context(), writers[0], w.group, []chat.UserID{g.User}, chat.RequestID(fmt.Sprint("in-", k, "-", i))); err != nil {
					t.Error(err)
				}
				w.leave(s, g, w.group)
			}
		})
	}
	all.Wait()
	in := make(map[chat.UserID]bool)
	texts := 0
	for _, o := range heard.messages(w.group) {
		m := o.Message
		switch m.Kind {
		case chat.Created, chat.Added:
			for _, u := range m.Users {
				in[u] = true
			}
		case chat.Left:
			delete(in, m.Sender)
			if len(o.Removed) != 1 || o.Removed[0] != m.Sender {
				t.Errorf("message %d: %s left, removed are %v", m.Seq, m.Sender, o.Removed)
			}
		default:
			texts++
		}
		if fmt.Sprint(o.Recipients) != fmt.Sprint(sorted(in)) {
			t.Errorf("message %d (%v) goes to %v, in it are %v", m.Seq, m.Kind, o.Recipients, sorted(in))
		}
	}
	if texts != 80 {
		t.Errorf("%d messages were heard of, want 80", texts)
	}
}

func whatCommitsLeaveIsToldInOrder(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear, "guest-1", "guest-2", "guest-3", "guest-4")
	var all sync.WaitGroup
	for k, g := range w.users[2:] { // changes of who is in it are told in the same order
		all.Go(func() {
			for i := range 10 {
				w.leave(w.a, g, w.group)
				if _, err := w.a.AddMembers(t.Context(), w.users[0], w.group, []chat.UserID{g.User}, chat.RequestID(fmt.Sprint("in-", k, "-", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for k := range 8 {
		all.Go(func() {
			for i := range 20 {
				d := chat.Draft{Conversation: w.group, Request: chat.RequestID(fmt.Sprint("o-", k, "-", i)), Text: "hello", Origin: fmt.Sprint("conn-", k)}
				got, err := w.a.Send(t.Context(), w.users[k%2], d)
				if err != nil {
					t.Error(err)
					continue
				}
				o, ok := heard.message(w.group, got.Seq)
				if !ok {
					t.Errorf("message %d was answered before it was told", got.Seq)
				} else if o.Origin != d.Origin || o.Message.Request != d.Request || o.Type != chat.Group || o.Width != chat.Narrow || o.ID == 0 || o.Rescued || o.Fanned {
					t.Errorf("told: %+v", o)
				}
			}
		})
	}
	all.Wait()
	last := chat.Seq(0)
	for _, o := range heard.inOrder(w.group) {
		if o.Message.Seq != last+1 {
			t.Errorf("%d was told after %d", o.Message.Seq, last)
		}
		last = o.Message.Seq
	}
	if last != 241 {
		t.Errorf("the last that was told is %d, want 241", last)
	}
	// What is a repeat leaves nothing to be done.
	w.send(w.a, w.users[0], w.group, "o-0-0", "hello")
	if n := len(heard.inOrder(w.group)); n != 241 {
		t.Errorf("a repeat was told: %d", n)
	}
}
