package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/parley-im/parley/deploy/demo/bots"
	"github.com/parley-im/parley/deploy/demo/seed"
)

type seedCommand struct {
	Database string `required:"" placeholder:"URL" help:"As parley-worker takes it."`
	Done     string `type:"path" placeholder:"FILE" help:"File that is written when it is done; if it is there, nothing is done."`
}

// Run implements kong's command.
func (c *seedCommand) Run(ctx context.Context) error {
	return seed.Run(ctx, seed.Config{Database: c.Database, Done: c.Done, Log: logger("text")})
}

// botsCommand has the names that every process of a local cluster is started with.
type botsCommand struct {
	Gateways  []string `default:"ws://127.0.0.1:8282/,ws://127.0.0.1:8283/" placeholder:"URL" help:"WebSocket URLs."`
	Name      string   `hidden:"" help:"Taken and ignored: bots are no members."`
	OpsListen string   `default:"127.0.0.1:0" help:"Where /healthz and /readyz are served."`
	LogFormat string   `default:"text" enum:"json,text" help:"json or text."`
}

// Run implements kong's command.
func (c *botsCommand) Run(ctx context.Context) error {
	ops, err := net.Listen("tcp", c.OpsListen)
	if err != nil {
		return fmt.Errorf("--ops-listen: %w", err)
	}
	return bots.Run(ctx, bots.Config{Gateways: c.Gateways, Ops: ops, Log: logger(c.LogFormat)})
}

func logger(format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}
