package ws

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client speaks WebSocket byte by byte, so that tests can break every rule.
type client struct {
	t    testing.TB
	nc   net.Conn
	br   *bufio.Reader
	resp *http.Response
}

const patience = 10 * time.Second

// rawDial opens a socket and sends nothing.
func rawDial(t testing.TB, addr string, secure bool) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	return over(t, nc)
}

func over(t testing.TB, nc net.Conn) *client {
	t.Cleanup(func() { nc.Close() })
	return &client{t: t, nc: nc, br: bufio.NewReader(nc)}
}

// request is a handshake that is right; header lines replace or add to it.
func request(header ...string) string {
	lines := []string{"Host: chat.example.com", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for _, h := range header {
		name, _, _ := strings.Cut(h, ":")
		lines = func() (kept []string) {
			for _, l := range lines {
				if !strings.HasPrefix(l, name+":") {
					kept = append(kept, l)
				}
			}
			return kept
		}()
		if !strings.HasSuffix(h, ": -") {
			lines = append(lines, h)
		}
	}
	return "GET /chat HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func (c *client) write(b string) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	defer c.nc.SetWriteDeadline(time.Time{})
	if _, err := io.WriteString(c.nc, b); err != nil {
		c.t.Fatalf("client write: %v", err)
	}
}

func (c *client) response() *http.Response {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	defer c.nc.SetReadDeadline(time.Time{})
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		c.t.Fatalf("response: %v", err)
	}
	return resp
}

func (c *client) handshake(header ...string) *client {
	c.t.Helper()
	c.write(request(header...))
	c.resp = c.response()
	if c.resp.StatusCode != http.StatusSwitchingProtocols {
		c.t.Fatalf("handshake: got %s", c.resp.Status)
	}
	if got := c.resp.Header.Get("Sec-Websocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		c.t.Fatalf("Sec-WebSocket-Accept: got %q", got)
	}
	return c
}

// wsFrame is one frame as it stands on the wire.
type wsFrame struct {
	first   byte // FIN, reserved bits, opcode
	payload []byte
}

func (f wsFrame) op() byte { return f.first & 0x0f }

func (f wsFrame) String() string {
	if len(f.payload) > 60 {
		return fmt.Sprintf("%#x %q… (%d bytes)", f.first, f.payload[:60], len(f.payload))
	}
	return fmt.Sprintf("%#x %q", f.first, f.payload)
}

// masked builds a client's frame.
func masked(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i, p := range payload {
		b = append(b, p^key[i&3])
	}
	return b
}

func (c *client) send(first byte, payload string) {
	c.t.Helper()
	c.write(string(masked(first, []byte(payload))))
}

func (c *client) text(s string) { c.t.Helper(); c.send(0x81, s) }

func closeBody(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

var errMaskedByServer = errors.New("server masked a frame")

func readFrame(br *bufio.Reader) (wsFrame, error) {
	var h [2]byte
	if _, err := io.ReadFull(br, h[:]); err != nil {
		return wsFrame{}, err
	}
	n := uint64(h[1] & 0x7f)
	var ext [8]byte
	switch n {
	case 126:
		if _, err := io.ReadFull(br, ext[6:]); err != nil {
			return wsFrame{}, err
		}
		n = binary.BigEndian.Uint64(ext[:])
	case 127:
		if _, err := io.ReadFull(br, ext[:]); err != nil {
			return wsFrame{}, err
		}
		n = binary.BigEndian.Uint64(ext[:])
	}
	if h[1]&0x80 != 0 {
		return wsFrame{}, errMaskedByServer
	}
	f := wsFrame{first: h[0], payload: make([]byte, n)}
	_, err := io.ReadFull(br, f.payload)
	return f, err
}

func (c *client) next() wsFrame {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	defer c.nc.SetReadDeadline(time.Time{})
	f, err := readFrame(c.br)
	if err != nil {
		c.t.Fatalf("client read: %v", err)
	}
	return f
}

func (c *client) expect(first byte, payload string) {
	c.t.Helper()
	if f := c.next(); f.first != first || string(f.payload) != payload {
		c.t.Fatalf("got frame %v, want %v", f, wsFrame{first, []byte(payload)})
	}
}

// expectClose reads on to a close frame of this code and to the end behind it.
func (c *client) expectClose(code uint16) (reason string) {
	c.t.Helper()
	for {
		f := c.next()
		if f.op() != opClose {
			continue
		}
		got := codeNone
		if len(f.payload) >= 2 {
			got, reason = binary.BigEndian.Uint16(f.payload), string(f.payload[2:])
		}
		if got != code {
			c.t.Fatalf("close: got %d %q, want %d", got, reason, code)
		}
		return reason
	}
}

// expectEnd wants the end of the stream, not a reset.
func (c *client) expectEnd() {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	defer c.nc.SetReadDeadline(time.Time{})
	if b, err := c.br.ReadByte(); err != io.EOF {
		c.t.Fatalf("end: got %v (byte %#x), want EOF", err, b)
	}
}

func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = io.WriteString(w, s)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func inflated(t testing.TB, b []byte) string {
	t.Helper()
	r := flate.NewReader(io.MultiReader(bytes.NewReader(b), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	s, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("inflate: %v", err)
	}
	return string(s)
}
