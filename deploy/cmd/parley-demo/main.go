// Command parley-demo brings people to a Parley of one machine: the accounts of `make
// run`, those of them that answer, and the traffic of `make demo-traffic` and `make
// demo-kill`.
package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type command struct {
	Seed    seedCommand    `cmd:"" help:"Make the demo accounts in a database that has none."`
	Bots    botsCommand    `cmd:"" help:"Answer for those of them that are bots, until SIGTERM."`
	Traffic trafficCommand `cmd:"" help:"Let bots talk in a running make run, until Ctrl-C."`
	Kill    killCommand    `cmd:"" help:"The same, and kill workers and gateways under them; then compare what was seen with what is stored."`
}

func main() {
	var c command
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C is not ours: it ends what takes too long
	k := kong.Parse(&c, kong.Name("parley-demo"), kong.Description("People for a Parley of one machine."),
		kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	err := k.Run()
	stop()
	k.FatalIfErrorf(err)
}
