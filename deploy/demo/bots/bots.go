// Package bots answers for the accounts of the demo that are programs: whoever writes to
// one of them, or names it in a group chat or in the lobby, gets a short answer in the
// language of the question. It speaks the public protocol, as any bot would.
//
// A bot takes what is behind its read mark for not answered yet, so one that was away
// answers when it is back. It never answers a bot of the demo, and anybody else only so
// often that two programs that answer each other come to no harm.
package bots

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/deploy/demo"
)

// Config is what bots run on.
type Config struct {
	Gateways []string     // WebSocket URLs
	Ops      net.Listener // answers /readyz once all are there; nil: nothing does
	Log      *slog.Logger

	think time.Duration // before an answer, about; 0: as long as somebody needs to type
}

// again is how long a bot whose session the server has ended for good stays away.
const again = 15 * time.Second

// Run answers until ctx ends. That nobody is there to sign in to is no error: bots wait.
func Run(ctx context.Context, c Config) error {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	var all []*bot
	for _, a := range demo.Accounts {
		if !a.Bot {
			continue
		}
		b, err := newBot(c, a)
		if err != nil {
			return fmt.Errorf("bot %s: %w", a.Name, err)
		}
		all = append(all, b)
	}
	eg, ctx := errgroup.WithContext(ctx)
	for _, b := range all {
		eg.Go(func() error { b.run(ctx); return nil })
	}
	if c.Ops != nil {
		eg.Go(func() error { return serve(ctx, c.Ops, all) })
	}
	return eg.Wait()
}

// serve answers as every process of a local cluster does, until ctx ends.
func serve(ctx context.Context, l net.Listener, all []*bot) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		for _, b := range all {
			if !b.settled() {
				http.Error(w, b.account.Name+" is not signed in", http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	})
	door := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	var closing sync.WaitGroup
	closing.Add(1)
	stop := context.AfterFunc(ctx, func() {
		defer closing.Done()
		door.Close()
	})
	err := door.Serve(l)
	if stop() { // it ended by itself
		return fmt.Errorf("--ops-listen: %w", err)
	}
	closing.Wait()
	return nil
}
