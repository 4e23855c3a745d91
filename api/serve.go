package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// ServeHTTP serves whatever comes: it measures it, protects it, and survives it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w, route: routeNone}
	began := time.Now()
	a.metrics.inFlight.Inc()
	defer func() {
		failed := recover()
		if failed != nil {
			a.panicked(rec, r, failed)
		}
		a.metrics.inFlight.Dec()
		a.metrics.served(rec.route, rec.status, time.Since(began))
		if failed != nil && rec.wrote {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
	}()
	for name, value := range security {
		rec.Header().Set(name, value)
	}
	if r.TLS != nil {
		rec.Header().Set("Strict-Transport-Security", onlyTLS)
	}
	if r.Body == http.NoBody {
		within(rec, 0) // else a client that says nothing more would count as gone
	}
	ctx, end := a.hasten(r.Context())
	defer end()
	if !a.preflight(rec, r) {
		a.mux.ServeHTTP(rec, r.WithContext(ctx))
	}
}

// hasten is ctx until a moment after this process has begun to drain: who waits for a
// worker then, which may never come, is told to ask elsewhere.
func (a *API) hasten(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(a.draining, func() {
		time.AfterFunc(leavingTime, func() { cancel(errLeaving) })
	})
	return ctx, func() { stop(); cancel(nil) }
}

var errLeaving = fault.New(fault.Unavailable, "this api is leaving: ask again")

// panicked counts a mistake of ours, and says so to whoever met it. A handler that gave
// up on purpose is none.
func (a *API) panicked(w *recorder, r *http.Request, failed any) {
	if err, ok := failed.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		w.wrote = true
		return
	}
	a.metrics.panics.Inc()
	a.log.Error("panic in a request", "route", w.route, "panic", failed, "stack", string(debug.Stack()))
	if wrote := w.wrote; !wrote {
		a.refuse(w, r, errInternal)
		w.wrote = false
	}
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	route  string
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if !w.wrote && status >= http.StatusOK {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom: the kernel sends files by itself.
func (w *recorder) ReadFrom(r io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, r)
}

func (w *recorder) begin() {
	if !w.wrote {
		w.status, w.wrote = http.StatusOK, true
	}
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// clientOf is the address that asks, for limits of workers. What a proxy says of others
// is believed of those that were named.
func (a *API) clientOf(r *http.Request) string {
	from := a.cfg.Proxies.Client(r.RemoteAddr, r.Header)
	host, _, err := net.SplitHostPort(from)
	if err != nil {
		return from
	}
	return host
}

// networkOf is who counts as one where places are few: an address, and of IPv6 the /64,
// because whoever has one address of it has all.
func networkOf(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return client
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}
