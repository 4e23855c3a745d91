// Package natsd is the NATS server that comes with Parley: for `make run`, for tests,
// and for whoever has none. It is nats-server as a library, with JetStream in a folder.
// An operator with a NATS of his own does not need it.
package natsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Config is the command line of parley-nats. The names are those that every process
// of a local cluster is started with.
type Config struct {
	Name      string `default:"parley-nats" help:"Name of the server."`
	Listen    string `default:"127.0.0.1:4222" help:"Where clients of NATS connect."`
	Store     string `default:"parley-nats" type:"path" help:"Folder of JetStream; one per server."`
	StoreSize int64  `default:"1073741824" help:"Bytes that JetStream may fill."`
	OpsListen string `default:"127.0.0.1:0" help:"Where /healthz and /readyz are served."`
	LogFormat string `default:"json" hidden:"" help:"Taken and ignored: the server logs nothing of its own."`
}

// readyWithin bounds how long the server may take to open its door.
const readyWithin = 10 * time.Second

// Run serves until ctx ends.
func (c *Config) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("--listen: %q is no port", port)
	}
	if number == 0 {
		number = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{
		ServerName: c.Name, Host: host, Port: number,
		JetStream: true, StoreDir: c.Store, JetStreamMaxStore: c.StoreSize, JetStreamMaxMemory: 64 << 20,
		NoSigs: true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	ops, err := net.Listen("tcp", c.OpsListen)
	if err != nil {
		return fmt.Errorf("--ops-listen: %w", err)
	}
	var open atomic.Bool
	door := &http.Server{Handler: pages(s, &open), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- door.Serve(ops) }()
	go s.Start()
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
		_ = door.Close()
		<-served
	}()
	if !s.ReadyForConnections(readyWithin) {
		return errors.New("nats: it did not open its door; is the port taken?")
	}
	open.Store(true)
	<-ctx.Done()
	return nil
}

// pages answers as every process of Parley does.
func pages(s *server.Server, open *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !open.Load() || !s.JetStreamEnabled() {
			http.Error(w, "nats: not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("/varz", func(w http.ResponseWriter, _ *http.Request) {
		v, err := s.Varz(nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
	})
	return mux
}
