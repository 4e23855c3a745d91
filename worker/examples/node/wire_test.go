package node

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

const secret = "the-secret-of-the-cluster"

// inGo is the protocol of main.js in Go.
type inGo struct {
	worker.Base
	handled, again *atomic.Int64 // frames in all, and those that another worker may have handled
}

func (h inGo) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	h.handled.Add(1)
	if m.Redelivered {
		h.again.Add(1)
	}
	verb, rest, _ := strings.Cut(m.Text(), " ")
	group, text, _ := strings.Cut(rest, " ")
	switch verb {
	case "enter":
		if err := c.Join(ctx, group); err != nil {
			return err
		}
		return c.Reply(worker.Text("entered " + group))
	case "say":
		return c.Sender().ToGroup(ctx, group, worker.Text(group+": "+text),
			worker.Once(fmt.Sprint(c.ID(), m.Seq)), worker.Await(new(worker.Result)))
	}
	return c.Reply(worker.Text("Server: " + m.Text()))
}

// cluster starts two gateways and one worker in Go.
func cluster(t *testing.T) (*clustertest.Cluster, inGo) {
	t.Helper()
	return clusterOf(t, gateway.Limits{SlowStart: -1}) // both workers get conns from the first moment
}

func clusterOf(t *testing.T, limits gateway.Limits) (*clustertest.Cluster, inGo) {
	t.Helper()
	ready(t)
	h := inGo{handled: new(atomic.Int64), again: new(atomic.Int64)}
	return clustertest.Start(t, clustertest.Config{
		Workers: 1, Secrets: []string{secret}, Limits: limits,
	}, func(func()) worker.Handler { return h }), h
}

// at is a gateway's address with a path: the worker in JavaScript takes /node in these
// tests, the one in Go the rest.
func at(c *clustertest.Cluster, gateway int, path string) string {
	return strings.TrimSuffix(c.URLs[gateway], "/any/path") + path
}

func TestEchoAndGroupChatAcrossGatewaysAndLanguages(t *testing.T) {
	c, h := cluster(t)
	node := start(t, c.Register(), "--label", "path=/node")
	node.attached(t, 2)
	var all []*clustertest.Client
	for i := range c.URLs {
		all = append(all, clustertest.Dial(t, at(c, i, "/node")), clustertest.Dial(t, at(c, i, "/go")))
	}
	for _, client := range all {
		for _, text := range []string{"hello", "", "你好 👋", strings.Repeat("long ", 5000), "enter"} {
			if text == "enter" {
				text = "enter kitchen"
				client.Say(text)
				client.Hears("entered kitchen")
				continue
			}
			client.Say(text)
			client.Hears("Server: " + text)
		}
	}
	for i, client := range all {
		client.Say(fmt.Sprintf("say kitchen what %d says, 喂", i))
		for _, other := range all {
			other.Hears(fmt.Sprintf("kitchen: what %d says, 喂", i))
		}
	}
	all[0].SayBinary([]byte("bytes"))
	all[0].Say("text")
	all[0].Hears("Server: text")
	if got, want := h.handled.Load(), int64(2*6); got != want {
		t.Errorf("the worker in Go has handled %d frames, want %d: those of /go, and none of /node", got, want)
	}
	leave(t, node, all...)
}

// leave ends the clients and then the only worker of their path: without one the gateways
// would keep the last events of their conns for a while.
func leave(t *testing.T, node *process, all ...*clustertest.Client) {
	t.Helper()
	for _, client := range all {
		_ = client.Close()
	}
	node.terminate(t, nil)
	node.gone(t)
}

func TestAKilledWorkersConnsLoseAndDoubleNothing(t *testing.T) {
	c, h := cluster(t)
	node := start(t, c.Register())
	node.attached(t, 2)
	l := begin(t, c.URLs)
	until(t, "a third of the echoes", func() bool { return l.echoes.Load() > l.total()/3 })
	node.kill(t)
	l.end(c)
	if h.handled.Load() >= l.frames() {
		t.Errorf("the worker in Go has handled all %d frames: the other one had none", l.frames())
	}
	if h.again.Load() == 0 {
		t.Error("nothing was redelivered: the kill came when nothing was under way")
	}
}

func TestAWorkerThatLeavesHasNothingRedelivered(t *testing.T) {
	t.Run("by SIGTERM", func(t *testing.T) { leavesUnderLoad(t, (*process).terminate) })
	t.Run("asked by an operator", func(t *testing.T) {
		leavesUnderLoad(t, func(_ *process, t *testing.T, c *clustertest.Cluster) {
			if err := c.Workers[0].Sender().DrainWorker(t.Context(), "node-js"); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func leavesUnderLoad(t *testing.T, ask func(*process, *testing.T, *clustertest.Cluster)) {
	c, h := cluster(t)
	node := start(t, c.Register(), "--name", "node-js")
	node.attached(t, 2)
	l := begin(t, c.URLs)
	until(t, "a third of the echoes", func() bool { return l.echoes.Load() > l.total()/3 })
	ask(node, t, c)
	node.gone(t)
	if said := node.said(); !strings.Contains(said, "msg=drained") {
		t.Error("it ended without having given back everything")
	}
	l.end(c)
	if h.handled.Load() >= l.frames() {
		t.Errorf("the worker in Go has handled all %d frames: the other one had none", l.frames())
	}
	if n := h.again.Load(); n > 0 {
		t.Errorf("%d frames were redelivered", n)
	}
}

func TestItFindsAGatewayThatWasRestarted(t *testing.T) {
	c, _ := cluster(t)
	node := start(t, c.Register(), "--label", "path=/node")
	node.attached(t, 2)
	stays := clustertest.Dial(t, at(c, 1, "/node"))
	stays.Say("enter kitchen")
	stays.Hears("entered kitchen")
	c.RestartGateway(0)
	node.attached(t, 3)
	comes := clustertest.Dial(t, at(c, 0, "/node"))
	comes.Say("enter kitchen")
	comes.Hears("entered kitchen")
	comes.Say("say kitchen I am back")
	comes.Hears("kitchen: I am back")
	stays.Hears("kitchen: I am back")
	stays.Say("say kitchen welcome")
	comes.Hears("kitchen: welcome")
	leave(t, node, stays, comes)
}

func TestAWrongSecretIsOneClearLine(t *testing.T) {
	c, _ := cluster(t)
	addr, dialled := counting(t, c.Register())
	node := startWith(t, "main.js", "the-secret-of-another-cluster", addr)
	until(t, "some attempts", func() bool { return dialled.Load() >= 4 })
	node.terminate(t, nil)
	node.gone(t)
	lines := strings.Split(strings.TrimSpace(node.said()), "\n")
	if n := len(lines); n != 3 || !strings.Contains(lines[0], "register="+addr) || !strings.Contains(lines[0], "refused: wrong secret") {
		t.Errorf("it said %d lines, want one on the secret, and two that it drains:\n%s", n, node.said())
	}
	if strings.Contains(node.said(), "the-secret-of") {
		t.Error("it tells a secret")
	}
}

// A frozen worker wakes up later and believes that it still owns its conns.
func TestAFrozenWorkersConnsMoveAndItsLateWordsDoNotCount(t *testing.T) {
	c, h := clusterOf(t, gateway.Limits{SlowStart: -1, WorkerPatience: time.Second})
	node := start(t, c.Register())
	node.attached(t, 2)
	l := begin(t, c.URLs)
	until(t, "a third of the echoes", func() bool { return l.echoes.Load() > l.total()/3 })
	node.signal(t, syscall.SIGSTOP)
	until(t, "the other worker has handled what was under way", func() bool { return h.again.Load() > 0 })
	node.signal(t, syscall.SIGCONT)
	node.attached(t, 3) // to the gateway that gave it up; the other one may not have yet
	l.end(c)
	node.terminate(t, nil)
	node.gone(t)
}

func TestASecretIsChangedWithoutAPause(t *testing.T) {
	c, _ := cluster(t)
	startWith(t, "main.js", "the-secret-of-tomorrow "+secret, c.Register()).attached(t, 2)
}

func TestBothEndsShowACertificate(t *testing.T) {
	ready(t)
	authority := registertest.NewAuthority(t)
	c := clustertest.Start(t, clustertest.Config{Workers: -1, Authority: authority}, nil)
	cert, key := authority.Issue(t, "node-js")
	args := []string{"--tls-ca", authority.CAFile(), "--tls-cert", cert, "--tls-key", key}
	node := startWith(t, "main.js", "", c.Register(), args...)
	node.attached(t, 2)
	ann := clustertest.Dial(t, c.URLs[0])
	ann.Say("hello")
	ann.Hears("Server: hello")
	leave(t, node, ann)

	args[1] = registertest.NewAuthority(t).CAFile() // who shows it the certificate of a stranger gets nothing from it
	startWith(t, "main.js", "", c.Register(), args...).says(t, "no register", 1)
}

// counting passes connections on to addr and counts them.
func counting(t *testing.T, addr string) (own string, dialled *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); _ = l.Close() })
	dialled = new(atomic.Int64)
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			to, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
			if err != nil {
				_ = from.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _ = from.Close(); _ = to.Close() })
			go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
			go func() { _, _ = io.Copy(from, to); _ = from.Close() }()
		}
	}()
	return l.Addr().String(), dialled
}
