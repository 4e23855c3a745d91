package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// Whoever writes on the condition that nobody else has in between loses nothing of what
// the others count, whether it replaces the session or merges into it.
func TestWritersWhoCompareLoseNothing(t *testing.T) {
	const writers, each = 4, 25
	type counter struct {
		N int `json:"n"`
	}
	for name, write := range map[string]func(ctx context.Context, s *worker.Sender, id connid.ID, next counter, version uint64) (uint64, error){
		"set": func(ctx context.Context, s *worker.Sender, id connid.ID, next counter, version uint64) (uint64, error) {
			b, err := json.Marshal(next)
			if err != nil {
				return 0, err
			}
			return s.SetSession(ctx, id, b, worker.IfVersion(version))
		},
		"merge": func(ctx context.Context, s *worker.Sender, id connid.ID, next counter, version uint64) (uint64, error) {
			return s.UpdateSession(ctx, id, next, worker.IfVersion(version))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := workertest.New(t, byQuery)
			c := h.Dial("/")
			ctx, s := t.Context(), h.Sender()
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for done := 0; done < each; {
						b, version, err := s.Session(ctx, c.ID())
						var now counter
						if b != nil {
							err = errors.Join(err, json.Unmarshal(b, &now))
						}
						if err != nil {
							t.Error(err)
							return
						}
						now.N++
						switch wrote, err := write(ctx, s, c.ID(), now, version); {
						case err == nil && wrote == version+1:
							done++
						case fault.CodeOf(err) != fault.Conflict || wrote <= version:
							t.Errorf("at version %d: got version %d, %v", version, wrote, err)
							return
						}
					}
				})
			}
			wg.Wait()
			if got, want := string(c.Session()), fmt.Sprintf(`{"n":%d}`, writers*each); got != want {
				t.Errorf("the session: got %s, want %s", got, want)
			}
		})
	}
}

// A handler whose write must not pass over somebody else's asks for it at once, and what it
// replies is true.
func TestHandlerComparesBeforeItReplies(t *testing.T) {
	meanwhile := func(context.Context, connid.ID) error { return nil }
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		if err := meanwhile(ctx, c.ID()); err != nil {
			return err
		}
		switch v, err := c.Sender().SetSession(ctx, c.ID(), m.Payload, worker.IfVersion(c.SessionVersion())); {
		case fault.CodeOf(err) == fault.Conflict:
			return c.Reply(worker.Text(fmt.Sprintf("not over version %d", v)))
		case err != nil:
			return err
		default:
			return c.Reply(worker.Text(fmt.Sprintf("version %d over %q", v, c.Session())))
		}
	}})
	c := h.Dial("/")
	c.SendText("one")
	c.Expect(`version 1 over ""`)
	c.SendText("two")
	c.Expect(`version 2 over "one"`)
	h.Settle()
	meanwhile = func(ctx context.Context, id connid.ID) error {
		_, err := h.Sender().SetSession(ctx, id, []byte("another's"))
		return err
	}
	c.SendText("three")
	c.Expect("not over version 3")
	if got := string(c.Session()); got != "another's" {
		t.Errorf("the session: %q", got)
	}
}

func TestSessionOfAnyConnIsMerged(t *testing.T) {
	h := workertest.New(t, byQuery)
	c := h.Dial("/")
	ctx, s := t.Context(), h.Sender()
	type seat struct {
		Room int     `json:"room"`
		Nick *string `json:"nick"`
	}
	for i, do := range []struct {
		write func() (uint64, error)
		want  string
	}{
		{func() (uint64, error) {
			return s.MergeSession(ctx, c.ID(), []byte(`{"big":12345678901234567890,"nick":"a"}`))
		}, `{"big":12345678901234567890,"nick":"a"}`},
		{func() (uint64, error) { return s.UpdateSession(ctx, c.ID(), seat{Room: 7}) }, `{"big":12345678901234567890,"room":7}`},
		{func() (uint64, error) {
			return s.UpdateSession(ctx, c.ID(), map[string]any{"a": map[string]int{"b": 1}})
		}, `{"big":12345678901234567890,"room":7,"a":{"b":1}}`},
		{func() (uint64, error) { return s.DeleteSessionKeys(ctx, c.ID(), "big", "room", "nowhere") }, `{"a":{"b":1}}`},
	} {
		version, err := do.write()
		if err != nil || version != uint64(i+1) || string(c.Session()) != do.want {
			t.Errorf("write %d: got version %d, %v, session %s", i, version, err, c.Session())
		}
	}
	before := h.Worker().Stats().Commands
	for what, write := range map[string]func() (uint64, error){
		"a list":         func() (uint64, error) { return s.MergeSession(ctx, c.ID(), []byte(`[1]`)) },
		"nothing":        func() (uint64, error) { return s.MergeSession(ctx, c.ID(), nil) },
		"two":            func() (uint64, error) { return s.MergeSession(ctx, c.ID(), []byte(`{}{}`)) },
		"a number":       func() (uint64, error) { return s.UpdateSession(ctx, c.ID(), 7) },
		"nil":            func() (uint64, error) { return s.UpdateSession(ctx, c.ID(), nil) },
		"no JSON":        func() (uint64, error) { return s.UpdateSession(ctx, c.ID(), func() {}) },
		"no keys":        func() (uint64, error) { return s.DeleteSessionKeys(ctx, c.ID()) },
		"a key, no UTF8": func() (uint64, error) { return s.DeleteSessionKeys(ctx, c.ID(), "\xff") },
	} {
		if _, err := write(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if got := h.Worker().Stats().Commands; got != before {
		t.Errorf("%d bad arguments reached the gateway", got-before)
	}
	if _, err := s.MergeSession(ctx, c.ID(), []byte(`{"x":"`+strings.Repeat("x", 64<<10)+`"}`)); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("too large: got %v", err)
	}
	if _, err := s.SetSession(ctx, c.ID(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.MergeSession(ctx, c.ID(), []byte(`{}`)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("into what is no object: got %v", err)
	}
	if _, err := s.MergeSession(ctx, connid.ID{Gateway: c.ID().Gateway, Conn: 98}, []byte(`{}`)); fault.CodeOf(err) != fault.Stale {
		t.Errorf("of nobody: got %v", err)
	}
}

// merger does with the session what a frame says and replies with what it holds then.
var merger = script{
	open: func(_ context.Context, c *worker.Conn) error {
		return errors.Join(c.SetSession([]byte(`{"n":1}`)), c.MergeSession([]byte(`{"open":true}`)))
	},
	message: func(_ context.Context, c *worker.Conn, m worker.Message) (err error) {
		for _, do := range strings.Split(m.Text(), ";") {
			switch what, with, _ := strings.Cut(do, " "); what {
			case "set":
				err = errors.Join(err, c.SetSession([]byte(with)))
			case "merge":
				err = errors.Join(err, c.MergeSession([]byte(with)))
			case "update":
				err = errors.Join(err, c.UpdateSession(map[string]any{with: len(with)}))
			case "delete":
				err = errors.Join(err, c.DeleteSessionKeys(with))
			case "many":
				for range 65 {
					err = errors.Join(err, c.MergeSession([]byte(with)))
				}
			}
		}
		return c.Reply(worker.Text(fmt.Sprintf("%s %v", c.Session(), fault.CodeOf(err))))
	},
}

func TestHandlerMergesTheSessionWithItsAcknowledgement(t *testing.T) {
	h := workertest.New(t, merger)
	c := h.Dial("/")
	if got := string(c.Session()); got != `{"n":1,"open":true}` {
		t.Fatalf("after OnOpen: %s", got)
	}
	ok := fmt.Sprint(" ", fault.CodeOf(nil))
	for _, step := range []struct{ do, want string }{
		{"merge {\"n\":null}", `{"open":true}`},
		{"update ab;merge {\"ab\":{\"x\":null}};delete open", `{"ab":{}}`},
		{"set {\"s\":{\"t\":1}};merge {\"s\":{\"u\":2}}", `{"s":{"t":1,"u":2}}`},
		{"merge {\"s\":1};set {}", `{}`},
	} {
		c.SendText(step.do)
		c.Expect(step.want + ok)
		h.Settle()
		if got := string(c.Session()); got != step.want {
			t.Errorf("after %q the gateway has %s", step.do, got)
		}
	}
	for _, bad := range []string{"merge []", "merge {}{}", "merge x", "delete \xff", "many {}"} {
		c.SendText(bad)
		c.Expect("{} " + fault.Invalid.String())
	}
	// What is lost with an acknowledgement is lost as a whole, and comes again as a whole.
	h.LoseAcks(1)
	c.SendText("merge {\"k\":1}")
	c.Expect(`{"k":1}` + ok)
	c.ExpectNothing()
	if got := string(c.Session()); got != `{"k":1}` {
		t.Errorf("after a lost acknowledgement: %s", got)
	}
}

// Patches of one event that the gateway would refuse for their length are refused to the
// handler, so that the others, and its reply, are carried out.
func TestPatchesOfAnEventAreBounded(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, _ worker.Message) error {
		last := []byte(`{"a":"` + strings.Repeat("x", 10_000) + `"}`) // takes the place of the one before
		for i := range 7 {
			want := fault.CodeOf(nil)
			if i == 6 { // 70,000 of 65,536 bytes
				want = fault.TooLarge
			}
			if err := c.MergeSession(last); fault.CodeOf(err) != want {
				return c.Reply(worker.Text(fmt.Sprint(i, ": ", err)))
			}
		}
		return c.Reply(worker.Text("done"))
	}})
	c := h.Dial("/")
	c.SendText("go")
	c.Expect("done")
	h.Settle()
	if got := len(c.Session()); got != 10_008 {
		t.Errorf("the session has %d bytes", got)
	}
}

// A merge that the gateway cannot carry out any more takes the reply with it, and the next
// handler sees what is true, also when it is OnClose.
func TestMergeThatCannotBeDoneTakesTheReplyWithIt(t *testing.T) {
	for name, gone := range map[string]bool{"goes on": false, "closes after it": true} {
		t.Run(name, func(t *testing.T) {
			held, handled := make(chan struct{}), make(chan struct{})
			var last list[string]
			h := workertest.New(t, script{
				message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
					if m.Text() == "first" {
						if err := c.MergeSession([]byte(`{"a":1}`)); err != nil {
							return err
						}
						close(held)
						<-handled
					}
					return c.Reply(worker.Text(m.Text() + " " + string(c.Session())))
				},
				close: func(_ context.Context, _ *worker.Conn, why worker.Close) { last.add(string(why.Session)) },
			})
			c := h.Dial("/")
			c.SendText("first")
			<-held
			if _, err := h.Sender().SetSession(t.Context(), c.ID(), []byte("no object")); err != nil {
				t.Fatal(err)
			}
			if gone { // while the handler runs
				c.Close(1000, "")
			}
			close(handled)
			if !gone {
				c.SendText("second")
				c.Expect("second no object")
				c.ExpectNothing()
				c.Close(1000, "")
			}
			h.Settle()
			if got := last.get(); len(got) != 1 || got[0] != "no object" {
				t.Errorf("OnClose saw %q", got)
			}
		})
	}
}

// Close tells what a handler wrote last, though somebody else had written before it.
func TestCloseKnowsWhatWasWrittenLast(t *testing.T) {
	held, handled := make(chan struct{}), make(chan struct{})
	var last list[string]
	h := workertest.New(t, script{
		message: func(_ context.Context, c *worker.Conn, _ worker.Message) error {
			close(held)
			<-handled
			return c.SetSession([]byte("own"))
		},
		close: func(_ context.Context, _ *worker.Conn, why worker.Close) { last.add(string(why.Session)) },
	})
	c := h.Dial("/")
	c.SendText("x")
	<-held
	for range 2 {
		if _, err := h.Sender().SetSession(t.Context(), c.ID(), []byte("another's")); err != nil {
			t.Fatal(err)
		}
	}
	c.Close(1000, "")
	close(handled)
	h.Settle()
	if got := last.get(); len(got) != 1 || got[0] != "own" {
		t.Errorf("OnClose saw %q", got)
	}
}

func TestOldGatewayMergesNothing(t *testing.T) {
	h := workertest.New(t, merger, workertest.WithOldGateway(0))
	c := h.Dial("/")
	if _, err := h.Sender().MergeSession(t.Context(), c.ID(), []byte(`{"x":1}`)); fault.CodeOf(err) != fault.Unimplemented {
		t.Errorf("sender: got %v", err)
	}
	c.SendText(`merge {"x":1}`)
	c.Expect(`{"n":1,"open":true} ` + fault.Unimplemented.String())
	if got := string(c.Session()); got != `{"n":1,"open":true}` {
		t.Errorf("got %s", got)
	}
}

func TestHandlerKillsItsConn(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, _ worker.Message) error { return c.Kill() }})
	c := h.Dial("/")
	c.SendText("go")
	if code, _ := c.ExpectClosed(); code != 1006 {
		t.Errorf("got %d", code)
	}
}
