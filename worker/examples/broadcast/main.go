// Broadcast passes every text on to everyone connected, the sender included. With
// PARLEY_PAGE=127.0.0.1:8080 it serves a page too; one of several workers is enough.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(broadcast{}) }

type broadcast struct{ worker.Base }

// OnMessage names the send after the frame, so that one handled again, because a worker
// died, is not heard again, and awaits it: what a worker still has to send dies with it.
func (broadcast) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	if m.Binary {
		return nil // not a text
	}
	return c.Sender().ToAll(ctx, worker.Text(m.Text()), worker.Once(fmt.Sprint(c.ID(), m.Seq)), worker.Await(new(worker.Result)))
}

//go:embed index.html
var page embed.FS

func (broadcast) OnStart(ctx context.Context, _ *worker.Sender) error {
	addr := os.Getenv("PARLEY_PAGE")
	if addr == "" {
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("PARLEY_PAGE: %w", err)
	}
	server := &http.Server{Handler: site(os.Getenv("PARLEY_GATEWAYS")), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }() // until it is closed
	slog.Info("page", "url", "http://"+l.Addr().String()+"/")
	return nil
}

func site(gateways string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /gateways", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(strings.Split(cmp.Or(gateways, "ws://127.0.0.1:8282"), ","))
	})
	return mux
}
