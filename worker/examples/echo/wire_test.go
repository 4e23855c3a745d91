package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

func TestEveryTextIsAnsweredToItsSenderOnly(t *testing.T) {
	url := start(t, echo{})
	a, b := dial(t, url), dial(t, url)
	for _, text := range []string{"hello", "", "你好 👋", strings.Repeat("long ", 5000), `{"json":true}`} {
		a.say(text)
		a.hears("Server: " + text)
	}
	b.say("only mine") // had b heard anything of a, it would come first
	b.hears("Server: only mine")
}

func TestABinaryFrameIsNotAnswered(t *testing.T) {
	a := dial(t, start(t, echo{}))
	if err := websocket.Message.Send(a.Conn, []byte("bytes")); err != nil {
		t.Fatal(err)
	}
	a.say("text")
	a.hears("Server: text")
}

func TestOpenAndCloseAreLogged(t *testing.T) {
	log := capture(t)
	a := dial(t, start(t, echo{}))
	a.say("x")
	a.hears("Server: x")
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
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
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
