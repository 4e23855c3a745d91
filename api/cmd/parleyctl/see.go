package main

import (
	"context"
	"time"

	"github.com/parley-im/parley/api/internal/ctl"
	"github.com/parley-im/parley/proto/connid"
)

// connID is a conn as it is written: its ID in 22 characters.
type connID string

// UnmarshalText reads one, so that a typing mistake is told before anybody is asked.
func (c *connID) UnmarshalText(b []byte) error {
	id, err := connid.Parse(string(b))
	*c = connID(id.String())
	return err
}

func texts(ids []connID) (list []string) {
	for _, id := range ids {
		list = append(list, string(id))
	}
	return list
}

type membersCommand struct {
	Watch bool          `short:"w" help:"Show it anew until Ctrl-C."`
	Every time.Duration `default:"2s" help:"How often, with --watch."`
}

// Run implements kong's command.
func (m *membersCommand) Run(ctx context.Context, c *command) error {
	if m.Every < 100*time.Millisecond {
		return ctl.WrongUsage("--every: 100ms at least")
	}
	return c.with(func(x *ctl.Ctl) error {
		if m.Watch {
			return x.Watch(ctx, m.Every)
		}
		return x.Members(ctx)
	})
}

type connsCommand struct {
	User    []string `sep:"none" help:"Only those of this user; several times for several."`
	Group   []string `sep:"none" help:"Only those in this group; several times for several."`
	Gateway []string `sep:"none" help:"Only those of this gateway; several times for several."`
	Limit   int      `default:"${limit}" help:"How many; 0: all."`
}

// Run implements kong's command.
func (o *connsCommand) Run(ctx context.Context, c *command) error {
	if err := checkLimit(o.Limit); err != nil {
		return err
	}
	return c.with(func(x *ctl.Ctl) error {
		return x.Conns(ctx, ctl.Filter{Users: o.User, Groups: o.Group, Gateways: o.Gateway, Limit: o.Limit})
	})
}

type connCommand struct {
	ID connID `arg:"" help:"The conn, as parleyctl conns names it."`
}

// Run implements kong's command.
func (o *connCommand) Run(ctx context.Context, c *command) error {
	return c.with(func(x *ctl.Ctl) error { return x.Conn(ctx, string(o.ID)) })
}

type usersCommand struct {
	Group []string `sep:"none" help:"Only those with a conn in this group; several times for several."`
	Limit int      `default:"${limit}" help:"How many; 0: all."`
}

// Run implements kong's command.
func (o *usersCommand) Run(ctx context.Context, c *command) error {
	if err := checkLimit(o.Limit); err != nil {
		return err
	}
	return c.with(func(x *ctl.Ctl) error { return x.Users(ctx, o.Group, o.Limit) })
}

type groupsCommand struct {
	Limit int `default:"${limit}" help:"How many; 0: all."`
}

// Run implements kong's command.
func (o *groupsCommand) Run(ctx context.Context, c *command) error {
	if err := checkLimit(o.Limit); err != nil {
		return err
	}
	return c.with(func(x *ctl.Ctl) error { return x.Groups(ctx, o.Limit) })
}

type countCommand struct {
	Group []string `arg:"" optional:"" help:"Groups that are counted; none: everything, by gateway."`
}

// Run implements kong's command.
func (o *countCommand) Run(ctx context.Context, c *command) error {
	return c.with(func(x *ctl.Ctl) error {
		if len(o.Group) > 0 {
			return x.CountGroups(ctx, o.Group)
		}
		return x.Count(ctx)
	})
}

type onlineCommand struct {
	User []string `arg:"" help:"Users who are asked for."`
}

// Run implements kong's command.
func (o *onlineCommand) Run(ctx context.Context, c *command) error {
	return c.with(func(x *ctl.Ctl) error { return x.Online(ctx, o.User) })
}

func checkLimit(n int) error {
	if n < 0 {
		return ctl.WrongUsage("--limit: %d, want 0 for all, or more", n)
	}
	return nil
}

// with does something with an api.
func (c *command) with(do func(*ctl.Ctl) error) error {
	x, err := c.connect()
	if err != nil {
		return err
	}
	defer x.Door.Close()
	return do(x)
}
