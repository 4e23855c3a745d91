package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
)

// Frame is one WebSocket message to send: [Text], [Binary] or [JSON] makes it.
// It is immutable; one Frame may be sent many times and from many goroutines.
// The zero Frame is an empty text.
type Frame struct {
	body record.Body
	alts []record.Body // for conns of other subprotocols
	err  error         // what was wrong when it was made; whoever sends it returns it
}

// Text makes a text frame. What is not valid UTF-8 is refused when it is sent,
// because every client would hang up on it. Bytes are not copied: the caller must not
// change them afterwards, and a frame of a Message's Payload is for its handler only.
func Text[T ~string | ~[]byte](text T) Frame {
	return Frame{body: record.Body{Payload: []byte(text)}}.checked()
}

// Binary makes a binary frame. The caller must not change b afterwards, see Text.
func Binary(b []byte) Frame {
	return Frame{body: record.Body{Payload: b, Binary: true}}.checked()
}

// JSON makes a text frame of v's JSON; a proto.Message takes protobuf's JSON
// mapping. When v has none, the call that sends the frame returns the error.
func JSON(v any) Frame {
	var b []byte
	var err error
	if m, ok := v.(proto.Message); ok {
		// Protobuf's encoder puts in spaces at random; the same message is to be
		// the same frame.
		var out bytes.Buffer
		if b, err = protojson.Marshal(m); err == nil {
			err = json.Compact(&out, b)
		}
		b = out.Bytes()
	} else {
		b, err = json.Marshal(v)
	}
	if err != nil {
		return Frame{err: fault.Wrap(fault.Internal, fmt.Errorf("frame as JSON: %w", err))}
	}
	return Frame{body: record.Body{Payload: b}}.checked()
}

// For adds the form of the frame that conns of a subprotocol get in its place. Up to
// three can be added.
func (f Frame) For(subprotocol string, other Frame) Frame {
	switch {
	case f.err != nil:
	case other.err != nil:
		f.err = other.err
	case subprotocol == "" || len(subprotocol) > record.MaxSubprotocol:
		f.err = fault.New(fault.Invalid, "a further form of a frame needs the name of a subprotocol")
	case len(f.alts)+1 == record.MaxBodies:
		f.err = fault.New(fault.Invalid, fmt.Sprintf("a frame has at most %d forms", record.MaxBodies))
	default:
		alt := other.body
		alt.Subprotocol = subprotocol
		f.alts = append(f.alts[:len(f.alts):len(f.alts)], alt)
	}
	return f
}

// IsBinary reports whether it is a binary frame.
func (f Frame) IsBinary() bool { return f.body.Binary }

// Payload returns the content, which must not be changed.
func (f Frame) Payload() []byte { return f.body.Payload }

// Err returns what was wrong when the frame was made; sending it returns the
// same error.
func (f Frame) Err() error { return f.err }

func (f Frame) checked() Frame {
	switch {
	case len(f.body.Payload) > record.MaxPayload:
		f.err = fault.New(fault.TooLarge, fmt.Sprintf("a frame has at most %d bytes", record.MaxPayload))
	case !f.body.Binary && !utf8.Valid(f.body.Payload):
		f.err = fault.New(fault.Invalid, "a text frame must be valid UTF-8")
	}
	return f
}

// of returns the form for a conn of that subprotocol.
func (f Frame) of(subprotocol string) record.Body {
	if subprotocol != "" {
		for _, alt := range f.alts {
			if alt.Subprotocol == subprotocol {
				return alt
			}
		}
	}
	return f.body
}
