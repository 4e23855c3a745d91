package chatclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/parley-im/parley/proto/fault"

	"github.com/parley-im/parley/deploy/client"
)

// Call calls a method once, when there is a conn for it: one with a session, but for the
// methods that need none. It ends with an *Error when the server answers with one, when
// no answer comes within Times.Call, or when the conn is lost before. What the answer
// says about conversations is on the screens when it returns.
func (c *Client) Call(ctx context.Context, method string, req, res proto.Message) error {
	l, err := c.await(ctx, func(l *line) bool { return l.live || withoutSession[method] })
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	answered := make(chan error, 1)
	k := &call{method: method, req: proto.Clone(req), res: res.ProtoReflect().New().Interface(), done: func(err error) { answered <- err }}
	err = c.start(l, k, c.cfg.Times.Call)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case err = <-answered:
	case <-ctx.Done():
		c.mu.Lock()
		if l.pending[k.id] == k {
			c.giveUp(l, k)
		}
		c.mu.Unlock()
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	proto.Reset(res)
	proto.Merge(res, k.res)
	return nil
}

// maxRefusedCalls is how often Do asks again after the token has ended.
const maxRefusedCalls = 5

// Do is Call until there is an answer for good, or ctx ends: what is temporary is tried
// again after a pause, and so is what was not answered, with the same request id. A
// request without one gets one.
func (c *Client) Do(ctx context.Context, method string, req, res proto.Message) error {
	req = proto.Clone(req)
	identify(req)
	pause, refused := c.retryPace(), 0
	for {
		err := c.Call(ctx, method, req, res)
		var e *Error
		var ended *EndedError
		switch {
		case !errors.As(err, &e) || errors.As(err, &ended):
			return err // none, or not of the server, or its last
		case e.Temporary:
		case e.Code == fault.Unauthenticated && !withoutSession[method] && refused < maxRefusedCalls:
			refused++
		default:
			return err
		}
		if !sleep(ctx, pause.next(e.RetryAfter)) {
			return fmt.Errorf("%w, and then: %w", err, context.Cause(ctx))
		}
	}
}

// identify fills in the request id of a request that has such a field.
func identify(req proto.Message) {
	m := req.ProtoReflect()
	f := m.Descriptor().Fields().ByName("request_id")
	if f != nil && m.Get(f).String() == "" {
		m.Set(f, protoreflect.ValueOfString(newRequestID()))
	}
}

// Once calls a method that needs no session over a conn of its own: a sign-up or a
// sign-in of one who has no client yet. Of cfg it takes Gateways, Socket and Times; it
// tries each gateway once, and nothing twice.
func Once(ctx context.Context, cfg Config, method string, req, res proto.Message) error {
	if len(cfg.Gateways) == 0 {
		return errors.New("no gateways")
	}
	cfg.Device, cfg.Name = "once", "nobody"
	c, err := New(cfg)
	if err != nil {
		return err
	}
	req = proto.Clone(req)
	identify(req)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Times.Call)
	defer cancel()
	var errs []error
	first := rand.IntN(len(cfg.Gateways))
	for i := range cfg.Gateways {
		c.gateway = cfg.Gateways[(first+i)%len(cfg.Gateways)]
		l, end := c.dial(ctx)
		if l == nil {
			errs = append(errs, fmt.Errorf("%s: %s", c.gateway, end.reason))
			continue
		}
		return c.converse(ctx, l, method, req, res)
	}
	return errors.Join(errs...)
}

// converse makes one call over a conn and ends it.
func (c *Client) converse(ctx context.Context, l *line, method string, req, res proto.Message) error {
	defer l.conn.Cut()
	stop := context.AfterFunc(ctx, l.conn.Cut)
	defer stop()
	answered := make(chan error, 1)
	k := &call{method: method, req: req, res: res, done: func(err error) { answered <- err }}
	c.mu.Lock()
	err := c.start(l, k, c.cfg.Times.Call)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err := l.conn.SendFrame(client.Text, l.out[0]); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		m, err := l.conn.Read()
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return fmt.Errorf("%s: %w", method, err)
		}
		c.mu.Lock()
		c.receivedFrame(l, m, c.cfg.Start)
		c.mu.Unlock()
		select {
		case err := <-answered:
			if err != nil {
				return fmt.Errorf("%s: %w", method, err)
			}
			return nil
		default:
		}
	}
}
