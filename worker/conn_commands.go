package worker

import (
	"context"
	"slices"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// Send sends a frame to this conn now, not with the acknowledgement: for a
// handler that takes long and wants to say so. It is refused as Moved when this
// worker knows that the conn has moved; when the event is handled again the
// client gets the frame again. ctx limits the wait when much is on its way.
func (c *Conn) Send(ctx context.Context, f Frame) error {
	if f.err != nil {
		return f.err
	}
	if err := c.acting(); err != nil {
		return err
	}
	if c.event == record.KindOpen {
		return invalid("there is nobody to send to before the 101: use Reply")
	}
	s := record.Send{
		Target: record.ToConns, Class: record.Must, Trace: traceOf(ctx),
		Conns: []uint64{c.id.Conn}, Bodies: []record.Body{f.of(c.Facts().Subprotocol)},
	}
	s.Bodies[0].Subprotocol = ""
	return linkError(c.gateway.SendNow(ctx, &s))
}

// Bind ties the conn to a user, in place of the one it had. When it returns nil,
// whatever anybody sends to the user from then on reaches this conn.
func (c *Conn) Bind(ctx context.Context, user string) error {
	if err := checkName("user", user); err != nil {
		return err
	}
	cmd := &gatewayv1.Command{Do: &gatewayv1.Command_Bind{Bind: &gatewayv1.Bind{Conn: c.ref(), User: user}}}
	return c.change(ctx, cmd, func(k *known) { k.user = user })
}

// Unbind unties the conn from its user, if it has one.
func (c *Conn) Unbind(ctx context.Context) error {
	cmd := &gatewayv1.Command{Do: &gatewayv1.Command_Unbind{Unbind: &gatewayv1.Unbind{Conn: c.ref()}}}
	return c.change(ctx, cmd, func(k *known) { k.user = "" })
}

// Join puts the conn into groups. When it returns nil, whatever anybody sends to
// them from then on reaches this conn.
func (c *Conn) Join(ctx context.Context, groups ...string) error {
	if err := checkNames("group", groups); err != nil || len(groups) == 0 {
		return err
	}
	cmd := &gatewayv1.Command{Do: &gatewayv1.Command_Join{Join: &gatewayv1.Join{Target: c.target(), Groups: groups}}}
	return c.change(ctx, cmd, func(k *known) { k.groups = with(k.groups, groups) })
}

// Leave takes the conn out of groups.
func (c *Conn) Leave(ctx context.Context, groups ...string) error {
	if err := checkNames("group", groups); err != nil || len(groups) == 0 {
		return err
	}
	cmd := &gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: c.target(), Groups: groups}}}
	return c.change(ctx, cmd, func(k *known) { k.groups = without(k.groups, groups) })
}

// Confirm ends the probation that ConfirmWithin began.
func (c *Conn) Confirm(ctx context.Context) error {
	if err := c.acting(); err != nil {
		return err
	}
	if c.event == record.KindOpen {
		return c.ConfirmWithin(0)
	}
	_, err := c.worker.ask(ctx, c.gateway, &gatewayv1.Command{Do: &gatewayv1.Command_Confirm{Confirm: &gatewayv1.Confirm{Conn: c.ref()}}})
	return err
}

func (c *Conn) target() *gatewayv1.Target {
	return &gatewayv1.Target{Of: &gatewayv1.Target_Conn{Conn: c.ref()}}
}

// acting reports whether this handler may act for the conn.
func (c *Conn) acting() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.mu.Unlock()
	switch {
	case c.event == record.KindClosed:
		return fault.New(fault.Stale, "")
	case !c.seat.Holds(c.term):
		return errMoved
	}
	return nil
}

// change gives the gateway a command in this term, waits for its answer and applies to
// what is known of the conn what has been done. In OnOpen there is nothing to give: what
// is known in the end is part of the answer.
//
// Without an answer, or with one that came after the handler had returned, this worker
// does not know the conn any more: the next acknowledgement says so, and the gateway
// tells it again.
func (c *Conn) change(ctx context.Context, cmd *gatewayv1.Command, done func(*known)) error {
	if err := c.acting(); err != nil {
		return err
	}
	if err := c.begin(); err != nil {
		return err
	}
	if c.event == record.KindOpen {
		defer c.mu.Unlock()
		done(&c.known)
		return nil
	}
	c.seat.Asking.Add(1)
	c.mu.Unlock()
	_, err := c.worker.ask(ctx, c.gateway, cmd)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && fault.CodeOf(err) != fault.Unavailable: // it has not happened
	case err == nil && !c.over:
		done(&c.known)
	default:
		c.seat.Doubt.Store(true)
	}
	c.seat.Asking.Add(-1)
	return err
}

// with returns a new list of all and more, each once.
func with(all, more []string) []string {
	out := slices.Clip(all)
	for _, name := range more {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// without returns a new list of all but less.
func without(all, less []string) []string {
	var out []string
	for _, name := range all {
		if !slices.Contains(less, name) {
			out = append(out, name)
		}
	}
	return out
}
