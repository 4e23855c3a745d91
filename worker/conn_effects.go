package worker

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// What the effects of one event may weigh. Replies alone travel lightly; with a
// session or a close they share one protobuf body.
const (
	maxReplyBytes  = record.MaxRecord - 64
	maxEffectBytes = record.MaxBody - 16<<10
	maxReason      = 123 // bytes of a close reason, by RFC 6455
)

// effects are what leaves with the acknowledgement of an event.
type effects struct {
	replies *record.Replies // from repliesPool, nil: none
	bytes   int             // of replies and session
	session *gatewayv1.SessionWrite
	close   *gatewayv1.CloseConn
	answer  *gatewayv1.OpenAnswer // in OnOpen
}

var repliesPool = sync.Pool{New: func() any { return new(record.Replies) }}

// maxKeptReplies is the largest memory that goes back to the pool.
const maxKeptReplies = 64 << 10

func (e *effects) release() {
	if e.replies != nil && e.replies.Size() <= maxKeptReplies {
		e.replies.Reset()
		repliesPool.Put(e.replies)
	}
	e.replies = nil
}

// rich reports whether there is more than replies.
func (e *effects) rich() bool { return e.session != nil || e.close != nil || e.answer != nil }

// grow makes sure that n more bytes fit.
func (e *effects) grow(n int, rich bool) error {
	most := maxReplyBytes
	if rich || e.rich() {
		most = maxEffectBytes
	}
	if e.bytes+n > most {
		return fault.New(fault.TooLarge, fmt.Sprintf("the effects of one event may have %d bytes", most))
	}
	e.bytes += n
	return nil
}

// begin locks c for an effect, if there may still be one.
func (c *Conn) begin() error {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return returned()
	}
	return nil
}

// Reply sends a frame to this conn with the acknowledgement of this event: the
// client gets it exactly once, however often the event is handled. It does not
// wait. In OnOpen the frame follows the 101.
func (c *Conn) Reply(f Frame) error {
	if f.err != nil {
		return f.err
	}
	if err := c.begin(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.event == record.KindClosed {
		return fault.New(fault.Stale, "")
	}
	agreed := c.Facts().Subprotocol
	if c.effects.answer != nil {
		agreed = c.effects.answer.Subprotocol
	}
	body := f.of(agreed)
	if err := c.effects.grow(len(body.Payload)+16, false); err != nil {
		return err
	}
	if c.effects.replies == nil {
		c.effects.replies = repliesPool.Get().(*record.Replies)
	}
	return c.effects.replies.Append(record.Reply{Binary: body.Binary, Payload: body.Payload})
}

// Close ends the conn with the acknowledgement of this event, after the replies
// and after last. A code of 0 is 1000; the reason has at most 123 bytes. In
// OnOpen the conn is let in and closed.
func (c *Conn) Close(code fault.CloseCode, reason string, last ...Frame) error {
	if err := checkClose(code, reason); err != nil {
		return err
	}
	for _, f := range last {
		if err := c.Reply(f); err != nil {
			return err
		}
	}
	if err := c.begin(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.event == record.KindClosed {
		return fault.New(fault.Stale, "")
	}
	if err := c.effects.grow(0, true); err != nil {
		return err
	}
	c.effects.close = &gatewayv1.CloseConn{Code: uint32(code), Reason: reason}
	return nil
}

// Kill ends the conn with the acknowledgement of this event, at once: what is queued for
// it, the replies too, is thrown away. In OnOpen return [Refuse] instead.
func (c *Conn) Kill() error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	switch {
	case c.event == record.KindClosed:
		return fault.New(fault.Stale, "")
	case c.event == record.KindOpen:
		return invalid("there is nothing to kill before the 101: return a Refusal")
	}
	if err := c.effects.grow(0, true); err != nil {
		return err
	}
	c.effects.close = &gatewayv1.CloseConn{Now: true}
	return nil
}

func checkClose(code fault.CloseCode, reason string) error {
	switch {
	case len(reason) > maxReason:
		return invalid("a close reason has at most %d bytes, not %d", maxReason, len(reason))
	case !utf8.ValidString(reason):
		return invalid("a close reason must be valid UTF-8")
	case !closable(code):
		return invalid("%d cannot be sent as a close code", code)
	}
	return nil
}

// closable reports whether RFC 6455 lets an end send the code. 0 is none.
func closable(code fault.CloseCode) bool {
	switch code {
	case 0, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

// SetSubprotocol agrees on one of the subprotocols that the client offered. Only
// in OnOpen; without it none is agreed.
func (c *Conn) SetSubprotocol(name string) error {
	a, err := c.opening()
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	if !slices.Contains(c.Facts().Subprotocols, name) {
		return invalid("the client did not offer the subprotocol %q", name)
	}
	a.Subprotocol = name
	return nil
}

// SetHeader adds a header to the 101. Only in OnOpen; a Refusal has its own.
func (c *Conn) SetHeader(name, value string) error {
	if !goodHeader(name, value) {
		return invalid("%q: %q is no header", name, value)
	}
	a, err := c.opening()
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	a.Headers = append(a.Headers, &gatewayv1.Header{Name: name, Value: value})
	return nil
}

// goodHeader reports whether HTTP allows the header and protobuf can carry it.
func goodHeader(name, value string) bool {
	return httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) && utf8.ValidString(value)
}

// ConfirmWithin lets the conn in on probation: unless a worker confirms it (see
// Confirm) within d, it is closed with 4003. Only in OnOpen. 0: no probation.
func (c *Conn) ConfirmWithin(d time.Duration) error {
	a, err := c.opening()
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	if d != 0 && (d < time.Millisecond || d.Milliseconds() > math.MaxUint32) {
		return invalid("%s is no time to confirm within: from 1 ms to 49 days", d)
	}
	a.ConfirmWithinMs = uint32(d.Milliseconds())
	return nil
}

// opening locks c and returns the answer of OnOpen.
func (c *Conn) opening() (*gatewayv1.OpenAnswer, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	if c.effects.answer == nil {
		c.mu.Unlock()
		return nil, invalid("this can only be done in OnOpen")
	}
	return c.effects.answer, nil
}
