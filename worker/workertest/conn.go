package workertest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/fakegate"
)

// Conn is a client that is connected. It is for the test's goroutine.
type Conn struct {
	h      *Harness
	id     connid.ID
	conn   *fakegate.Conn
	answer *gatewayv1.OpenAnswer
}

// Frame is a frame that the client got.
type Frame = fakegate.Frame

// ID is the id that handlers know the conn by.
func (c *Conn) ID() connid.ID { return c.id }

// Number is the conn's number, as worker.Conn.Number.
func (c *Conn) Number() int64 { return c.id.Number() }

// SendText sends a text frame and returns at once.
func (c *Conn) SendText(text string) { c.conn.Message(false, []byte(text)) }

// SendBinary sends a binary frame and returns at once.
func (c *Conn) SendBinary(b []byte) { c.conn.Message(true, b) }

// SendJSON sends a text frame of v's JSON and returns at once.
func (c *Conn) SendJSON(v any) {
	c.h.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		c.h.t.Fatalf("workertest: %v", err)
	}
	c.conn.Message(false, b)
}

// Next waits for the next frame. It fails the test when the conn has ended.
func (c *Conn) Next() Frame {
	c.h.t.Helper()
	var f Frame
	var ok bool
	c.h.wait("a frame for "+c.conn.String(), func(ctx context.Context) (err error) {
		f, ok, err = c.conn.Next(ctx)
		return err
	})
	if !ok {
		c.h.t.Fatalf("workertest: waited for a frame, but the conn has ended")
	}
	return f
}

// NextJSON waits for the next frame and decodes it into v.
func (c *Conn) NextJSON(v any) {
	c.h.t.Helper()
	f := c.Next()
	if err := json.Unmarshal(f.Payload, v); err != nil {
		c.h.t.Fatalf("workertest: %v in %q", err, f.Payload)
	}
}

// Expect waits for the next frame, which must be this text.
func (c *Conn) Expect(text string) {
	c.h.t.Helper()
	if f := c.Next(); f.Binary || string(f.Payload) != text {
		c.h.t.Fatalf("workertest: got %q, want %q", f.Payload, text)
	}
}

// ExpectBinary waits for the next frame, which must be binary and these bytes.
func (c *Conn) ExpectBinary(b []byte) {
	c.h.t.Helper()
	if f := c.Next(); !f.Binary || !slices.Equal(f.Payload, b) {
		c.h.t.Fatalf("workertest: got %x (binary %v), want %x", f.Payload, f.Binary, b)
	}
}

// ExpectNothing fails the test if a frame is there once every event sent so far has
// been handled, and the sends of their handlers have arrived.
func (c *Conn) ExpectNothing() {
	c.h.t.Helper()
	c.h.Settle()
	c.h.Flush()
	if c.conn.Pending() > 0 {
		c.h.t.Fatalf("workertest: got %q, want nothing", c.Next().Payload)
	}
}

// Close ends the conn as a client does, with a close frame.
func (c *Conn) Close(code fault.CloseCode, reason string) {
	c.conn.Close(uint32(code), reason, gatewayv1.ClosedBy_CLOSED_BY_CLIENT)
}

// Drop ends the conn as a lost network does.
func (c *Conn) Drop() { c.conn.Close(1006, "", gatewayv1.ClosedBy_CLOSED_BY_NETWORK) }

// ExpectClosed waits until the conn has ended and returns code and reason.
func (c *Conn) ExpectClosed() (code fault.CloseCode, reason string) {
	c.h.t.Helper()
	var how *gatewayv1.Closed
	c.h.wait("the end of "+c.conn.String(), func(ctx context.Context) (err error) {
		how, err = c.conn.Closed(ctx)
		return err
	})
	return fault.CloseCode(how.GetCode()), how.GetReason()
}

// User returns the user that the conn is bound to, "" for none.
func (c *Conn) User() string {
	state, _, _ := c.conn.State()
	return state.GetUser()
}

// Groups returns the groups that the conn is in, sorted.
func (c *Conn) Groups() []string {
	state, _, _ := c.conn.State()
	return slices.Sorted(slices.Values(state.GetGroups()))
}

// Session returns the conn's session, nil when there is none.
func (c *Conn) Session() []byte {
	state, _, _ := c.conn.State()
	if state.GetSessionVersion() == 0 {
		return nil
	}
	return append([]byte{}, state.GetSession()...)
}

// OnProbation reports whether the conn was let in with ConfirmWithin and has not
// been confirmed. Nothing closes it here when the time is over: use Close with 4003.
func (c *Conn) OnProbation() bool {
	_, _, probation := c.conn.State()
	return probation
}

// Subprotocol returns the subprotocol that was agreed.
func (c *Conn) Subprotocol() string { return c.answer.GetSubprotocol() }

// Header returns the headers that OnOpen added to the 101.
func (c *Conn) Header() http.Header { return header(c.answer) }

// Flush waits until everything that the worker has sent so far has arrived.
func (h *Harness) Flush() {
	h.t.Helper()
	h.wait("the worker's sends to arrive", func(ctx context.Context) error {
		_, err := h.Sender().Totals(ctx) // rides behind them on every link
		return err
	})
}
