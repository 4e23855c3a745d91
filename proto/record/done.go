package record

import (
	"iter"
	"slices"
)

const flagForget = 0x01

// Done acknowledges an event: its handler returned. The gateway applies the
// acknowledgement and the replies together or, when Term is no longer the
// conn's, neither.
type Done struct {
	Conn    uint64
	Term    uint32
	Seq     uint32
	Forget  bool // the worker drops what it knows of the conn; its next event needs a Context
	Replies Replies
}

// AppendDone appends d to dst. When the record would be above MaxRecord it
// returns dst as it was, and an error.
func AppendDone(dst []byte, d Done) ([]byte, error) {
	if len(d.Replies.b) > MaxRecord-eventHead {
		return dst, refuse(KindDone, "replies", ErrTooLarge)
	}
	dst, rec := extend(dst, KindDone, flagIf(d.Forget, flagForget), eventHead, eventHead+len(d.Replies.b))
	putEvent(rec, d.Conn, d.Term, d.Seq)
	copy(rec[eventHead:], d.Replies.b)
	return dst, nil
}

// Done returns the current record, which must be of KindDone.
func (r *Reader) Done() (d Done) {
	rec := r.want(KindDone, KindDone)
	_ = rec[eventHead-1]
	d.Conn = le.Uint64(rec[8:])
	d.Term = le.Uint32(rec[16:])
	d.Seq = le.Uint32(rec[20:])
	d.Forget = rec[5]&flagForget != 0
	d.Replies = Replies{b: tail(rec)}
	return d
}

// Reply is one frame for the conn whose event is acknowledged.
type Reply struct {
	Binary  bool
	Payload []byte
}

// Replies are the replies of one event, in the form they travel in. The zero
// Replies is empty. A worker collects them while the handler runs and uses
// the memory again after Reset.
type Replies struct{ b []byte }

// Append adds a reply; it copies the payload. It refuses, and changes
// nothing, when the payload is above MaxPayload or all together would be above
// MaxRecord.
func (p *Replies) Append(v Reply) error {
	if len(v.Payload) > MaxPayload {
		return refuse(KindDone, "payload", ErrTooLarge)
	}
	if len(p.b)+itemSize+len(v.Payload) > MaxRecord-eventHead {
		return refuse(KindDone, "replies", ErrTooLarge)
	}
	p.b = slices.Grow(p.b, itemSize+len(v.Payload))
	p.b = appendItem(p.b, Body{Binary: v.Binary, Payload: v.Payload})
	return nil
}

// Reset empties p and keeps its memory. It must not be called on Replies that
// a Reader returned.
func (p *Replies) Reset() { p.b = p.b[:0] }

// Size returns the bytes that p takes in a record.
func (p Replies) Size() int { return len(p.b) }

// All goes over the replies in order.
func (p Replies) All() iter.Seq[Reply] {
	return func(yield func(Reply) bool) {
		for b := p.b; len(b) > 0; {
			var v BodyView
			v, b = cutItem(b)
			if !yield(Reply{Binary: v.Binary, Payload: v.Payload}) {
				return
			}
		}
	}
}

func checkReplies(rec []byte, head int) (string, error) {
	for b := rec[head:]; len(b) > 0; {
		n, err := checkItem(b)
		if err != nil {
			return "replies", err
		}
		if b[5] != 0 { // a reply has no subprotocol: the conn's is known
			return "replies", ErrMalformed
		}
		b = b[n:]
	}
	return "", nil
}

// DoneWith acknowledges an event like Done, with effects that need more than
// replies: session, close, the answer to Open.
type DoneWith struct {
	Conn   uint64
	Term   uint32
	Seq    uint32
	Forget bool
	Body   []byte // protobuf
}

// AppendDoneWith appends d to dst. A body above MaxBody returns dst as it
// was, and an error.
func AppendDoneWith(dst []byte, d DoneWith) ([]byte, error) {
	if len(d.Body) > MaxBody {
		return dst, refuse(KindDoneWith, "body", ErrTooLarge)
	}
	dst, rec := extend(dst, KindDoneWith, flagIf(d.Forget, flagForget), eventHead, eventHead+len(d.Body))
	putEvent(rec, d.Conn, d.Term, d.Seq)
	copy(rec[eventHead:], d.Body)
	return dst, nil
}

// DoneWith returns the current record, which must be of KindDoneWith.
func (r *Reader) DoneWith() DoneWith {
	rec := r.want(KindDoneWith, KindDoneWith)
	return DoneWith{
		Conn:   le.Uint64(rec[8:]),
		Term:   le.Uint32(rec[16:]),
		Seq:    le.Uint32(rec[20:]),
		Forget: rec[5]&flagForget != 0,
		Body:   tail(rec),
	}
}
