package examples

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// ending is a handler that tells how its conns come and go.
type ending struct {
	worker.Base
	ended chan<- worker.Close
}

func (h ending) OnOpen(ctx context.Context, c *worker.Conn) error {
	f := c.Facts()
	if f.Cookie("who") != "ann" || len(f.Cookies()) != 2 || f.Values().Get("room") != "7" || f.Header.Get("X-Device") != "phone" ||
		f.Host != "chat.example.com" || !strings.HasPrefix(f.RemoteAddr, "127.0.0.1:") || time.Since(f.Opened) > time.Minute {
		return worker.Refuse(http.StatusTeapot, fmt.Sprintf("%+v", f))
	}
	if err := c.SetSession([]byte("session")); err != nil {
		return err
	}
	if err := c.Bind(ctx, f.Cookie("who")); err != nil {
		return err
	}
	return c.Join(ctx, "room", "all")
}

func (h ending) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	switch m.Text() {
	case "close":
		return c.Close(4321, "enough")
	case "kill":
		return c.Kill()
	case "leave":
		if err := c.SetSession([]byte("later")); err != nil {
			return err
		}
		return c.Leave(ctx, "all")
	}
	if m.Binary {
		return c.Reply(worker.Binary(m.Payload))
	}
	return c.Reply(worker.Text(m.Text()))
}

func (h ending) OnClose(_ context.Context, _ *worker.Conn, why worker.Close) { h.ended <- why }

// rawClient counts what goes over its socket, the handshake too.
type rawClient struct {
	t       testing.TB
	nc      net.Conn
	r       *bufio.Reader
	in, out atomic.Uint64
}

func (c *rawClient) Read(p []byte) (int, error) {
	n, err := c.nc.Read(p)
	c.in.Add(uint64(n))
	return n, err
}

func (c *rawClient) write(b []byte) {
	c.t.Helper()
	c.out.Add(uint64(len(b)))
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// come opens a conn, as soon as the gateway lets anybody in.
func come(t testing.TB, url string) *rawClient {
	t.Helper()
	for deadline := time.Now().Add(clustertest.Patience); ; time.Sleep(10 * time.Millisecond) {
		c, resp := knock(t, url)
		if resp.StatusCode == http.StatusSwitchingProtocols {
			return c
		}
		if resp.StatusCode != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("handshake: %v", resp)
		}
	}
}

func knock(t testing.TB, url string) (*rawClient, *http.Response) {
	t.Helper()
	nc, err := net.Dial("tcp", strings.Split(strings.TrimPrefix(url, "ws://"), "/")[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c := &rawClient{t: t, nc: nc}
	c.r = bufio.NewReader(c)
	_ = nc.SetDeadline(time.Now().Add(clustertest.Patience))
	c.write([]byte("GET /chat?room=7 HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Device: phone\r\nCookie: who=ann; lang=en\r\n\r\n"))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, resp
}

const opText, opBinary, opClose, opPing = 1, 2, 8, 9

// say writes a frame of at most 65,535 bytes, with a mask of zeros.
func (c *rawClient) say(op byte, body []byte) {
	c.t.Helper()
	b := []byte{0x80 | op, 0x80 | byte(len(body))}
	if len(body) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{0x80 | op, 0x80 | 126}, uint16(len(body)))
	}
	c.write(append(append(b, 0, 0, 0, 0), body...))
}

// echoed says something and waits for the same back.
func (c *rawClient) echoed(op byte, text string) {
	c.t.Helper()
	c.say(op, []byte(text))
	var head [2]byte
	got := head[:0]
	for len(got) == 0 || got[0] == 0x80|opPing {
		if _, err := io.ReadFull(c.r, head[:]); err != nil {
			c.t.Fatalf("echo of %q as %d: %v", text, op, err)
		}
		got = append(head[:2:2], make([]byte, head[1])...)
		if _, err := io.ReadFull(c.r, got[2:]); err != nil {
			c.t.Fatalf("echo of %q as %d: %v", text, op, err)
		}
	}
	if got[0] != 0x80|op || string(got[2:]) != text {
		c.t.Fatalf("echo of %q as %d: got %q", text, op, got)
	}
}

func closing(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}

// Each way in which a conn may end tells who ended it, with which code and reason, how
// long it was open and what went over it, and what the conn was in its last moment.
func TestEveryEndIsToldWhole(t *testing.T) {
	limits := gateway.Limits{MaxFrameBytes: 4096, PingInterval: time.Minute, IdleTimeout: 2 * time.Minute}
	idle := gateway.Limits{PingInterval: 100 * time.Millisecond, IdleTimeout: 300 * time.Millisecond}
	for name, end := range map[string]struct {
		limits gateway.Limits
		do     func(*rawClient, *clustertest.Cluster)
		by     worker.ClosedBy
		code   fault.CloseCode
		reason string // it is, or begins with
		left   bool   // it has left a group, and has another session
	}{
		"client":              {do: func(c *rawClient, _ *clustertest.Cluster) { c.say(opClose, closing(4100, "gone home")) }, by: worker.ByClient, code: 4100, reason: "gone home"},
		"client without code": {do: func(c *rawClient, _ *clustertest.Cluster) { c.say(opClose, nil) }, by: worker.ByClient, code: fault.CloseNone},
		"network":             {do: func(c *rawClient, _ *clustertest.Cluster) { c.nc.Close() }, by: worker.ByNetwork, code: fault.CloseLost},
		"worker":              {do: func(c *rawClient, _ *clustertest.Cluster) { c.say(opText, []byte("close")) }, by: worker.ByWorker, code: 4321, reason: "enough"},
		"worker at once":      {do: func(c *rawClient, _ *clustertest.Cluster) { c.say(opText, []byte("kill")) }, by: worker.ByWorker, code: fault.CloseLost},
		"limit":               {do: func(c *rawClient, _ *clustertest.Cluster) { c.say(opText, make([]byte, 5000)) }, by: worker.ByGateway, code: fault.CloseTooLarge},
		"protocol":            {do: func(c *rawClient, _ *clustertest.Cluster) { c.say(0xb, nil) }, by: worker.ByGateway, code: fault.CloseProtocol},
		"idle":                {limits: idle, do: func(*rawClient, *clustertest.Cluster) {}, by: worker.ByTimeout, code: fault.CloseIdle, reason: "idle"},
		"drain":               {do: func(_ *rawClient, c *clustertest.Cluster) { c.RestartGateway(0) }, by: worker.ByGateway, code: fault.CloseRestart, reason: "retry-after-ms="},
		"after a change": {do: func(c *rawClient, _ *clustertest.Cluster) {
			c.say(opText, []byte("leave"))
			c.echoed(opText, "and")
			c.say(opClose, closing(1000, "bye"))
		}, by: worker.ByClient, code: 1000, reason: "bye", left: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan worker.Close, 1)
			if end.limits.IdleTimeout == 0 {
				end.limits = limits
			}
			cluster := clustertest.Start(t, clustertest.Config{Gateways: 1, Workers: 1, Limits: end.limits},
				func(func()) worker.Handler { return ending{ended: ended} })
			before := time.Now()
			c := come(t, cluster.URLs[0])
			began := time.Now()
			c.echoed(opText, "hello")
			counted := c.in.Load() // before the next write begins
			c.echoed(opBinary, "\x00\xff")
			open := time.Since(began) - time.Since(began)%time.Millisecond
			end.do(c, cluster)
			_, _ = io.Copy(io.Discard, c.r)
			var why worker.Close
			select {
			case why = <-ended:
			case <-time.After(clustertest.Patience):
				t.Fatal("OnClose was not heard")
			}
			if why.By != end.by || why.Code != end.code || !strings.HasPrefix(why.Reason, end.reason) || end.reason == "" && end.by == worker.ByClient && why.Reason != "" {
				t.Errorf("got %v %v %q, want %v %v %q", why.By, why.Code, why.Reason, end.by, end.code, end.reason)
			}
			if why.GatewayLost || why.Redelivered || why.Duration < open || why.Duration > time.Since(before) {
				t.Errorf("got %+v, want a time from %v to %v", why, open, time.Since(before))
			}
			if name == "limit" { // it is read to where it breaks it, or to its end
				if why.BytesIn < 4096 || why.BytesIn > c.out.Load() {
					t.Errorf("read %d bytes of %d", why.BytesIn, c.out.Load())
				}
			} else if why.BytesIn != c.out.Load() {
				t.Errorf("read %d bytes, the client has written %d", why.BytesIn, c.out.Load())
			}
			if why.BytesOut < counted || why.BytesOut > c.in.Load() { // the end may be noticed before the last write is counted
				t.Errorf("wrote %d bytes, the client has read %d, the last two writes included, and %d before", why.BytesOut, c.in.Load(), counted)
			}
			groups, session := []string{"all", "room"}, "session"
			if end.left {
				groups, session = []string{"room"}, "later"
			}
			slices.Sort(why.Groups)
			if why.User != "ann" || !slices.Equal(why.Groups, groups) || string(why.Session) != session {
				t.Errorf("it was %q in %q with %q", why.User, why.Groups, why.Session)
			}
		})
	}
}
