// Swooleim is a small chat: people with names, groups, and messages that arrive
// once even when they are sent twice. ../README.md has its frames. With
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

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(chat{}) }

// received is a frame of a client. To and Group may be missing, but not empty: a
// slip must not show everyone what was meant for one.
type received struct {
	Type     string
	ID       json.RawMessage // a string or a number of up to 128 bytes, repeated in the answer
	Username string
	To       *string
	Group    *string
	Message  string
}

// sent is a frame to a client. From is a name, or the number of a conn without one.
type sent struct {
	Type    string          `json:"type"`
	ID      json.RawMessage `json:"id,omitempty"`
	From    any             `json:"from,omitempty"`
	Group   string          `json:"group,omitempty"`
	All     bool            `json:"all,omitempty"` // it went to everyone
	Message string          `json:"message,omitempty"`
}

type chat struct{ worker.Base }

// OnMessage answers what has an id, and what cannot be done. The answer leaves with
// the acknowledgement of the frame, so there is one, whatever dies meanwhile.
func (chat) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	f, err := read(m)
	if err == nil {
		err = f.do(ctx, c, m)
	}
	if err != nil {
		told := fault.Of(err)
		if told.Code().HTTP() < 500 {
			err = nil // the client's mistake: nothing for the log
		}
		return cmp.Or(c.Reply(worker.JSON(sent{Type: "error", ID: f.ID, Message: told.Message()})), err)
	}
	if f.ID == nil {
		return nil
	}
	return c.Reply(worker.JSON(sent{Type: "ack", ID: f.ID}))
}

func read(m worker.Message) (f received, err error) {
	good := json.Unmarshal(m.Payload, &f) == nil && !m.Binary
	if len(f.ID) > 128 || len(f.ID) > 0 && !strings.ContainsRune(`"-0123456789`, rune(f.ID[0])) {
		good = good && string(f.ID) == "null"
		f.ID = nil
	}
	if !good {
		err = fault.New(fault.Malformed, "not a text frame with one JSON object of this chat")
	}
	return f, err
}

func (f *received) do(ctx context.Context, c *worker.Conn, m worker.Message) error {
	switch {
	case f.Type == "auth":
		return c.Bind(ctx, f.Username)
	case f.Type == "joinGroup" && f.Group != nil:
		return c.Join(ctx, *f.Group)
	case f.Type == "message" && f.Message != "" && (f.To == nil || f.Group == nil):
		return f.pass(ctx, c, m)
	}
	return fault.New(fault.Invalid, "unknown type, or a field is missing, or to and group are both there")
}

// pass hands a message on and waits until every gateway concerned has it. When it
// comes again, because a worker died or a client did not hear the answer, those that
// have it drop it: they know it by who says it and its id, or by the frame it was in.
func (f *received) pass(ctx context.Context, c *worker.Conn, m worker.Message) error {
	out := sent{Type: "message", From: c.User(), Message: f.Message}
	key := fmt.Sprintf("user %q %s", c.User(), f.ID)
	if c.User() == "" {
		out.From, key = c.Number(), fmt.Sprintf("conn %s %s", c.ID(), f.ID)
	}
	if f.ID == nil {
		key = fmt.Sprintf("frame %s %d", c.ID(), m.Seq)
	}
	var became worker.Result
	opts := []worker.SendOption{worker.Once(key), worker.Await(&became)}
	others := append(opts, worker.Except(c.ID()))
	switch {
	case f.Group != nil:
		out.Group = *f.Group
		return c.Sender().ToGroup(ctx, *f.Group, worker.JSON(out), others...)
	case f.To == nil:
		out.All = true
		return c.Sender().ToAll(ctx, worker.JSON(out), others...)
	case c.User() == "":
		return fault.New(fault.Unauthenticated, "say who you are before you write to one person")
	}
	err := c.Sender().ToUser(ctx, *f.To, worker.JSON(out), opts...)
	if err == nil && became.Hit == 0 && !became.Duplicate {
		err = fault.New(fault.NotFound, *f.To+" is not connected")
	}
	return err
}

//go:embed index.html
var page embed.FS

func (chat) OnStart(ctx context.Context, _ *worker.Sender) error {
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
