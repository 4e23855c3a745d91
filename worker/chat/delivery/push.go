package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
)

// frameOf encodes what is told. Messages are by far the most frequent push, so they are
// written by hand; a test holds the result against protobuf's own JSON.
func frameOf(o *chat.Outgoing) (worker.Frame, error) {
	var b []byte
	switch o.Kind {
	case chat.OutMessage:
		b = append(make([]byte, 0, 320+len(o.Message.Text)), `{"jsonrpc":"2.0","method":"message","params":{"message":`...)
		b = appendMessage(b, o.Message)
	case chat.OutChange:
		b = append(make([]byte, 0, 320+len(o.Change.Text)), `{"jsonrpc":"2.0","method":"messageChanged","params":{"change":`...)
		b = appendChange(b, o.Change)
	default:
		return worker.Frame{}, errors.New("nothing to be told")
	}
	return worker.Text(append(b, "}}"...)), nil
}

// eventOf makes the event for the bus.
func eventOf(o *chat.Outgoing) (Event, error) {
	e := Event{Realm: o.Realm}
	b := []byte(`{"id":`)
	var what string
	switch o.Kind {
	case chat.OutMessage:
		e.ID, e.Name, what = fmt.Sprintf("%s/%d", o.Conversation, o.Message.Seq), "message.created", "messageCreated"
	case chat.OutChange:
		e.ID, e.Name, what = fmt.Sprintf("%s/r%d", o.Conversation, o.Change.Rev), "message.changed", "messageChanged"
	default:
		return e, errors.New("no event")
	}
	b = appendString(b, e.ID)
	if o.Realm != "" {
		b = appendString(append(b, `,"realm":`...), string(o.Realm))
	}
	b = appendTime(append(b, `,"at":`...), o.Stored)
	b = append(append(append(b, `,"`...), what...), `":`...)
	if o.Kind == chat.OutMessage {
		b = appendMessage(b, o.Message)
	} else {
		b = appendChange(b, o.Change)
	}
	e.Payload = append(b, '}')
	return e, nil
}

// appendMessage appends the JSON of chatv1.Message. The request id is not in it: that is
// between the sender and the server.
func appendMessage(b []byte, m *chat.Message) []byte {
	b = appendString(append(b, `{"conversation":`...), string(m.Conversation))
	b = appendInt(append(b, `,"seq":`...), int64(m.Seq))
	b = appendString(append(b, `,"sender":`...), string(m.Sender))
	b = appendEnum(append(b, `,"kind":`...), kindNames[:], int(m.Kind))
	if m.Text != "" {
		b = appendString(append(b, `,"text":`...), m.Text)
	}
	if m.Image != nil {
		b = appendImage(append(b, `,"image":`...), m.Image)
	}
	b = appendTime(append(b, `,"sentAt":`...), m.Sent)
	if m.Rev != 0 {
		b = appendInt(append(b, `,"rev":`...), int64(m.Rev))
	}
	if m.Recalled {
		b = append(b, `,"recalled":true`...)
	}
	if len(m.Users) > 0 {
		b = append(b, `,"users":[`...)
		for i, u := range m.Users {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, string(u))
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// appendImage appends the JSON of chatv1.Image, without where the bytes are.
func appendImage(b []byte, i *chat.Image) []byte {
	b = appendString(append(b, `{"type":`...), i.Type)
	b = strconv.AppendInt(append(b, `,"width":`...), int64(i.Width), 10)
	b = strconv.AppendInt(append(b, `,"height":`...), int64(i.Height), 10)
	b = appendInt(append(b, `,"bytes":`...), i.Bytes)
	if i.Name != "" {
		b = appendString(append(b, `,"name":`...), i.Name)
	}
	return append(b, '}')
}

// appendChange appends the JSON of chatv1.Change.
func appendChange(b []byte, c *chat.Change) []byte {
	b = appendString(append(b, `{"conversation":`...), string(c.Conversation))
	b = appendInt(append(b, `,"rev":`...), int64(c.Rev))
	b = appendInt(append(b, `,"seq":`...), int64(c.Seq))
	b = appendEnum(append(b, `,"kind":`...), changeNames[:], int(c.Kind))
	b = appendString(append(b, `,"actor":`...), string(c.Actor))
	if c.Text != "" {
		b = appendString(append(b, `,"text":`...), c.Text)
	}
	b = appendTime(append(b, `,"changedAt":`...), c.Changed)
	return append(b, '}')
}

var kindNames = [...]string{
	chat.Text: "MESSAGE_KIND_TEXT", chat.Created: "MESSAGE_KIND_CREATED", chat.Added: "MESSAGE_KIND_ADDED", chat.Left: "MESSAGE_KIND_LEFT",
	chat.Picture: "MESSAGE_KIND_IMAGE",
}

var changeNames = [...]string{chat.Edited: "CHANGE_KIND_EDITED", chat.Recalled: "CHANGE_KIND_RECALLED"}

// appendEnum appends the name of a value, or the number of one that a later version has
// stored: rows of the outbox are done by whoever is there.
func appendEnum(b []byte, names []string, n int) []byte {
	if n <= 0 || n >= len(names) {
		return strconv.AppendInt(b, int64(n), 10)
	}
	return append(append(append(b, '"'), names[n]...), '"')
}

// appendInt appends a 64-bit number as JSON has it: a string.
func appendInt(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, '"'), n, 10), '"')
}

// appendTime appends a time of whole milliseconds, as protobuf's JSON has it.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	b = t.AppendFormat(append(b, '"'), "2006-01-02T15:04:05")
	if ms := t.UnixMilli() % 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	}
	return append(b, 'Z', '"')
}

// appendString appends a JSON string. What needs no escape, nearly everything, is
// copied; the rest is left to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf && !plain(s[i:]) || c == 0x7f {
			q, err := marshal(s)
			if err != nil {
				return append(b, `""`...) // a string has JSON
			}
			return append(b, q...)
		}
		if s[i] >= utf8.RuneSelf {
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size - 1
		}
	}
	b = slices.Grow(b, len(s)+2)
	return append(append(append(b, '"'), s...), '"')
}

// plain reports whether the rune that s begins with can stand in JSON, and in a script,
// as it is.
func plain(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 1 && r != '\u2028' && r != '\u2029'
}

func marshal(s string) ([]byte, error) { return json.Marshal(s) }
