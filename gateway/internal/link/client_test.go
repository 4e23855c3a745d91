package link_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// client is a WebSocket client made of bytes: gws may be used by package ws
// only, and a test should see what is on the wire.
type client struct {
	t    testing.TB
	nc   net.Conn
	br   *bufio.Reader
	resp *http.Response
}

// knock asks to come in and reads the answer, which may be a refusal.
func (r *rig) knock(header ...string) *client {
	r.t.Helper()
	c, err := r.tryKnock(header...)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) tryKnock(header ...string) (*client, error) {
	nc, err := net.Dial("tcp", r.clients)
	if err != nil {
		return nil, err
	}
	c := &client{t: r.t, nc: nc, br: bufio.NewReader(nc)}
	r.t.Cleanup(func() { nc.Close() })
	lines := append([]string{"Host: chat.example.com", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, header...)
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, "GET /chat?room=7 HTTP/1.1\r\n"+strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		return nil, err
	}
	c.resp, err = http.ReadResponse(c.br, nil)
	return c, err
}

// enter is a knock that must be let in.
func (r *rig) enter(header ...string) *client {
	r.t.Helper()
	c := r.knock(header...)
	if c.resp.StatusCode != http.StatusSwitchingProtocols {
		r.t.Fatalf("handshake: got %s", c.resp.Status)
	}
	return c
}

const opText, opBinary, opClose, opPing = 1, 2, 8, 9

func (c *client) write(op byte, body []byte) error {
	b := []byte{0x80 | op}
	switch n := len(body); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(append(b, 0, 0, 0, 0), body...) // a mask of zeros leaves the body as it is
	_, err := c.nc.Write(b)
	return err
}

func (c *client) text(s string) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	if err := c.write(opText, []byte(s)); err != nil {
		c.t.Fatalf("client write: %v", err)
	}
}

// frame reads the next frame that is no ping.
func (c *client) frame() (op byte, body []byte, err error) {
	for {
		var h [10]byte
		if _, err := io.ReadFull(c.br, h[:2]); err != nil {
			return 0, nil, err
		}
		n := uint64(h[1])
		switch n {
		case 126:
			_, err = io.ReadFull(c.br, h[2:4])
			n = uint64(binary.BigEndian.Uint16(h[2:]))
		case 127:
			_, err = io.ReadFull(c.br, h[2:10])
			n = binary.BigEndian.Uint64(h[2:])
		}
		if err != nil {
			return 0, nil, err
		}
		body = make([]byte, n)
		if _, err := io.ReadFull(c.br, body); err != nil {
			return 0, nil, err
		}
		if op = h[0] & 15; op != opPing {
			return op, body, nil
		}
	}
}

// expect reads one text frame.
func (c *client) expect(want string) {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	op, body, err := c.frame()
	if err != nil || op != opText || string(body) != want {
		c.t.Fatalf("client got %d %.200q, %v: want text %.200q", op, body, err, want)
	}
}

// expectClose reads on to the close frame and returns its reason.
func (c *client) expectClose(code uint16) (reason string) {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	for {
		op, body, err := c.frame()
		if err != nil {
			c.t.Fatalf("client: %v: want close %d", err, code)
		}
		if op != opClose {
			continue
		}
		if got := binary.BigEndian.Uint16(append(body, 0, 0)); got != code {
			c.t.Fatalf("client closed with %d %q, want %d", got, body[2:], code)
		}
		return string(body[min(2, len(body)):])
	}
}

// silent fails if a frame comes within d.
func (c *client) silent(d time.Duration) {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(d))
	if op, body, err := c.frame(); err == nil {
		c.t.Fatalf("client got %d %q: want nothing", op, body)
	}
	c.br.Reset(c.nc)
}
