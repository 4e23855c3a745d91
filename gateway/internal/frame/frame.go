// Package frame holds the unit in which bytes leave a gateway: one WebSocket
// message, encoded once and shared by every conn it goes to.
//
// It answers for: what a frame is, how it may be treated when a queue is full,
// and which of its encodings a conn gets. It does not know sockets or queues,
// and it does not build wire bytes itself: an Encode function is handed in.
package frame

import (
	"errors"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Op is the kind of a data message, with the numbers of RFC 6455.
type Op uint8

const (
	Text   Op = 1
	Binary Op = 2
)

// Class says what a full queue may do with a frame.
type Class uint8

const (
	// Must is delivered in order, or the conn is closed.
	Must Class = iota
	// Droppable may be left out when the queue is full (typing).
	Droppable
	// Merge replaces a waiting frame of the same key, in that frame's place
	// (presence): only the newest counts. It is never left out silently.
	Merge
)

// Overhead is what a queued frame costs beside its wire bytes: the Frame, its
// allocation and its place in the queue. Queue bounds count it, so that a
// flood of tiny frames cannot hold a multiple of the bound.
const Overhead = 128

// ErrNotUTF8 refuses a text body that is not valid UTF-8: every browser that
// got it would close its conn.
var ErrNotUTF8 = errors.New("frame: text body is not valid UTF-8")

// Encode builds the wire bytes of one unfragmented message. It copies body.
// With deflate set it may answer nil: not worth compressing.
type Encode func(op Op, body []byte, deflate bool) []byte

// Frame is one outgoing message. It is immutable once it was given to a conn
// and safe to share between any number of conns and goroutines.
type Frame struct {
	class  Class
	key    string
	encode Encode // nil: never deflated
	main   encoding
	others *alternative
	seen   atomic.Uint32
}

// alternative is the body for conns of one other subprotocol. There are three at
// most, so a list is quicker than anything cleverer, and most frames have none.
type alternative struct {
	subprotocol string
	next        *alternative
	encoding
}

// New encodes body as a message. It copies body, so the caller may reuse it.
// key is the merge key and only looked at for Merge.
func New(encode Encode, op Op, body []byte, class Class, key string) (*Frame, error) {
	f := &Frame{class: class, key: key, encode: encode}
	if err := f.main.init(encode, op, body); err != nil {
		return nil, err
	}
	return f, nil
}

// Raw makes a frame of bytes that are in wire form already: a handshake answer,
// a control frame. It keeps wire, which must not be empty, and never deflates it.
func Raw(wire []byte, class Class, key string) *Frame {
	return &Frame{class: class, key: key, main: encoding{plain: wire}}
}

// AddBody gives conns that speak subprotocol another body than the rest; of two
// for the same one the later counts. Only before the frame is shared.
func (f *Frame) AddBody(subprotocol string, op Op, body []byte) error {
	alt := &alternative{subprotocol: subprotocol, next: f.others}
	if err := alt.init(f.encode, op, body); err != nil {
		return err
	}
	f.others = alt
	return nil
}

// Class says what a full queue may do with the frame.
func (f *Frame) Class() Class { return f.class }

// Key is the merge key of a frame of class Merge.
func (f *Frame) Key() string { return f.key }

// Wire is what a conn of this subprotocol writes, which the caller must not
// change. The deflated form is built when it is first asked for.
func (f *Frame) Wire(subprotocol string, deflate bool) []byte {
	e := &f.main
	for alt := f.others; alt != nil; alt = alt.next {
		if alt.subprotocol == subprotocol {
			e = &alt.encoding
			break
		}
	}
	if !deflate || f.encode == nil {
		return e.plain
	}
	return e.wireDeflated(f.encode)
}

// Size is the number of bytes the frame holds, with what it costs beside them.
func (f *Frame) Size() int {
	n := Overhead + f.main.size()
	for alt := f.others; alt != nil; alt = alt.next {
		n += alt.size()
	}
	return n
}

// Mark tells whether this is the first call with epoch since another one. A
// counter of memory uses it to count a shared frame once; only one may run.
func (f *Frame) Mark(epoch uint32) bool {
	return f.seen.Swap(epoch) != epoch
}

// encoding is one body in its forms.
type encoding struct {
	plain    []byte
	deflated []byte
	once     sync.Once   // guards deflated
	done     atomic.Bool // deflated may be looked at
	op       Op
	body     uint32 // length of the body, the end of plain
}

func (e *encoding) init(encode Encode, op Op, body []byte) error {
	if op == Text && !utf8.Valid(body) {
		return ErrNotUTF8
	}
	e.op = op
	e.plain = encode(op, body, false)
	e.body = uint32(len(body))
	return nil
}

func (e *encoding) wireDeflated(encode Encode) []byte {
	e.once.Do(func() {
		body := e.plain[len(e.plain)-int(e.body):]
		e.deflated = encode(e.op, body, true)
		if e.deflated == nil || len(e.deflated) >= len(e.plain) {
			e.deflated = e.plain
		}
		e.done.Store(true)
	})
	return e.deflated
}

func (e *encoding) size() int {
	n := len(e.plain)
	if e.done.Load() && len(e.deflated) != len(e.plain) {
		n += len(e.deflated)
	}
	return n
}
