package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// pools are two workers for each path, and note what they are asked about.
type pools struct {
	mu    sync.Mutex
	paths [4][]string // opened and spoken on, by worker
}

var labels = []map[string]string{
	{worker.PathLabel: "/ws/chat"}, {worker.PathLabel: "/push"}, {worker.PathLabel: "/ws/chat"}, {worker.PathLabel: "/push"},
}

func (p *pools) start(t *testing.T) (urls []string) {
	next := 0
	c := clustertest.Start(t, clustertest.Config{Workers: len(labels), Labels: labels}, func(func()) worker.Handler {
		next++
		return noting{pools: p, worker: next - 1}
	})
	for _, url := range c.URLs {
		urls = append(urls, strings.TrimSuffix(url, "/any/path"))
	}
	return urls
}

// noting is the handler of one worker.
type noting struct {
	house
	*pools
	worker int
}

func (n noting) note(c *worker.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paths[n.worker] = append(n.paths[n.worker], c.Facts().Path)
}

func (n noting) OnOpen(ctx context.Context, c *worker.Conn) error {
	n.note(c)
	return n.house.OnOpen(ctx, c)
}

func (n noting) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	n.note(c)
	return n.house.OnMessage(ctx, c, m)
}

func TestEachPathHasItsOwnWorkers(t *testing.T) {
	p := &pools{}
	urls := p.start(t)
	gw1, gw2 := urls[0], urls[1]
	ann, bob := clustertest.Dial(t, gw1+"/ws/chat/tea/?name=ann"), clustertest.Dial(t, gw2+"/ws/chat/tea/?name=bob")
	bobs, cids := clustertest.Dial(t, gw1+"/push/bob/?chat=tea"), clustertest.Dial(t, gw1+"/push/cid/?chat=tea&chat=coffee")
	dans := clustertest.Dial(t, gw2+"/push/dan/?chat=tea")

	ann.Say(`{"message":"hi, 你好"}`)
	for _, c := range []*clustertest.Client{ann, bob} {
		c.Hears(`{"from":"ann","group":"tea","message":"hi, 你好","type":"message"}`)
	}
	for _, c := range []*clustertest.Client{cids, dans} {
		c.Hears(`{"from":"ann","group":"tea","message":"hi, 你好","type":"reminder"}`)
	}
	// Bob is in the chat, on another gateway than his push: the next reminder is the first he gets.
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	leaves(t, ann, bobs)
	cids.Say(`{"message":"push does not talk"}`)
	for text := cids.Next(); !strings.Contains(text, "not an object"); text = cids.Next() {
		if !strings.Contains(text, `"reminder"`) {
			t.Fatalf("heard %s", text)
		}
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	for i, paths := range p.paths {
		of := labels[i][worker.PathLabel]
		if slices.ContainsFunc(paths, func(path string) bool { return !strings.HasPrefix(path, of+"/") }) {
			t.Errorf("worker %d is for %s and was asked about %q", i+1, of, paths)
		}
	}
	for i, of := range []string{"/ws/chat", "/push"} {
		if len(p.paths[i])+len(p.paths[i+2]) == 0 {
			t.Errorf("nobody was asked about %s", of)
		}
	}
}

// leaves talks on until Bob, who has left the chat, is reminded of it: a gateway may need
// a moment to hear that he has gone. He is reminded of nothing that was said before.
func leaves(t *testing.T, ann, bobs *clustertest.Client) {
	t.Helper()
	heard := make(chan string, 1)
	_ = bobs.SetReadDeadline(time.Now().Add(clustertest.Patience))
	go func() {
		var text string
		_ = websocket.Message.Receive(bobs.Conn, &text) // then text is not what is wanted
		heard <- text
	}()
	for {
		ann.Say(`{"message":"bob?"}`)
		ann.Hears(`{"from":"ann","group":"tea","message":"bob?","type":"message"}`)
		select {
		case got := <-heard:
			if got != `{"from":"ann","group":"tea","message":"bob?","type":"reminder"}` {
				t.Fatalf("bob is told %s", got)
			}
			return
		default:
		}
	}
}
