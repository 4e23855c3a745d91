package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// A whole worker: it answers every text with the same text.
func Example() {
	worker.Main(echo{})
}

type echo struct{ worker.Base }

func (echo) OnMessage(_ context.Context, c *worker.Conn, m worker.Message) error {
	return c.Reply(worker.Text("Server: " + m.Text()))
}

// OnOpen decides who is let in, and what the conn is from its first moment.
func ExampleHandler_onOpen() {
	worker.Main(members{})
}

type members struct{ worker.Base }

func (members) OnOpen(ctx context.Context, c *worker.Conn) error {
	user := c.Facts().Values().Get("user")
	if user == "" {
		return worker.Refuse(401, "who are you?")
	}
	if err := c.Bind(ctx, user); err != nil {
		return err
	}
	if err := c.Join(ctx, "lobby"); err != nil {
		return err
	}
	return c.Reply(worker.JSON(map[string]string{"hello": user}))
}

// A session travels with its conn: whichever worker handles the next frame has it.
func ExampleConn_SetSession() {
	worker.Main(counter{})
}

type counter struct{ worker.Base }

func (counter) OnMessage(_ context.Context, c *worker.Conn, _ worker.Message) error {
	n := 0
	if s := c.Session(); s != nil {
		if err := json.Unmarshal(s, &n); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	n++
	b, _ := json.Marshal(n) // a number always has JSON
	if err := c.SetSession(b); err != nil {
		return err
	}
	return c.Reply(worker.Text(fmt.Sprint(n))) // with the session, or neither
}

// A frame may be handled twice when a worker dies. Replies happen once all the
// same; what is sent to others takes a key that makes a repeat harmless, and is awaited,
// or it is lost with a worker that has not sent it yet.
func ExampleOnce() {
	worker.Main(room{})
}

type room struct{ worker.Base }

func (room) OnOpen(ctx context.Context, c *worker.Conn) error { return c.Join(ctx, "room") }

func (room) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	return c.Sender().ToGroup(ctx, "room", worker.Text(m.Text()),
		worker.Except(c.ID()), worker.Once(fmt.Sprint(c.ID(), m.Seq)), worker.Await(new(worker.Result)))
}

// A send can say what became of it.
func ExampleAwait() {
	var s *worker.Sender // of a Conn or a Worker
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()

	var became worker.Result
	err := s.ToUsers(ctx, []string{"ann", "bob"}, worker.Text("lunch?"), worker.Await(&became))
	if fault.CodeOf(err) == fault.Unavailable {
		log.Printf("no answer from %v", became.Lost)
	}
	for _, user := range became.Offline {
		log.Printf("%s reads it later", user)
	}
}

// A process without a Handler only sends: an HTTP server, a script, a timer.
func ExampleNew() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	w, err := worker.New(worker.Config{Role: "clock", Log: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for now := range time.Tick(time.Minute) {
			_ = w.Sender().ToAll(ctx, worker.Text(now.Format(time.Kitchen)), worker.Droppable())
		}
	}()
	if err := w.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
