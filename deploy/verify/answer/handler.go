package answer

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/parley-im/parley/worker"
)

// slow is how long a handler of kind Bind takes before it binds, unless the frame
// says how long: of many some are under way whenever a worker is lost.
const slow = 150 * time.Millisecond

// Handler answers. Its zero value names itself by the id of its process.
type Handler struct {
	worker.Base
	Who string // in every answer; "": the process id
}

var _ worker.Handler = (*Handler)(nil)

// OnOpen gives a conn that says ?tag=TAG the user TAG.0 and the group TAG.
func (h *Handler) OnOpen(ctx context.Context, c *worker.Conn) error {
	tag := c.Facts().Values().Get("tag")
	if tag == "" {
		return nil
	}
	if err := c.Bind(ctx, User(tag, 0)); err != nil {
		return err
	}
	return c.Join(ctx, tag)
}

// OnMessage answers one frame.
func (h *Handler) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	q, err := ParseQuestion(m.Text())
	if err != nil {
		return err
	}
	answer := Answer{Tag: q.Tag, N: q.N, Who: h.who(), Session: NoSession}
	if s := c.Session(); len(s) > 0 {
		answer.Session = string(s)
	}
	if err := h.do(ctx, c, m, q, &answer); err != nil {
		return err
	}
	return c.Reply(worker.Text(answer.frame()))
}

// do does what a frame asks for beside the answer.
func (h *Handler) do(ctx context.Context, c *worker.Conn, m worker.Message, q Question, answer *Answer) error {
	var result worker.Result
	opts := []worker.SendOption{worker.Once(fmt.Sprintf("%v/%d", c.ID(), m.Seq)), worker.Await(&result)}
	switch q.Kind {
	case Session:
		return c.SetSession(strconv.AppendUint(nil, q.N, 10))
	case Bind:
		// On purpose deaf to ctx: a handler that does not listen must do no harm
		// either when its conn has moved meanwhile.
		took := slow
		if q.Arg != "" {
			var err error
			if took, err = time.ParseDuration(q.Arg); err != nil {
				return err
			}
		}
		time.Sleep(took)
		// Two workers give two names, so that it shows when the one that no longer
		// acts for the conn has the last word.
		return c.Bind(ctx, User(q.Tag, q.N)+"."+h.who())
	case Check:
		there, err := c.Sender().ConnContext(ctx, c.ID())
		if err == nil && there.User != c.User() {
			answer.Session = WrongUser
		}
		return err
	case Push:
		k, err := strconv.ParseUint(q.Arg, 10, 64)
		if err != nil {
			return err
		}
		return c.Sender().ToGroup(ctx, q.Tag, worker.Text(Answer{Tag: q.Tag, N: k, Message: true}.frame()), opts...)
	case To:
		return c.Sender().ToUser(ctx, q.Arg, worker.Text(Answer{Tag: q.Tag, N: q.N, Message: true}.frame()), opts...)
	case As:
		return c.Bind(ctx, q.Arg)
	case Die:
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		<-ctx.Done() // nothing may be acknowledged
		return err
	}
	return nil
}

func (h *Handler) who() string {
	if h.Who == "" {
		return strconv.Itoa(os.Getpid())
	}
	return h.Who
}

// User is the user that a conn is bound to by its handshake, n being 0, or its
// n-th frame.
func User(tag string, n uint64) string { return fmt.Sprintf("%s.%d", tag, n) }
