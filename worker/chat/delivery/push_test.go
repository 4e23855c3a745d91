package delivery

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

// protoOf is the message as its proto has it.
func protoOf(m *chat.Message) *chatv1.Message {
	out := &chatv1.Message{
		Conversation: string(m.Conversation), Seq: int64(m.Seq), Sender: string(m.Sender), Kind: chatv1.MessageKind(m.Kind),
		Text: m.Text, SentAt: timestamppb.New(m.Sent), Rev: int64(m.Rev), Recalled: m.Recalled,
	}
	for _, u := range m.Users {
		out.Users = append(out.Users, string(u))
	}
	if i := m.Image; i != nil {
		out.Image = &chatv1.Image{Type: i.Type, Width: i.Width, Height: i.Height, Bytes: i.Bytes, Name: i.Name}
	}
	return out
}

func protoOfChange(c *chat.Change) *chatv1.Change {
	return &chatv1.Change{
		Conversation: string(c.Conversation), Rev: int64(c.Rev), Seq: int64(c.Seq), Kind: chatv1.ChangeKind(c.Kind),
		Actor: string(c.Actor), Text: c.Text, ChangedAt: timestamppb.New(c.Changed),
	}
}

var times = []time.Time{
	time.UnixMilli(1764244800000), time.UnixMilli(1764244800001), time.UnixMilli(1764244800120), time.UnixMilli(1764244800987), time.UnixMilli(0),
}

func messages() (list []*chat.Message) {
	for i, text := range []string{"", "hi", "关羽 \"said\" \\ <b>&amp;</b>\n\t\x01\x7f", "\u2028line\u2029", "🐎", "é\u0301", "\xf0\x9f\x90"[:0]} {
		list = append(list, &chat.Message{
			Conversation: "c1", Seq: chat.Seq(1) << (9 * i), Sender: "u1", Kind: chat.Text, Text: text,
			Sent: times[i%len(times)], Rev: chat.Rev(i % 2), Recalled: i%3 == 0,
		})
	}
	for i, name := range []string{"", "猫 \"cat\" <b>.png"} {
		list = append(list, &chat.Message{
			Conversation: "c1", Seq: chat.Seq(7 + i), Sender: "u1", Kind: chat.Picture, Sent: times[i],
			Image: &chat.Image{Type: "image/png", Width: 1, Height: 65535, Bytes: 1 << 30, Name: name, File: "not-for-clients"},
		})
	}
	list = append(list, &chat.Message{Conversation: "c1", Seq: 9, Sender: "u1", Kind: chat.Picture, Sent: times[0], Rev: 1, Recalled: true})
	return append(list, &chat.Message{Conversation: "c2", Seq: 1<<53 + 1, Sender: "u", Kind: chat.Added, Users: []chat.UserID{"a", "b\""}, Sent: times[2]})
}

func TestPushIsWhatProtobufWouldWrite(t *testing.T) {
	for _, m := range messages() {
		f, err := frameOf(&chat.Outgoing{Kind: chat.OutMessage, Message: m})
		if err != nil || f.Err() != nil {
			t.Fatal(err, f.Err())
		}
		same(t, f.Payload(), rpc.Notification("message", &chatv1.MessagePush{Message: protoOf(m)}).Payload())
		c := &chat.Change{Conversation: "c1", Rev: 3, Seq: m.Seq, Kind: chat.Edited, Actor: "u2", Text: m.Text, Changed: m.Sent}
		if f, err = frameOf(&chat.Outgoing{Kind: chat.OutChange, Change: c}); err != nil {
			t.Fatal(err)
		}
		same(t, f.Payload(), rpc.Notification("messageChanged", &chatv1.MessageChangedPush{Change: protoOfChange(c)}).Payload())
	}
}

func TestKindsOfALaterVersionAreTold(t *testing.T) {
	m := &chat.Message{Conversation: "c", Seq: 1, Sender: "u", Kind: 9, Sent: times[0]}
	f, err := frameOf(&chat.Outgoing{Kind: chat.OutMessage, Message: m})
	if err != nil {
		t.Fatal(err)
	}
	same(t, f.Payload(), rpc.Notification("message", &chatv1.MessagePush{Message: protoOf(m)}).Payload())
	c := &chat.Change{Conversation: "c", Rev: 1, Seq: 1, Kind: 7, Actor: "u", Changed: times[0]}
	if f, err = frameOf(&chat.Outgoing{Kind: chat.OutChange, Change: c}); err != nil {
		t.Fatal(err)
	}
	same(t, f.Payload(), rpc.Notification("messageChanged", &chatv1.MessageChangedPush{Change: protoOfChange(c)}).Payload())
}

func TestEventIsWhatProtobufReads(t *testing.T) {
	for _, m := range messages() {
		e, err := eventOf(&chat.Outgoing{Kind: chat.OutMessage, Realm: "shu", Conversation: m.Conversation, Message: m, Stored: m.Sent})
		if err != nil {
			t.Fatal(err)
		}
		var got chatv1.Event
		if err := protojson.Unmarshal(e.Payload, &got); err != nil {
			t.Fatalf("%s: %v", e.Payload, err)
		}
		want := &chatv1.Event{Id: e.ID, Realm: "shu", At: timestamppb.New(m.Sent), What: &chatv1.Event_MessageCreated{MessageCreated: protoOf(m)}}
		if !proto.Equal(&got, want) {
			t.Errorf("got %v, want %v", &got, want)
		}
	}
}

// same compares JSON by what it says: an escape may be written in several ways.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	if a, b := again(t, got), again(t, want); !bytes.Equal(a, b) {
		t.Errorf("got %s\nwant %s", a, b)
	}
}

func again(t *testing.T, b []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func FuzzAppendString(f *testing.F) {
	for _, m := range messages() {
		f.Add(m.Text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		b, _ := json.Marshal(s)
		if err := json.Unmarshal(b, &want); err != nil || got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	m := &chat.Message{Conversation: "01890a5d-ac96-774b-bcce-b302099a8057", Seq: 4711, Sender: "01890a5d-ac96-774b-bcce-b302099a8058", Kind: chat.Text, Text: string(bytes.Repeat([]byte("x"), 100)), Sent: times[3]}
	b.Run("by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := frameOf(&chat.Outgoing{Kind: chat.OutMessage, Message: m}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("protobuf", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if f := rpc.Notification("message", &chatv1.MessagePush{Message: protoOf(m)}); f.Err() != nil {
				b.Fatal(f.Err())
			}
		}
	})
}
