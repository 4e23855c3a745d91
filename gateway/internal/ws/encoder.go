package ws

import (
	"bufio"
	"bytes"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// Encoder builds frames with gws: it keeps template conns, whose socket is a
// buffer, and what one of them writes is the frame. It is safe for any number of
// goroutines.
type Encoder struct {
	plain    sync.Pool // of *template
	deflate  sync.Pool // of *template
	deflates bool
	worth    int // bytes of a body from which on it is compressed

	deflations atomic.Uint64
}

func newEncoder(cfg Config) *Encoder {
	e := &Encoder{deflates: cfg.Deflate, worth: cfg.DeflateThreshold}
	plain := gws.NewUpgrader(new(gws.BuiltinEventHandler), templateOption())
	e.plain.New = func() any { return newTemplate(plain) }
	if cfg.Deflate {
		o := templateOption()
		o.PermessageDeflate = deflateOption(cfg)
		deflate := gws.NewUpgrader(new(gws.BuiltinEventHandler), o)
		e.deflate.New = func() any { return newTemplate(deflate) }
	}
	return e
}

// Frame encodes body, which it copies. A text that is not UTF-8 is refused.
func (e *Encoder) Frame(op frame.Op, body []byte, class frame.Class, key string) (*frame.Frame, error) {
	return frame.New(e.Encode, op, body, class, key)
}

// Encode is the frame.Encode of this server.
func (e *Encoder) Encode(op frame.Op, body []byte, deflate bool) []byte {
	pool := &e.plain
	if deflate {
		if !e.deflates || len(body) < e.worth {
			return nil
		}
		pool = &e.deflate
		e.deflations.Add(1)
	}
	t := pool.Get().(*template)
	wire := t.encode(op, body)
	pool.Put(t)
	return wire
}

// template is a gws.Conn that writes into memory.
type template struct {
	net.Conn // nil: gws only writes, and sets deadlines in the handshake
	socket   *gws.Conn
	wire     []byte
}

func newTemplate(u *gws.Upgrader) *template {
	t := new(template)
	socket, err := u.UpgradeFromConn(t, bufio.NewReader(bytes.NewReader(nil)), wakeRequestDeflate)
	if err != nil {
		panic("ws: template: " + err.Error()) // the request above is right
	}
	t.socket = socket
	return t
}

func (t *template) encode(op frame.Op, body []byte) []byte {
	if err := t.socket.WriteMessage(gws.Opcode(op), body); err != nil {
		panic("ws: encode: " + err.Error()) // no limit is set and Write does not fail
	}
	wire := t.wire
	t.wire = nil
	return wire
}

func (t *template) Write(p []byte) (int, error) {
	t.wire = append(make([]byte, 0, len(p)), p...)
	return len(p), nil
}

func (t *template) SetDeadline(time.Time) error { return nil }

func templateOption() *gws.ServerOption {
	return &gws.ServerOption{
		WriteMaxPayloadSize: math.MaxInt,
		ReadBufferSize:      16,
		NewSession:          noSession,
	}
}

func noSession() gws.SessionStorage { return nil }

// controlFrame builds a ping, pong or close.
func controlFrame(op byte, payload []byte, class frame.Class, key string) *frame.Frame {
	wire := make([]byte, 0, 2+len(payload))
	wire = append(wire, 0x80|op, byte(len(payload)))
	return frame.Raw(append(wire, payload...), class, key)
}
