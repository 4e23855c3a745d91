// Echo is the smallest useful worker: every text is answered with "Server: " and
// the same text, and it is logged who comes and who goes.
package main

import (
	"context"
	"log/slog"

	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(echo{}) }

type echo struct{ worker.Base }

func (echo) OnOpen(_ context.Context, c *worker.Conn) error {
	slog.Info("open", "conn", c.ID(), "from", c.Facts().RemoteAddr, "path", c.Facts().Path)
	return nil // worker.Refuse(403, "not you") would turn the client away
}

func (echo) OnMessage(_ context.Context, c *worker.Conn, m worker.Message) error {
	if m.Binary {
		return nil // not a text: no answer
	}
	return c.Reply(worker.Text("Server: " + m.Text()))
}

func (echo) OnClose(_ context.Context, c *worker.Conn, why worker.Close) {
	slog.Info("close", "conn", c.ID(), "code", why.Code, "by", why.By.String(), "after", why.Duration)
}
