package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Main is the main function of a worker: it reads flags, PARLEY_* variables and the file
// that --config names (run the program with -h for the list), runs a Worker with the
// Handler, and ends the process. SIGTERM and SIGINT drain it, as does [Sender.DrainWorker]
// from anywhere; a second one ends the drain at once; SIGHUP reads all of it again: secrets, certificates, limits, time-outs and log
// level take effect, for the rest the log says "restart needed". It exits with 0 after a
// drain, 1 when the worker failed and 2 when the configuration is wrong.
func Main(h Handler) {
	signal.Ignore(syscall.SIGPIPE) // whoever reads the log may end; this process goes on without
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	os.Exit(run(h, os.Args, os.Getenv, os.Stderr, signals))
}

// run is Main without the process around it.
func run(h Handler, args []string, env func(string) string, out io.Writer, signals <-chan os.Signal) int {
	flagged, _ := h.(Flagged) // nil: it has none of its own
	s, err := parse(flagged, args, env, out)
	if errors.Is(err, errHelp) {
		return 0
	}
	var w *Worker
	if err == nil {
		s.Config.Handler = h
		w, err = New(s.Config)
	}
	if err != nil {
		fmt.Fprintf(out, "%s: the configuration is wrong:\n%v\n", args[0], err)
		return 2
	}
	if s.check {
		fmt.Fprintln(out, "the configuration is good")
		return 0
	}
	slog.SetDefault(s.Config.Log)
	if err := s.serve(w, signals); err != nil {
		s.Config.Log.Error("worker failed", "err", err)
		return 1
	}
	return 0
}

// serve runs w until a signal says otherwise.
func (s *settings) serve(w *Worker, signals <-chan os.Signal) error {
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	over := make(chan struct{})
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error {
		defer close(over)
		defer drain()
		return w.Run(ctx)
	})
	eg.Go(func() error {
		s.obey(w, signals, over, drain)
		return nil
	})
	if s.ops != "off" {
		eg.Go(func() error { return serveOps(ctx, s.ops, w) })
	}
	return eg.Wait()
}

// obey does what signals say until the worker has ended.
func (s *settings) obey(w *Worker, signals <-chan os.Signal, over <-chan struct{}, drain func()) {
	draining := false
	for {
		select {
		case <-over:
			return
		case sig := <-signals:
			switch {
			case sig == syscall.SIGHUP:
				switch restart, err := s.reload(w); {
				case err != nil:
					s.Config.Log.Error("reload: nothing was changed", "err", err)
				case len(restart) > 0:
					s.Config.Log.Warn("reloaded; restart needed", "for", restart)
				default:
					s.Config.Log.Info("reloaded", "what", "secrets, certificates, limits, timeouts, log level")
				}
			case draining:
				s.Config.Log.Warn("stopping at once", "signal", sig.String())
				w.Hurry()
			default:
				draining = true
				s.Config.Log.Info("stopping", "signal", sig.String())
				drain()
			}
		}
	}
}
