package screens

import (
	"math"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
)

// NewDevice is what a client wrote down, as the comparison takes it. Which conversations
// it has to see is for the caller to say.
func NewDevice(name string, l chatclient.Log) *Device {
	d := &Device{Name: name, User: l.User, Sees: map[string]bool{}, Shown: map[string][]Shown{}, Final: map[string]Final{}, Presence: map[string]bool{}, Received: int(l.Counters.Received)}
	for _, s := range l.Sent {
		d.Sent = append(d.Sent, Sent{
			Conversation: s.Conversation, Request: s.RequestID, Text: s.Text, At: s.At, Acked: s.Acked, Seq: s.Seq,
			Refused: s.Refused && s.Code != 0, // an internal error may be anything
		})
	}
	for _, conn := range l.Conns {
		if conn.Live == 0 {
			continue
		}
		span := Span{From: conn.Live, To: conn.Ended}
		if conn.Ended == 0 {
			span.To = math.MaxInt64 // it lives
		}
		d.Live = append(d.Live, span)
	}
	for id, v := range l.Conversations {
		f := Final{Unread: v.Unread, ReadSeq: v.ReadSeq, Fell: v.Fell, Texts: map[int64]string{}}
		for seq, m := range v.Messages {
			f.Texts[seq] = m.Text
		}
		d.Final[id] = f
		for _, s := range v.Shown {
			d.Shown[id] = append(d.Shown[id], Shown{At: s.At, Message: Message{Seq: s.Seq, Sender: s.Sender, Text: s.Text, Rev: s.Rev}})
		}
	}
	for user, is := range l.Presence {
		d.Presence[user] = is.Online
	}
	return d
}
