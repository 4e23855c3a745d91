// Command parley-nats is a NATS server with JetStream for those who have none.
package main

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parley-im/parley/deploy/local/natsd"
)

func main() {
	var c natsd.Config
	k := kong.Parse(&c, kong.Name("parley-nats"), kong.Description("A NATS server with JetStream, for those who have none."), kong.UsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := c.Run(ctx)
	stop()
	k.FatalIfErrorf(err)
}
