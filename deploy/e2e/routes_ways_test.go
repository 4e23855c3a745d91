package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// ways are what is answered, and how the name that it concerned is then sent to.
var ways = []struct {
	name string
	run  func(*match, context.Context, *lane) error
}{
	{"bind by a sender", func(_ *match, ctx context.Context, l *lane) error {
		if err := l.answered(ctx, func(s *worker.Sender) error { return s.Bind(ctx, l.id, l.name()) }); err != nil {
			return err
		}
		return l.arrives(ctx, toUser)
	}},
	{"join by a sender", func(_ *match, ctx context.Context, l *lane) error {
		if err := l.answered(ctx, func(s *worker.Sender) error { return s.Join(ctx, l.id, l.name()) }); err != nil {
			return err
		}
		return l.arrives(ctx, toGroup)
	}},
	{"bind in a handler", func(_ *match, ctx context.Context, l *lane) error {
		if err := l.asks(ctx, "bind"); err != nil {
			return err
		}
		return l.arrives(ctx, toUser)
	}},
	{"join in a handler", func(_ *match, ctx context.Context, l *lane) error {
		if err := l.asks(ctx, "join"); err != nil {
			return err
		}
		return l.arrives(ctx, toGroup)
	}},
	{"bind in the handshake", func(m *match, ctx context.Context, l *lane) error { return m.letIn(ctx, l) }},
}

func toUser(ctx context.Context, s *worker.Sender, name string) error {
	return s.ToUser(ctx, name, worker.Text(name))
}

func toGroup(ctx context.Context, s *worker.Sender, name string) error {
	return s.ToGroup(ctx, name, worker.Text(name))
}

// lane is a conn that gets one name after the other, each from the same binder and
// written to by the same sender.
type lane struct {
	*match
	tag            string
	binder, sender int
	gateway        int
	n              int
	id             connid.ID
	conn           *client.Conn
}

// name is what the n-th round is about.
func (l *lane) name() string { return fmt.Sprintf("%s.%d", l.tag, l.n) }

// play goes round after round until enough was sent and the faults are over.
func (m *match) play(ctx context.Context, i, way int) error {
	l := &lane{match: m, tag: fmt.Sprintf("%d-%d", way, i), gateway: (i + way) % fickle}
	l.binder, l.sender = pair(i)
	if err := l.dial(ctx, l.name(), &l.conn); err != nil {
		return err
	}
	defer l.conn.Cut()
	m.mu.Lock()
	l.id = m.conns[l.name()]
	m.mu.Unlock()
	for !m.last.Load() {
		if ctx.Err() != nil {
			return nil // somebody else has failed
		}
		l.n++
		phase := m.phase.Load()
		switch err := ways[way].run(m, ctx, l); {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errLeft):
			m.excused.Add(1)
			continue
		case err != nil:
			return fmt.Errorf("%s, bound by %d, sent by %d: %w", l.name(), l.binder, l.sender, err)
		}
		m.done.Add(1)
		m.byWay[way].Add(1)
		if phase == m.phase.Load() {
			m.fresh.Add(1)
		}
	}
	// Behind everything else: what came twice shows.
	if err := l.conn.Send("echo end"); err != nil {
		return err
	}
	return l.hears(l.conn, "end")
}

// dial opens a conn on the gateway of the lane, however long it lets nobody in.
func (l *lane) dial(ctx context.Context, name string, conn **client.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, everything)
	defer cancel()
	for {
		c, err := client.Dial(ctx, l.URL(l.gateway)+"?tag="+name, client.Options{ReadBuffer: 512})
		if err == nil {
			*conn = c
			return nil
		}
		if l.gateway != fickle && !strings.Contains(err.Error(), "503") {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// answered lets the binder of the lane do something until it is answered.
func (l *lane) answered(ctx context.Context, do func(*worker.Sender) error) error {
	ctx, cancel := context.WithTimeout(ctx, everything)
	defer cancel()
	for {
		err := l.by(l.binder, do)
		if err == nil || fault.CodeOf(err) != fault.Unavailable || ctx.Err() != nil {
			return err
		}
		l.unanswered.Add(1)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// asks has the client ask the handler to bind or join it, and returns as soon as the
// handler has seen that it is.
func (l *lane) asks(ctx context.Context, what string) error {
	seen := make(chan struct{}, 1)
	l.mu.Lock()
	l.told[l.name()] = seen
	l.mu.Unlock()
	if err := l.conn.Send(what + " " + l.name()); err != nil {
		return err
	}
	select {
	case <-seen:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(everything):
		return fmt.Errorf("the handler was not answered within %v", everything)
	}
}

// arrives lets the sender of the lane send to the name, and waits for it.
func (l *lane) arrives(ctx context.Context, send func(context.Context, *worker.Sender, string) error) error {
	if err := l.by(l.sender, func(s *worker.Sender) error { return send(ctx, s, l.name()) }); err != nil {
		return err
	}
	return l.hears(l.conn, l.name())
}

// missedAfter is when a send counts as missed: links are frozen for less.
const missedAfter = 15 * time.Second

func (l *lane) hears(conn *client.Conn, want string) error {
	m, err := conn.ReadWithin(missedAfter)
	if err != nil {
		return fmt.Errorf("%q was missed: %w", want, err)
	}
	if got := string(m.Payload); got != want {
		return fmt.Errorf("heard %q, want %q", got, want)
	}
	return nil
}

// letIn opens a conn that its handshake binds, and sends to it once the client has
// read the 101. Each time it is another gateway's turn.
func (m *match) letIn(ctx context.Context, l *lane) error {
	l.gateway = (l.gateway + 1) % (fickle + 1)
	var conn *client.Conn
	if err := l.dial(ctx, l.name(), &conn); err != nil {
		return err
	}
	defer conn.Cut()
	if err := m.by(l.sender, func(s *worker.Sender) error { return toUser(ctx, s, l.name()) }); err != nil {
		return err
	}
	err := l.hears(conn, l.name())
	var left *client.Closed
	switch {
	case l.gateway == fickle && err == nil:
		m.reborn.Add(1)
	case l.gateway == fickle && errors.As(err, &left) && left.Code == 1012:
		return errLeft
	}
	return err
}

// errLeft says that a conn ended because its gateway left before the send came.
var errLeft = errors.New("the gateway has left")

// usher is the handler of the race: it lets a conn in under the user that is its tag,
// binds or joins it when its client asks, and tells the test as soon as that was
// answered.
type usher struct {
	worker.Base
	*match
}

func (u usher) OnOpen(ctx context.Context, c *worker.Conn) error {
	tag := c.Facts().Values().Get("tag")
	u.mu.Lock()
	u.conns[tag] = c.ID()
	u.mu.Unlock()
	return c.Bind(ctx, tag)
}

func (u usher) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	what, name, _ := strings.Cut(m.Text(), " ")
	var err error
	switch what {
	case "echo":
		return c.Reply(worker.Text(name))
	case "bind":
		err = c.Bind(ctx, name)
	case "join":
		err = c.Join(ctx, name)
	}
	if err != nil {
		return err // it has moved; another does the same
	}
	u.mu.Lock()
	seen := u.told[name]
	delete(u.told, name)
	u.mu.Unlock()
	if seen != nil {
		seen <- struct{}{}
	}
	return nil
}
