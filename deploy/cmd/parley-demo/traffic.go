package main

import (
	"context"
	"os"
	"time"

	"github.com/parley-im/parley/deploy/demo/traffic"
)

// crowd is the flags of both kinds of traffic.
type crowd struct {
	Data  string `default:"data" type:"path" placeholder:"FOLDER" help:"Folder of the run that is talked in."`
	Users int    `default:"20" help:"How many bots."`
	Rate  int    `default:"40" help:"Messages a second, all together."`
}

type trafficCommand struct {
	crowd
	For time.Duration `help:"How long they talk; 0: until Ctrl-C."`
}

type killCommand struct {
	crowd
	For time.Duration `default:"10s" help:"How long something is killed again and again."`
}

// Run implements kong's command.
func (c *trafficCommand) Run(ctx context.Context) error { return c.run(ctx, c.For, false) }

// Run implements kong's command.
func (c *killCommand) Run(ctx context.Context) error { return c.run(ctx, c.For, true) }

func (c *crowd) run(ctx context.Context, long time.Duration, kill bool) error {
	info, err := os.Stdout.Stat()
	return traffic.Run(ctx, traffic.Config{
		Data: c.Data, Users: c.Users, Rate: c.Rate, For: long, Kill: kill,
		Out: os.Stdout, Terminal: err == nil && info.Mode()&os.ModeCharDevice != 0,
	})
}
