package main

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"github.com/parley-im/parley/worker"
)

const (
	name     = "parley" // of the cluster
	patience = 20 * time.Second
)

var silent = slog.New(slog.DiscardHandler)

// cluster is two real gateways and two real workers, which find each other by a
// real register on loopback.
type cluster struct{ urls [2]string }

// start runs a cluster until the test ends. handler makes the handler of each worker.
func start(t *testing.T, limits gateway.Limits, handler func() worker.Handler) *cluster {
	t.Helper()
	reg := registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: name}, Lease: 300 * time.Millisecond})
	c := &cluster{}
	for i := range c.urls {
		c.urls[i] = startGateway(t, []string{"gw-1", "gw-2"}[i], reg.Addr(), limits)
	}
	for _, node := range []string{"w-1", "w-2"} {
		w, err := worker.New(worker.Config{
			Handler: handler(), Registers: []string{reg.Addr()},
			Cluster: name, Node: node, Log: silent,
		})
		if err != nil {
			t.Fatal(err)
		}
		run(t, w.Run)
	}
	return c
}

func startGateway(t *testing.T, node, registerAddr string, limits gateway.Limits) (url string) {
	t.Helper()
	limits.DrainWindow = 10 * time.Millisecond
	id := handshake.Identity{Cluster: name, Role: "gateway", Node: node, Boot: handshake.NewBoot(), Build: "test"}
	directory, err := register.New(register.Config{Registers: []string{registerAddr}, Identity: id, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	run(t, directory.Run)
	clients, links := listen(t), listen(t)
	g, err := gateway.New(gateway.Config{
		Identity: id, Clients: clients, Links: links, Directory: directory, Log: silent, Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, g.Run)
	return "ws://" + clients.Addr().String() + "/any/path"
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs something until the test ends.
func run(t *testing.T, what func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- what(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with: %v", err)
		}
	})
}

// client is a WebSocket client that says and hears exactly what is on the wire.
type client struct {
	t *testing.T
	*websocket.Conn
}

// dial connects, as soon as the gateway lets anybody in.
func dial(t *testing.T, url string) *client {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ws, err := websocket.Dial(url, "", "http://localhost/")
		if err == nil {
			t.Cleanup(func() { _ = ws.Close() })
			return &client{t, ws}
		}
		if time.Now().After(deadline) {
			t.Fatalf("dial %s: %v", url, err)
		}
	}
}

// say sends a text.
func (c *client) say(text string) {
	c.t.Helper()
	if err := websocket.Message.Send(c.Conn, text); err != nil {
		c.t.Fatalf("say %s: %v", text, err)
	}
}

// hears fails the test unless the next frame is this text.
func (c *client) hears(want string) {
	c.t.Helper()
	if got := c.next(); got != want {
		c.t.Fatalf("heard %s\nwant  %s", got, want)
	}
}

func (c *client) next() (text string) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if err := websocket.Message.Receive(c.Conn, &text); err != nil {
		c.t.Fatalf("hear: %v", err)
	}
	return text
}
