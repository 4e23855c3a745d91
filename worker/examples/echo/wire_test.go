package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// start runs one gateway and one worker, and returns where clients connect.
func start(t *testing.T) (url string) {
	t.Helper()
	c := clustertest.Start(t, clustertest.Config{Gateways: 1, Workers: 1}, func(func()) worker.Handler { return echo{} })
	return c.URLs[0]
}

func TestEveryTextIsAnsweredToItsSenderOnly(t *testing.T) {
	url := start(t)
	a, b := clustertest.Dial(t, url), clustertest.Dial(t, url)
	for _, text := range []string{"hello", "", "你好 👋", strings.Repeat("long ", 5000), `{"json":true}`} {
		a.Say(text)
		a.Hears("Server: " + text)
	}
	b.Say("only mine") // had b heard anything of a, it would come first
	b.Hears("Server: only mine")
}

func TestABinaryFrameIsNotAnswered(t *testing.T) {
	a := clustertest.Dial(t, start(t))
	a.SayBinary([]byte("bytes"))
	a.Say("text")
	a.Hears("Server: text")
}

func TestOpenAndCloseAreLogged(t *testing.T) {
	log := capture(t)
	a := clustertest.Dial(t, start(t))
	a.Say("x")
	a.Hears("Server: x")
	opened := log.line(t, "msg=open")
	conn := opened[strings.Index(opened, "conn="):]
	conn, _, _ = strings.Cut(conn, " ")
	_ = a.Close()
	if closed := log.line(t, "msg=close"); !strings.Contains(closed, conn) || !strings.Contains(closed, "by=client") {
		t.Errorf("logged %q, want the close of %s by the client", closed, conn)
	}
}

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func capture(t *testing.T) *journal {
	j := &journal{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(j, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return j
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

// line waits for the first line that holds what.
func (j *journal) line(t *testing.T, what string) string {
	t.Helper()
	for deadline := time.Now().Add(clustertest.Patience); ; time.Sleep(5 * time.Millisecond) {
		j.mu.Lock()
		text := j.text.String()
		j.mu.Unlock()
		for line := range strings.Lines(text) {
			if strings.Contains(line, what) {
				return line
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no line with %q in the log:\n%s", what, text)
		}
	}
}
