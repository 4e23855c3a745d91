package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// rooms are two workers that share a file, as two processes of one machine do.
func rooms(t *testing.T) func(func()) worker.Handler {
	file := filepath.Join(t.TempDir(), "chat.db")
	var all []*chat
	t.Cleanup(func() {
		for _, s := range all {
			closed(s.db)
		}
	})
	return func(func()) worker.Handler {
		all = append(all, &chat{file: file})
		return all[len(all)-1]
	}
}

func TestTheRoomOverTwoGateways(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, rooms(t))
	ann, bob := clustertest.Dial(t, c.URLs[0]+"?name=ann"), clustertest.Dial(t, c.URLs[1])
	ann.Say(`{"type":"chat","content":"hi"}`)
	ann.Hears("ann: hi")
	bob.Hears("ann: hi")
	bob.Say(`{"type":"chat","content":"你好"}`)
	heard := ann.Next()
	bob.Hears(heard)
	name, content, _ := strings.Cut(heard, ": ")
	if !strings.HasPrefix(name, "user") || len(name) < 5 || content != "你好" {
		t.Errorf("heard %q of somebody without a name", heard)
	}
	bob.Say(`dance`)
	bob.Hears(`{"type":"error","message":"neither a chat with 1 to 2,000 bytes of content nor a history"}`)

	want := []string{"ann: hi", heard}
	for deadline := time.Now().Add(clustertest.Patience); ; time.Sleep(10 * time.Millisecond) {
		bob.Say(`{"type":"history","limit":20}`)
		got := history(t, bob.Next())
		slices.Sort(got) // two workers save them
		if slices.Equal(got, slices.Sorted(slices.Values(want))) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the history is %q, want %q", got, want)
		}
	}
}

// TestIdleSocketsGo has a client that reads and says nothing, not even to pings.
func TestIdleSocketsGo(t *testing.T) {
	limits := gateway.Limits{PingInterval: 100 * time.Millisecond, IdleTimeout: 300 * time.Millisecond}
	c := clustertest.Start(t, clustertest.Config{Limits: limits}, rooms(t))
	_ = clustertest.Dial(t, c.URLs[0]).Close() // the gateway lets people in
	conn, err := net.Dial("tcp", strings.Split(c.URLs[0], "/")[2])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(clustertest.Patience))
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	got, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 101") || !strings.Contains(string(got), "\x0f\xa2") {
		t.Errorf("read %q, %v, want a 101 and an end with 4002", got, err)
	}
}
