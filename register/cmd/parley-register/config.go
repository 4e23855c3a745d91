package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/node"
	"github.com/parley-im/parley/register/server"
	"golang.org/x/sync/errgroup"
)

// config is the flags of parley-register.
type config struct {
	node.Config

	Listen       string        `default:"127.0.0.1:1236" help:"Where the other processes dial this register."`
	Lease        time.Duration `default:"${lease}" help:"How long a process that says nothing stays listed."`
	MaxMembers   int           `default:"${max_members}" help:"Processes that may be listed; more are refused."`
	MaxWatchers  int           `default:"${max_watchers}" help:"Streams that may watch; more are refused."`
	WatcherQueue int           `default:"${watcher_queue}" help:"Changes that wait for one watcher; more and it is cut and begins anew."`
}

// Vars names the defaults, which live in package server.
func (c *config) Vars() map[string]string {
	return map[string]string{
		"lease":         register.DefaultLease.String(),
		"max_members":   strconv.Itoa(server.DefaultMaxMembers),
		"max_watchers":  strconv.Itoa(server.DefaultMaxWatchers),
		"watcher_queue": strconv.Itoa(server.DefaultWatcherQueue),
	}
}

// Validate reports everything wrong at once.
func (c *config) Validate() error {
	errs := []error{c.Guarded("listen", c.Listen)}
	for _, n := range []struct {
		flag  string
		value int
	}{{"max-members", c.MaxMembers}, {"max-watchers", c.MaxWatchers}, {"watcher-queue", c.WatcherQueue}} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("--%s: %d is less than 1", n.flag, n.value))
		}
	}
	if c.Lease < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("--lease: %v is too short, at least 100ms are needed", c.Lease))
	}
	return errors.Join(errs...)
}

// New builds the register.
func (c *config) New(n *node.Node) (node.Service, error) {
	l, err := n.Listen("listen", c.Listen)
	if err != nil {
		return nil, err
	}
	s, err := server.New(server.Config{
		Identity: n.Identity(), Secrets: n.Secrets(), TLS: n.ServerTLS(),
		Lease: c.Lease, MaxMembers: c.MaxMembers, MaxWatchers: c.MaxWatchers, WatcherQueue: c.WatcherQueue,
		Log: n.Log(), Metrics: n.Metrics(),
	})
	if err != nil {
		return nil, err
	}
	n.OnReload(func(next node.Program) { s.SetSecrets(next.(*config).Secrets()) })
	n.Log().Info("listening", "addr", l.Addr().String())
	return &service{s: s, l: l, n: n}, nil
}

// service is a register that drains when it is told to stop.
type service struct {
	s *server.Server
	l net.Listener
	n *node.Node
}

// Run serves until ctx ends, says goodbye to everybody and returns.
func (r *service) Run(ctx context.Context) error {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	eg, run := errgroup.WithContext(run)
	eg.Go(func() error { return r.s.Run(run, r.l) })
	eg.Go(func() error {
		defer stop()
		select {
		case <-run.Done():
			return nil
		case <-ctx.Done():
		}
		if err := r.s.Drain(r.n.Deadline()); err != nil {
			return fmt.Errorf("some peers have not gone: %w", err)
		}
		return nil
	})
	return eg.Wait()
}
