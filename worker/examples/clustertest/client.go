package clustertest

import (
	"testing"
	"time"

	"golang.org/x/net/websocket"
)

// Patience is how long anything may take before the test fails.
const Patience = 20 * time.Second

// Client is a WebSocket client that says and hears exactly what is on the wire. A test
// embeds it to give it the words of its protocol.
type Client struct {
	*websocket.Conn
	T testing.TB // whose client it is
}

// Dial connects, as soon as the gateway lets anybody in. The conn ends with the test.
func Dial(t testing.TB, url string) *Client {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		ws, err := websocket.Dial(url, "", "http://localhost/")
		if err == nil {
			t.Cleanup(func() { _ = ws.Close() })
			return &Client{ws, t}
		}
		if time.Now().After(deadline) {
			t.Fatalf("dial %s: %v", url, err)
		}
	}
}

// Say sends a text.
func (c *Client) Say(text string) {
	c.T.Helper()
	if err := websocket.Message.Send(c.Conn, text); err != nil {
		c.T.Fatalf("say %s: %v", text, err)
	}
}

// SayBinary sends a binary frame.
func (c *Client) SayBinary(b []byte) {
	c.T.Helper()
	if err := websocket.Message.Send(c.Conn, b); err != nil {
		c.T.Fatalf("say %x: %v", b, err)
	}
}

// Hears fails the test unless the next frame is this text.
func (c *Client) Hears(want string) {
	c.T.Helper()
	if got := c.Next(); got != want {
		c.T.Fatalf("heard %s\nwant  %s", got, want)
	}
}

// Next waits for the next frame.
func (c *Client) Next() (text string) {
	c.T.Helper()
	_ = c.SetReadDeadline(time.Now().Add(Patience))
	if err := websocket.Message.Receive(c.Conn, &text); err != nil {
		c.T.Fatalf("hear: %v", err)
	}
	return text
}
