package ws

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// refused turns what the handler said into a refusal, or nil if it accepts.
func refused(a Answer) *refusal {
	if a.Status == 0 || a.Status == http.StatusSwitchingProtocols {
		return nil
	}
	r := &refusal{status: a.Status, reason: a.Reason, header: a.Header.Clone()}
	if r.status < 300 || r.status > 599 {
		r.status = http.StatusInternalServerError
	}
	if r.header == nil {
		r.header = make(http.Header)
	}
	if a.RetryAfter > 0 {
		r.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(a.RetryAfter.Seconds()))))
	}
	return r
}

// answer writes a refusal and waits a moment for the client to close: closing
// with bytes unread would reset the socket, and the client might never read the
// answer. It waits in no place of the gate's, and where too many wait not at all: who is
// refused must not keep out who comes next.
func (c *Conn) answer(r *refusal) {
	if r == nil {
		return
	}
	if r.reason == "" {
		r.reason = http.StatusText(r.status)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.status, http.StatusText(r.status))
	for _, name := range []string{"Connection", "Content-Length", "Content-Type", "Transfer-Encoding"} {
		r.header.Del(name)
	}
	connection := "close"
	if r.header.Get("Upgrade") != "" {
		connection = "Upgrade, close" // RFC 9110 7.8: who sends Upgrade says so here
	}
	_ = r.header.Write(&b) // it leaves no line break in a value
	fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s\n",
		len(r.reason)+1, connection, r.reason)
	_ = c.nc.SetWriteDeadline(time.Now().Add(c.door.s.limits().WriteTimeout))
	if _, err := c.nc.Write(b.Bytes()); err != nil {
		return
	}
	h, ok := c.nc.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	_ = h.CloseWrite()
	g := c.door.s.gate
	if !g.linger(c) {
		return
	}
	defer g.lingered()
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerFor))
	_, _ = io.CopyN(io.Discard, c.nc, 64<<10)
}

// lingerFor is how long a client that was refused has to read why.
const lingerFor = 500 * time.Millisecond

// ours are the header lines of a 101 that no handler may set.
var ours = map[string]bool{
	"Connection": true, "Upgrade": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Extensions": true,
	"Content-Length": true, "Transfer-Encoding": true,
}

// withHeader inserts header lines into the 101 that gws wrote: its own way to
// have them is fixed per server, not per conn.
func withHeader(hello *frame.Frame, header http.Header) *frame.Frame {
	if len(header) == 0 {
		return hello
	}
	wire := hello.Wire("", false)
	b := bytes.NewBuffer(make([]byte, 0, 2*len(wire)))
	b.Write(bytes.TrimSuffix(wire, []byte("\r\n")))
	_ = header.WriteSubset(b, ours) // it leaves no line break in a value
	b.WriteString("\r\n")
	return frame.Raw(b.Bytes(), frame.Must, "")
}
