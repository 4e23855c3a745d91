package fakegate

import (
	"context"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// await waits until look, which is called with the lock held, reports true.
func (g *Gateway) await(ctx context.Context, look func() bool) error {
	for {
		g.mu.Lock()
		ok, changed := look(), g.changed
		g.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Answer waits until OnOpen has answered and, if it let the conn in, all workers know of
// that; or until the conn has ended.
func (c *Conn) Answer(ctx context.Context) (a *gatewayv1.OpenAnswer, err error) {
	err = c.gateway.await(ctx, func() bool {
		a = c.answer
		return c.entered || a.GetStatus() != 0 || c.closed != nil
	})
	return a, err
}

// Next waits for the next frame and takes it; ok is false when the conn has ended
// and there is none.
func (c *Conn) Next(ctx context.Context) (f Frame, ok bool, err error) {
	err = c.gateway.await(ctx, func() bool {
		if ok = len(c.frames) > 0; ok {
			f, c.frames = c.frames[0], c.frames[1:]
			return true
		}
		return c.closed != nil
	})
	return f, ok, err
}

// Pending returns how many frames wait to be taken.
func (c *Conn) Pending() int {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	return len(c.frames)
}

// Closed waits until the conn has ended.
func (c *Conn) Closed(ctx context.Context) (how *gatewayv1.Closed, err error) {
	err = c.gateway.await(ctx, func() bool {
		how = c.closed
		return how != nil
	})
	return how, err
}

// State returns what the gateway knows of the conn.
func (c *Conn) State() (state *gatewayv1.ConnContext, term uint32, probation bool) {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	return c.context(true), c.term, c.probation
}

// Settle waits until no event of any conn is unacknowledged.
func (g *Gateway) Settle(ctx context.Context) error {
	return g.await(ctx, func() bool {
		for _, c := range g.conns {
			if len(c.events) > 0 {
				return false
			}
		}
		return true
	})
}

// Await waits until ok, which looks at the gateway through its methods, holds. It
// is asked again after each change.
func (g *Gateway) Await(ctx context.Context, ok func() bool) error {
	for {
		changed := g.Changed()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
