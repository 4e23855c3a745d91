package chattest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/chat"
)

// previews returns those of all conversations that somebody is in.
func (w *world) previews(s chat.Store, c chat.Caller) map[chat.ConversationID]chat.Message {
	w.t.Helper()
	views, _, err := s.Views(w.t.Context(), c, "", 200)
	if err != nil {
		w.t.Fatal(err)
	}
	last, err := s.Previews(w.t.Context(), views)
	if err != nil {
		w.t.Errorf("previews: %v", err)
	}
	return last
}

func previewsAreWhatOneMaySee(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner, friend := w.users[0], w.users[1]
	if got := w.previews(w.a, owner); len(got) != 1 || got[w.group].Kind != chat.Created || got[w.group].Users != nil {
		t.Errorf("before anybody wrote: %+v", got) // the group has its line, the direct nothing
	}
	long := strings.Repeat("关", chat.PreviewRunes-1) + "🐎" + strings.Repeat("x", chat.MaxTextBytes-4*chat.PreviewRunes)
	for i, c := range []struct{ text, want string }{
		{"hello", "hello"},
		{strings.Repeat("🐎", chat.PreviewRunes), strings.Repeat("🐎", chat.PreviewRunes)},
		{strings.Repeat("🐎", chat.PreviewRunes) + "x", strings.Repeat("🐎", chat.PreviewRunes)},
		{long, strings.Repeat("关", chat.PreviewRunes-1) + "🐎"},
		{"two\nlines <b>", "two\nlines <b>"},
	} {
		sent := w.send(w.a, friend, w.direct, fmt.Sprint("t-", i), c.text)
		m := w.previews(w.b, owner)[w.direct]
		if m.Text != c.want || m.Seq != sent.Seq || m.Sender != friend.User || m.Kind != chat.Text || !m.Sent.Equal(sent.Sent) || m.Recalled || m.Request != "" {
			t.Errorf("of %.20q: %+v", c.text, m)
		}
	}
	picture, err := w.sendPicture(w.a, owner, w.group, "p", cat())
	if err != nil {
		t.Fatal(err)
	}
	got := w.previews(w.b, friend)
	if m := got[w.group]; m.Kind != chat.Picture || m.Text != "" || m.Image != nil || m.Seq != picture.Seq {
		t.Errorf("a picture: %+v", m)
	}
	if len(got) != 2 {
		t.Errorf("previews of %d conversations, want 2", len(got))
	}
	// As it is now: edited, and taken away.
	text := w.send(w.a, owner, w.group, "m", "secret")
	w.amend(w.a, owner, chat.Amendment{Conversation: w.group, Seq: text.Seq, Kind: chat.Edited, Text: "edited", Request: "e"})
	if m := w.previews(w.b, friend)[w.group]; m.Text != "edited" || m.Recalled {
		t.Errorf("edited: %+v", m)
	}
	w.amend(w.a, owner, chat.Amendment{Conversation: w.group, Seq: text.Seq, Kind: chat.Recalled, Request: "r"})
	if m := w.previews(w.b, friend)[w.group]; m.Text != "" || !m.Recalled || m.Seq != text.Seq {
		t.Errorf("recalled: %+v", m)
	}
	// Whoever may not see the last message sees none: not an older one either.
	v := w.look(w.b, friend, w.group)
	for name, hide := range map[string]func(*chat.View){
		"who came after it":     func(v *chat.View) { v.FromSeq = v.Seq + 1 },
		"a stranger":            func(v *chat.View) { v.Role = chat.Stranger },
		"before anybody writes": func(v *chat.View) { v.Seq = 0 },
	} {
		hidden := v
		hide(&hidden)
		if got, err := w.a.Previews(t.Context(), []chat.View{hidden}); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	room := w.room("previews")
	w.send(w.a, owner, room, "m", "to all")
	stranger := w.look(w.b, w.people("stranger")[0], room)
	if got, err := w.b.Previews(t.Context(), []chat.View{stranger}); err != nil || got[room].Text != "to all" {
		t.Errorf("a stranger in a room: %+v, %v", got, err)
	}
	if got, err := w.a.Previews(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %+v, %v", got, err)
	}
}
