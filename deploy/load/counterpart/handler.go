// Package counterpart is the worker that load is measured with: it does as little
// as a worker can, so that what is measured is the way there and back.
//
// A conn that says ?group=NAME is in that group. Its text frames are
//
//	e TEXT         the same frame comes back
//	g NAME\nTEXT   TEXT goes to the group
//	a TEXT         TEXT goes to everybody
//
// and anything else is an error.
package counterpart

import (
	"bytes"
	"context"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// Handler is what the worker does. It keeps nothing.
type Handler struct{ worker.Base }

var _ worker.Handler = Handler{}

// OnOpen puts the conn into its group.
func (Handler) OnOpen(ctx context.Context, c *worker.Conn) error {
	if group := c.Facts().Values().Get("group"); group != "" {
		return c.Join(ctx, group)
	}
	return nil
}

// OnMessage does what a frame says.
func (Handler) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	if len(m.Payload) >= 2 && m.Payload[1] == ' ' {
		rest := m.Payload[2:]
		switch m.Payload[0] {
		case 'e':
			return c.Reply(worker.Text(m.Payload))
		case 'g':
			if group, text, ok := bytes.Cut(rest, []byte{'\n'}); ok {
				return c.Sender().ToGroup(ctx, string(group), worker.Text(text))
			}
		case 'a':
			return c.Sender().ToAll(ctx, worker.Text(rest))
		}
	}
	return fault.New(fault.Invalid, "want e TEXT, g NAME and TEXT, or a TEXT")
}

// Echo makes a frame that comes back, of a text.
func Echo(dst []byte, text []byte) []byte { return append(append(dst, "e "...), text...) }

// ToGroup makes a frame whose text goes to a group.
func ToGroup(dst []byte, group string, text []byte) []byte {
	dst = append(append(append(dst, "g "...), group...), '\n')
	return append(dst, text...)
}

// ToAll makes a frame whose text goes to everybody.
func ToAll(dst []byte, text []byte) []byte { return append(append(dst, "a "...), text...) }
