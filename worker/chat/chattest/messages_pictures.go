package chattest

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// pictures holds a store to what it promises of pictures.
func pictures(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"APictureIsWhatWasSent":       aPictureIsWhatWasSent,
		"APictureIsSentOnce":          aPictureIsSentOnce,
		"APictureIsRecalledOrItStays": aPictureIsRecalledOrItStays,
		"PicturesInUseAreFound":       picturesInUseAreFound,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func cat() chat.Image {
	return chat.Image{Type: "image/png", Width: 640, Height: 480, Bytes: 12345, Name: "猫 \"<b>\" %_'.png", File: "ab/cat.png"}
}

func (w *world) sendPicture(s chat.Store, c chat.Caller, id chat.ConversationID, request string, i chat.Image) (chat.Stored, error) {
	return s.Send(w.t.Context(), c, chat.Draft{Conversation: id, Request: chat.RequestID(request), Image: &i})
}

func aPictureIsWhatWasSent(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	owner, friend := w.users[0], w.users[1]
	plain := chat.Image{Type: "image/gif", Width: 1, Height: chat.MaxImageSide, Bytes: chat.MaxImageBytes, File: "f"}
	for i, want := range []chat.Image{cat(), plain} {
		before := w.look(w.b, friend, w.group)
		got, err := w.sendPicture(w.a, owner, w.group, fmt.Sprint("p-", i), want)
		if err != nil || got.Duplicate || got.Kind != chat.Picture || got.Text != "" || got.Users != nil || got.Image == nil || *got.Image != want {
			t.Fatalf("answer: %+v, %v", got, err)
		}
		after := w.look(w.b, friend, w.group)
		if after.Seq != got.Seq || after.Unread() != before.Unread()+1 {
			t.Errorf("unread went from %d to %d", before.Unread(), after.Unread())
		}
		page, err := w.b.Messages(t.Context(), friend, w.group, chat.Range{After: got.Seq - 1, Limit: 1})
		if err != nil || len(page.Messages) != 1 || page.Messages[0].Image == nil || *page.Messages[0].Image != want || page.Messages[0].Kind != chat.Picture || page.Messages[0].Text != "" {
			t.Errorf("read back: %+v, %v", page, err)
		}
		o, ok := heard.message(w.group, got.Seq)
		if !ok || o.Message.Image == nil || *o.Message.Image != want || len(o.Recipients) != 2 {
			t.Errorf("told: %+v", o)
		}
	}
}

func picturesInUseAreFound(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner := w.users[0]
	var seqs []chat.Seq
	var uses []chat.PictureUse
	for i := range 4 {
		w.send(w.a, owner, w.group, fmt.Sprint("text-", i), "between")
		i2 := cat()
		i2.File = fmt.Sprint("file-", i)
		m, err := w.sendPicture(w.a, owner, w.group, fmt.Sprint("picture-", i), i2)
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, m.Seq)
		uses = append(uses, chat.PictureUse{File: i2.File, Conversation: w.group, Seq: m.Seq})
	}
	w.amend(w.b, owner, chat.Amendment{Conversation: w.group, Seq: seqs[1], Kind: chat.Recalled, Request: "r"})
	found, next, err := w.b.FindPictures(t.Context(), w.group, seqs[0], time.Now())
	if err != nil || next != 0 || len(found) != 2 || found[0].Seq != seqs[2] || found[1].Image == nil || found[1].Image.File != "file-3" {
		t.Errorf("found %+v, look on at %d, %v", found, next, err)
	}
	if _, _, err := w.b.FindPictures(t.Context(), "nowhere", 0, time.Now()); code(err) != int(fault.NotFound) {
		t.Errorf("nowhere: %v", err)
	}
	uses = append(uses, chat.PictureUse{File: "of nobody", Conversation: w.group, Seq: 1000}, chat.PictureUse{File: "nowhere", Conversation: "nowhere", Seq: 1},
		chat.PictureUse{File: "a text", Conversation: w.group, Seq: seqs[0] - 1})
	lacking, err := w.b.LackPictures(t.Context(), uses)
	if err != nil || len(lacking) != 1 || lacking[0] != "file-1" {
		t.Errorf("lacking: %q, %v", lacking, err)
	}
	if lacking, err := w.b.LackPictures(t.Context(), nil); err != nil || len(lacking) != 0 {
		t.Errorf("of none: %q, %v", lacking, err)
	}
}

func aPictureIsSentOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner := w.users[0]
	var all race[chat.Stored]
	all.run(30, func(i int) (chat.Stored, bool, error) {
		got, err := w.sendPicture([]chat.Store{w.a, w.b}[i%2], owner, w.group, "p", cat())
		return got, got.Duplicate, err
	})
	if len(all.fresh) != 1 || len(all.repeated) != 29 || len(all.errs) != 0 {
		t.Fatalf("%d stored, %d repeated, errors: %v", len(all.fresh), len(all.repeated), all.errs)
	}
	for _, m := range all.repeated {
		if m.Seq != all.fresh[0].Seq || m.Image == nil || *m.Image != cat() {
			t.Errorf("a repeat was answered with %+v", m)
		}
	}
	dog := cat()
	dog.File = "ab/dog.png"
	if _, err := w.sendPicture(w.b, owner, w.group, "p", dog); code(err) != int(fault.Conflict) {
		t.Errorf("the same request with another picture: %v", err)
	}
	if _, err := w.trySend(w.b, owner, w.group, "p", "a text"); code(err) != int(fault.Conflict) {
		t.Errorf("the same request with a text: %v", err)
	}
	w.send(w.a, owner, w.group, "t", "a text")
	if _, err := w.sendPicture(w.b, owner, w.group, "t", cat()); code(err) != int(fault.Conflict) {
		t.Errorf("the request of a text with a picture: %v", err)
	}
	// Too late to be stored is in time for what has been.
	i := cat()
	late := chat.Draft{Conversation: w.group, Request: "p", Image: &i, Late: true}
	if got, err := w.b.Send(t.Context(), owner, late); err != nil || !got.Duplicate || got.Seq != all.fresh[0].Seq {
		t.Errorf("late, and stored: %+v, %v", got, err)
	}
	before := w.look(w.a, owner, w.group)
	late.Request = "q"
	if got, err := w.b.Send(t.Context(), owner, late); code(err) != int(fault.Invalid) {
		t.Errorf("late: %+v, %v", got, err)
	}
	if after := w.look(w.a, owner, w.group); after.Seq != before.Seq {
		t.Errorf("the head went from %d to %d", before.Seq, after.Seq)
	}
}

func aPictureIsRecalledOrItStays(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner, friend := w.users[0], w.users[1]
	m, err := w.sendPicture(w.a, friend, w.group, "p", cat())
	if err != nil {
		t.Fatal(err)
	}
	edit := chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Edited, Text: "a text", Request: "e"}
	for name, c := range map[string]chat.Caller{"its sender": friend, "another": owner} {
		if _, err := w.b.Amend(t.Context(), c, edit); code(err) != int(fault.Forbidden) {
			t.Errorf("edited by %s: %v", name, err)
		}
	}
	w.amend(w.b, owner, chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Recalled, Request: "r"})
	page, err := w.a.Messages(t.Context(), owner, w.group, chat.Range{After: m.Seq - 1, Limit: 1})
	if err != nil || page.Messages[0].Image != nil || !page.Messages[0].Recalled || page.Messages[0].Kind != chat.Picture || page.Messages[0].Text != "" {
		t.Errorf("recalled: %+v, %v", page, err)
	}
	if again, err := w.sendPicture(w.b, friend, w.group, "p", cat()); err != nil || !again.Duplicate || again.Image != nil || !again.Recalled {
		t.Errorf("the send, repeated: %+v, %v", again, err)
	}
	if list, err := w.b.Changes(t.Context(), friend, w.group, 0, 10); err != nil || len(list.Changes) != 1 || list.Changes[0].Text != "" {
		t.Errorf("changes: %+v, %v", list, err)
	}
}
