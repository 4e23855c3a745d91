// Command parley-counterpart is the worker that load is measured with; see package
// counterpart. PARLEY_COUNTERPART_PPROF=HOST:PORT serves profiles there.
package main

import (
	"log/slog"
	"net/http"
	_ "net/http/pprof" // #nosec G108 -- that is what the address is for
	"os"
	"time"

	"github.com/parley-im/parley/deploy/load/counterpart"
	"github.com/parley-im/parley/worker"
)

func main() {
	if addr := os.Getenv("PARLEY_COUNTERPART_PPROF"); addr != "" {
		s := &http.Server{Addr: addr, ReadHeaderTimeout: 5 * time.Second}
		go func() { slog.Error("no profiles are served", "err", s.ListenAndServe()) }()
	}
	worker.Main(counterpart.Handler{})
}
