package main

import (
	"context"
	"time"

	"github.com/parley-im/parley/api/internal/ctl"
)

type sendCommand struct {
	ToUser  []string `sep:"none" help:"To all conns of this user; several times for several."`
	ToGroup []string `sep:"none" help:"To all conns in this group; several times for several."`
	ToConn  []connID `sep:"none" help:"To this conn; several times for several."`
	All     bool     `help:"To everybody."`
	Binary  bool     `help:"As a binary frame; without it the frame is text."`
	Text    *string  `arg:"" optional:"" help:"What is sent; without it, what comes by standard input, less a newline at its end."`
}

// Run implements kong's command.
func (s *sendCommand) Run(ctx context.Context, c *command) error {
	frame := func() ([]byte, error) {
		if s.Text != nil {
			return []byte(*s.Text), nil
		}
		return ctl.ReadFrame(c.in, s.Binary)
	}
	return c.with(func(x *ctl.Ctl) error {
		to := ctl.To{Conns: texts(s.ToConn), Users: s.ToUser, Groups: s.ToGroup, All: s.All}
		if err := to.Check(); err != nil {
			return err
		}
		b, err := frame()
		if err != nil {
			return err
		}
		return x.Send(ctx, to, b, s.Binary)
	})
}

type kickCommand struct {
	User   []string      `sep:"none" help:"All conns of this user; several times for several."`
	Group  []string      `sep:"none" help:"All conns in this group; several times for several."`
	Conn   []connID      `sep:"none" help:"This conn; several times for several."`
	Code   ctl.CloseCode `help:"Close code: from 4500 on clients do not come back by themselves; 4504 says that somebody ended the session; without it 1000."`
	Reason string        `help:"What the client is told, 123 bytes at most."`
	Now    bool          `help:"Cut the sockets: nothing that waits for them is sent, no code and no reason."`
}

// Run implements kong's command.
func (k *kickCommand) Run(ctx context.Context, c *command) error {
	return c.with(func(x *ctl.Ctl) error {
		return x.Kick(ctx, ctl.Kick{Conns: texts(k.Conn), Users: k.User, Groups: k.Group, Code: k.Code, Reason: k.Reason, Now: k.Now})
	})
}

type drainCommand struct {
	Node   string `arg:"" help:"The gateway or the worker, as parleyctl members names it."`
	Role   string `enum:",gateway,worker" default:"" help:"gateway or worker, when both have that name."`
	NoWait bool   `help:"Do not wait until it has ended."`
}

// Run implements kong's command.
func (d *drainCommand) Run(ctx context.Context, c *command) error {
	return c.with(func(x *ctl.Ctl) error {
		return x.Drain(ctx, ctl.Drain{Node: d.Node, Role: d.Role, NoWait: d.NoWait})
	})
}

type shedCommand struct {
	Gateway string        `arg:"" help:"The gateway, as parleyctl members names it."`
	Share   ctl.Share     `arg:"" help:"How much of its clients: 25% or 0.25."`
	Over    time.Duration `default:"30s" help:"Over what time, 1s to 1h."`
	NoWait  bool          `help:"Do not wait until it is done."`
}

// Run implements kong's command.
func (s *shedCommand) Run(ctx context.Context, c *command) error {
	return c.with(func(x *ctl.Ctl) error {
		return x.Shed(ctx, ctl.Shed{Gateway: s.Gateway, Share: s.Share, Over: s.Over, NoWait: s.NoWait})
	})
}
