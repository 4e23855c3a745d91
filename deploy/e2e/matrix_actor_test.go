package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

// actorAt is the variable that makes this program a worker whose handlers play rows. It
// says where the test listens.
const actorAt = "E2E_ACTOR"

// probation is how long a conn has that is to be confirmed. What was not confirmed in
// time shows at the end of the test, which lasts longer.
const probation = 10 * time.Second

// ran is the reply of a handler that has played a row, and mark what is sent behind it.
const (
	ran  = "ran"
	mark = "mark"
)

// part is what a handler is to play, as the frame of its client says.
type part struct {
	Key  string // names it to the prompter
	Row  string // key of the row
	Cell cell
	IDs  []connid.ID // who gets the mark
}

// cue lets a handler begin, report is what comes of it.
type cue struct {
	Key    string
	Within time.Duration
}

type report struct {
	Key  string
	Here bool // the handler has begun, and waits for its cue
	ID   connid.ID
	Said said
}

// actor is the handler of the worker process of the matrix.
type actor struct {
	worker.Base
	conn net.Conn

	mu   sync.Mutex
	cues map[string]chan cue // each has one cue that everybody may take and puts back
}

func newActor(addr string) (*actor, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	a := &actor{conn: conn, cues: make(map[string]chan cue)}
	go a.listen()
	return a, nil
}

func (a *actor) listen() {
	s := bufio.NewScanner(a.conn)
	for s.Scan() {
		var c cue
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			panic(err)
		}
		a.cue(c.Key) <- c
	}
	os.Exit(0) // the test is over
}

func (a *actor) cue(key string) chan cue {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cues[key] == nil {
		a.cues[key] = make(chan cue, 1)
	}
	return a.cues[key]
}

func (a *actor) tell(r report) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err = a.conn.Write(append(b, '\n'))
	return err
}

// OnOpen lets everybody in as who the query says, and tells the id.
func (a *actor) OnOpen(ctx context.Context, c *worker.Conn) error {
	q := c.Facts().Values()
	if err := c.Reply(worker.Text("id " + c.ID().String())); err != nil {
		return err
	}
	if name := q.Get("row"); name != "" {
		return a.act(ctx, c, part{Key: q.Get("key"), Row: name, Cell: cell{Name: q.Get("cell")}})
	}
	if err := c.Bind(ctx, q.Get("user")); err != nil {
		return err
	}
	if err := c.Join(ctx, q["group"]...); err != nil {
		return err
	}
	if d, err := time.ParseDuration(q.Get("confirm")); err == nil {
		if err := c.ConfirmWithin(d); err != nil {
			return err
		}
	}
	return c.SetSession([]byte(`{"n":1}`))
}

// OnMessage plays a row, or answers "echo …".
func (a *actor) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	if strings.HasPrefix(m.Text(), "echo ") {
		return c.Reply(worker.Text(m.Text()))
	}
	var p part
	if err := json.Unmarshal([]byte(m.Text()), &p); err != nil {
		return err
	}
	if p.Row == mark {
		if err := c.Sender().ToConns(ctx, p.IDs, worker.Text(mark)); err != nil {
			return err
		}
		return c.Reply(worker.Text(ran))
	}
	return a.act(ctx, c, p)
}

// act waits for its cue, plays, tells, and answers. Handled again it does not wait.
func (a *actor) act(ctx context.Context, c *worker.Conn, p part) error {
	r := rowOf(p.Row)
	if r == nil {
		return fmt.Errorf("no row %q", p.Row)
	}
	if r.opens {
		p.Cell.IDs[3] = c.ID()
	}
	if err := a.tell(report{Key: p.Key, Here: true, ID: c.ID()}); err != nil {
		return err
	}
	var now cue
	select {
	case now = <-a.cue(p.Key):
		a.cue(p.Key) <- now
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	playing, cancel := context.WithTimeout(ctx, now.Within)
	defer cancel()
	if err := a.tell(report{Key: p.Key, Said: r.play(playing, c.Sender(), c, nil, p.Cell)}); err != nil {
		return err
	}
	return c.Reply(worker.Text(ran))
}

// rows is the matrix.
func rows() (all []*row) {
	for _, some := range [][]*row{sends, kicks, changes, queries, ofConn, pushes, endings} {
		all = append(all, some...)
	}
	return all
}

func rowOf(key string) *row {
	for _, r := range rows() {
		if r.key() == key {
			return r
		}
	}
	return nil
}
