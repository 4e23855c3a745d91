// Tadpole is the pond of workerman-todpole: everybody sees everybody swim, at frame
// rate, and hears what they say. It speaks that demo's protocol, so its page works
// unchanged; ../README.md has the frames. With PARLEY_PAGE=127.0.0.1:8080 it serves a
// page of its own; one of several workers is enough.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(pond{}) }

// received is a frame of a client. The page of the original sends its numbers as
// strings, which json.Number takes as well.
type received struct {
	Type                  string
	Angle, Momentum, X, Y json.Number
	Name, Message         *string
}

// What one client may make all others read, in bytes.
const (
	maxName    = 64
	maxMessage = 512
)

type update struct {
	Type       string  `json:"type"`
	ID         int64   `json:"id"`
	Angle      float64 `json:"angle"`
	Momentum   float64 `json:"momentum"`
	X          float64 `json:"x"`
	Y          float64 `json:"y"`
	Life       int     `json:"life"`
	Name       string  `json:"name"`
	Authorized bool    `json:"authorized"`
}

type pond struct{ worker.Base }

func (pond) OnOpen(_ context.Context, c *worker.Conn) error {
	return c.Reply(worker.JSON(map[string]any{"type": "welcome", "id": c.Number()}))
}

// OnMessage passes over what it does not understand, as the original does.
func (pond) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f received
	if json.Unmarshal(m.Payload, &f) != nil {
		return nil
	}
	switch {
	case f.Type == "update":
		return f.move(ctx, c)
	case f.Type == "message" && f.Message != nil:
		out := map[string]any{"type": "message", "id": c.Number(), "message": cut(*f.Message, maxMessage)}
		return c.Sender().ToAll(ctx, worker.JSON(out), worker.Once(fmt.Sprint(c.ID(), m.Seq)), worker.Await(new(worker.Result)))
	}
	return nil
}

// move tells all where a tadpole is now. Who reads slowly gets the newest position
// of each and misses those between, so nobody is ever far behind.
func (f *received) move(ctx context.Context, c *worker.Conn) error {
	out := update{Type: "update", ID: c.Number(), Life: 1, Name: fmt.Sprint("Guest.", c.Number())}
	if f.Name != nil {
		out.Name = cut(*f.Name, maxName)
	}
	var errs [4]error
	out.Angle, errs[0] = number(f.Angle)
	out.Momentum, errs[1] = number(f.Momentum)
	out.X, errs[2] = number(f.X)
	out.Y, errs[3] = number(f.Y)
	if errors.Join(errs[:]...) != nil {
		return nil // 1e999
	}
	return c.Sender().ToAll(ctx, worker.JSON(out), worker.Merge(c.ID().String()))
}

func number(n json.Number) (float64, error) { return cmp.Or(n, "0").Float64() }

// cut shortens a text to so many bytes, without half a character at the end.
func cut(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

func (pond) OnClose(ctx context.Context, c *worker.Conn, _ worker.Close) {
	out := map[string]any{"type": "closed", "id": c.Number()}
	if err := c.Sender().ToAll(ctx, worker.JSON(out), worker.Once(c.ID().String()+" closed"), worker.Await(new(worker.Result))); err != nil {
		slog.Warn("nobody hears that it has gone", "conn", c.ID(), "err", err)
	}
}

//go:embed index.html
var page embed.FS

func (pond) OnStart(ctx context.Context, _ *worker.Sender) error {
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
