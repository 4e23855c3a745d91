package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// person is a client that is called by its tag.
type person struct {
	*client.Conn
	t   *testing.T
	tag string
	n   uint64
}

// enter opens a conn of the user TAG.0 as soon as the gateway lets it in.
func enter(t *testing.T, url, tag string) *person {
	t.Helper()
	var c *client.Conn
	eventually(t, func() bool {
		var err error
		c, err = client.Dial(within(t, everything), url+"?tag="+tag, client.Options{})
		if err != nil && !strings.Contains(err.Error(), "503") {
			t.Fatal(err)
		}
		return err == nil
	}, func() string { return url + " lets nobody in" })
	t.Cleanup(c.Cut)
	return &person{Conn: c, t: t, tag: tag}
}

// says sends the next frame.
func (p *person) says(kind answer.Kind, arg string) {
	p.t.Helper()
	p.n++
	must(p.t, p.Send(answer.Ask(kind, p.tag, p.n, arg)))
}

// hears waits for the next frame, which must be an answer or message as given.
func (p *person) hears(tag string, n uint64, message bool) answer.Answer {
	p.t.Helper()
	m, err := p.ReadWithin(everything)
	if err != nil {
		p.t.Fatalf("%s: %v", p.tag, err)
	}
	a, ok := answer.ParseAnswer(string(m.Payload))
	if !ok || a.Tag != tag || a.N != n || a.Message != message {
		p.t.Fatalf("%s heard %q, want frame %d of %s", p.tag, m.Payload, n, tag)
	}
	return a
}

// asks sends a frame and waits for its answer.
func (p *person) asks(kind answer.Kind, arg string) answer.Answer {
	p.t.Helper()
	p.says(kind, arg)
	return p.hears(p.tag, p.n, false)
}

func TestPeopleTalkOverTwoGateways(t *testing.T) {
	play(t, cast{gateways: 2, workers: 2}, func(t *testing.T, s stage) {
		begin(t, s)
		talk(t, s, "x")
	})
}

// talk lets two people on the first and the last gateway do everything once.
func talk(t *testing.T, s stage, prefix string) {
	t.Helper()
	last := len(s.Gateways()) - 1
	a, b := enter(t, s.URL(0), prefix+"a"), enter(t, s.URL(last), prefix+"b")
	a.asks(answer.Reply, "")
	a.says(answer.Push, "7")
	a.hears(a.tag, 7, true)
	a.hears(a.tag, a.n, false)
	a.asks(answer.To, answer.User(b.tag, 0))
	b.hears(a.tag, a.n, true)
	b.asks(answer.As, prefix+"-new-name")
	if got := b.asks(answer.Check, ""); got.Session != answer.NoSession {
		t.Errorf("the gateway has %s under another user", b.tag)
	}
	a.asks(answer.To, prefix+"-new-name")
	b.hears(a.tag, a.n, true)
	a.asks(answer.Session, "")
	if got := a.asks(answer.Reply, ""); got.Session != fmt.Sprint(a.n-1) {
		t.Errorf("the session is %s, want %d", got.Session, a.n-1)
	}
}

func TestAnyRoleMayStartFirst(t *testing.T) {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for i, order := range orders {
		names := []string{"register", "gateway", "worker"}
		t.Run(fmt.Sprintf("%s %s %s", names[order[0]], names[order[1]], names[order[2]]), func(t *testing.T) {
			t.Parallel()
			c := cast{gateways: 1, workers: 1, idle: true}
			c.withDefaults()
			stages := map[string]func(*testing.T, cast) stage{"one process": oneProcess}
			if i%2 == 1 || !testing.Short() {
				stages["real processes"] = realProcesses
			}
			for name, set := range stages {
				t.Run(name, func(t *testing.T) {
					s := set(t, c)
					roles := [][]player{s.Registers(), s.Gateways(), s.Workers()}
					for _, role := range order {
						roles[role][0].Start(t)
						// Long enough for a role that cannot wait to fail; nothing is waited for.
						time.Sleep(200 * time.Millisecond)
					}
					whole(t, s)
					talk(t, s, fmt.Sprint("o", i))
				})
			}
		})
	}
}
