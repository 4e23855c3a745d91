package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/pprof"
	"strconv"
	"time"
)

// opsHandler serves operators: health, readiness, metrics, profiles.
func opsHandler(w *Worker) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", Metrics(w))
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "alive") })
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		switch s := w.Stats(); {
		case w.draining.Load():
			http.Error(rw, "draining", http.StatusServiceUnavailable)
		case s.Attached == 0:
			http.Error(rw, "no gateway is attached", http.StatusServiceUnavailable)
		default:
			fmt.Fprintln(rw, "ready")
		}
	})
	// Not by net/http/pprof: importing it would serve profiles on the default mux of
	// every program that uses the SDK.
	mux.HandleFunc("GET /debug/pprof/profile", profileCPU)
	mux.HandleFunc("GET /debug/pprof/{name}", func(rw http.ResponseWriter, r *http.Request) {
		p := pprof.Lookup(r.PathValue("name"))
		if p == nil {
			http.NotFound(rw, r)
			return
		}
		debug, _ := strconv.Atoi(r.FormValue("debug")) // 0: the binary form
		_ = p.WriteTo(rw, debug)                       // the reader has gone
	})
	return mux
}

// profileCPU profiles for ?seconds=, 10 without.
func profileCPU(rw http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.FormValue("seconds"))
	if err != nil || seconds < 1 || seconds > 300 {
		seconds = 10
	}
	if err := pprof.StartCPUProfile(rw); err != nil {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	defer pprof.StopCPUProfile()
	select {
	case <-time.After(time.Duration(seconds) * time.Second):
	case <-r.Context().Done():
	}
}

// serveOps serves operators until ctx ends; then it cuts them off.
func serveOps(ctx context.Context, addr string, w *Worker) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("ops-listen: %w", err)
	}
	server := &http.Server{Handler: opsHandler(w), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	w.log.Info("serving operators", "addr", l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ops-listen: %w", err)
	}
	return nil
}
