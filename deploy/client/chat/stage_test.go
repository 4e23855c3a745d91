package chatclient

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// stage is a server that does what a test says, over pipes, so that a test can run in a
// bubble of synctest.
type stage struct {
	t        *testing.T
	arrivals chan *peer

	mu     sync.Mutex
	down   bool // nobody answers the phone
	refuse func() (status int, header string)
	on     map[string]handler // by method: answers at once; other calls wait in peer.calls
	all    sync.WaitGroup
	dials  []time.Time
	hosts  []string
}

type handler func(p *peer, a *asked)

// asked is a call of the client's.
type asked struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

// read reads its params.
func (a *asked) read(t *testing.T, m proto.Message) {
	t.Helper()
	if err := protojson.Unmarshal(a.Params, m); err != nil {
		t.Errorf("%s: %v", a.Method, err)
	}
}

// peer is one conn as the server has it.
type peer struct {
	s      *stage
	nc     net.Conn
	calls  chan *asked
	closed chan uint16 // the client's close frame
	mu     sync.Mutex  // guards writes
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, arrivals: make(chan *peer, 1024), on: map[string]handler{}}
	t.Cleanup(s.all.Wait)
	return s
}

// handle makes calls of a method be answered at once; nil: they wait for the test.
func (s *stage) handle(method string, h handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on[method] = h
}

func (s *stage) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *stage) dialled() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.dials...)
}

func (s *stage) dial(_ context.Context, _, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials, s.hosts = append(s.dials, time.Now()), append(s.hosts, addr)
	if s.down {
		return nil, errors.New("nobody is there")
	}
	ours, theirs := net.Pipe()
	p := &peer{s: s, nc: ours, calls: make(chan *asked, 4096), closed: make(chan uint16, 1)}
	s.all.Go(p.serve)
	return theirs, nil
}

func (p *peer) serve() {
	defer p.nc.Close()
	r := bufio.NewReader(p.nc)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	p.s.mu.Lock()
	refuse := p.s.refuse
	p.s.mu.Unlock()
	if refuse != nil {
		status, header := refuse()
		fmt.Fprintf(p.nc, "HTTP/1.1 %d %s\r\n%sContent-Length: 0\r\n\r\n", status, http.StatusText(status), header)
		return
	}
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(p.nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]), req.Header.Get("Sec-WebSocket-Protocol"))
	p.s.arrivals <- p
	for {
		op, payload, err := readFrame(r)
		switch {
		case err != nil:
			return
		case op == 8:
			p.closed <- binary.BigEndian.Uint16(payload)
			_ = p.frame(8, payload)
			return
		case op != 1:
			continue
		}
		a := &asked{}
		if err := json.Unmarshal(payload, a); err != nil {
			p.s.t.Errorf("the client sends %q: %v", payload, err)
			return
		}
		p.s.mu.Lock()
		h := p.s.on[a.Method]
		p.s.mu.Unlock()
		if h != nil {
			h(p, a)
			continue
		}
		p.calls <- a
	}
}

// readFrame reads one frame of a client.
func readFrame(r io.Reader) (op byte, payload []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return 0, nil, err
	}
	op = head[0] & 15
	size := uint64(head[1] & 127)
	switch size {
	case 126:
		_, err = io.ReadFull(r, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(r, head[:8])
		size = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return 0, nil, err
	}
	var mask [4]byte
	if _, err := io.ReadFull(r, mask[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(r, payload)
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	return op, payload, err
}

// frame writes one; the client may be gone.
func (p *peer) frame(op byte, payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	_, err := p.nc.Write(append(b, payload...))
	return err
}

// next waits for a call that nobody answers at once.
func (p *peer) next(method string) *asked {
	p.s.t.Helper()
	select {
	case a := <-p.calls:
		if a.Method != method {
			p.s.t.Fatalf("called %s %s, want %s", a.Method, a.Params, method)
		}
		return a
	case <-time.After(20 * time.Minute):
		p.s.t.Fatalf("no call of %s", method)
	}
	return nil
}

// none checks that no call comes within d.
func (p *peer) none(d time.Duration) {
	p.s.t.Helper()
	select {
	case a := <-p.calls:
		p.s.t.Fatalf("called %s %s, want nothing for %v", a.Method, a.Params, d)
	case <-time.After(d):
	}
}

func (p *peer) raw(text string) { _ = p.frame(1, []byte(text)) }

func (p *peer) answer(a *asked, m proto.Message) {
	p.raw(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, a.ID, jsonOf(m)))
}

func (p *peer) fail(a *asked, code fault.Code, after time.Duration) {
	p.raw(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":"no","data":{"reason":%q,"temporary":%v,"retryAfterMs":%d}}}`,
		a.ID, code.JSONRPC(), code, code.Temporary(), after.Milliseconds()))
}

func (p *peer) push(method string, m proto.Message) {
	p.raw(fmt.Sprintf(`{"jsonrpc":"2.0","method":%q,"params":%s}`, method, jsonOf(m)))
}

func (p *peer) message(conversation string, seq int64) {
	p.push("message", &chatv1.MessagePush{Message: line1(conversation, seq)})
}

func (p *peer) close(code uint16, reason string) {
	_ = p.frame(8, append(binary.BigEndian.AppendUint16(nil, code), reason...))
}

func (p *peer) cut() { p.nc.Close() }

func jsonOf(m proto.Message) []byte {
	b, err := protojson.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// line1 is the message of a number, always the same.
func line1(conversation string, seq int64) *chatv1.Message {
	return &chatv1.Message{
		Conversation: conversation, Seq: seq, Sender: "other", Kind: chatv1.MessageKind_MESSAGE_KIND_TEXT, Text: fmt.Sprint("text ", seq),
	}
}

func lines(conversation string, from, to int64) (list []*chatv1.Message) {
	for seq := from; seq <= to; seq++ {
		list = append(list, line1(conversation, seq))
	}
	return list
}

// head is the head of a group chat of which everything is read.
func head(conversation string, seq int64) *chatv1.Head {
	return &chatv1.Head{Conversation: conversation, Seq: seq, FromSeq: 1, ReadSeq: seq, Type: chatv1.ConversationType_CONVERSATION_TYPE_GROUP}
}

// config is that of a client of the stage, which has a token.
func (s *stage) config() Config {
	cfg := Config{
		Gateways: []string{"ws://one/"}, Device: "d1", Tokens: &chatv1.Tokens{Access: "token"},
		Keep: Keep{Received: All, Sent: All, Messages: All, Conns: All, Violations: All}, Log: slog.New(slog.DiscardHandler),
	}
	cfg.Socket.Dial = s.dial
	return cfg
}

// running is a client that runs.
type running struct {
	*Client
	stop  context.CancelFunc
	ended chan struct{}
	err   error // of Run, when ended is closed
}

// run runs a client until the test ends.
func (s *stage) run(cfg Config) *running {
	s.t.Helper()
	c, err := New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.again(c)
}

func (s *stage) again(c *Client) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Client: c, stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = c.Run(ctx)
	}()
	s.t.Cleanup(func() {
		cancel()
		<-r.ended
	})
	return r
}

// bubble runs a test in a bubble whose time is not the machine's.
func bubble(t *testing.T, do func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { do(t, newStage(t)) })
}

// breaches are what the client says the server broke.
func breaches(c *running) (list []Breach) {
	for _, v := range c.Log().Violations {
		list = append(list, v.Breach)
	}
	return list
}

// arrive waits for a conn.
func (s *stage) arrive() *peer {
	s.t.Helper()
	select {
	case p := <-s.arrivals:
		return p
	case <-time.After(20 * time.Minute):
		s.t.Fatal("nobody comes")
	}
	return nil
}

// opened waits for a conn and opens its session with some heads.
func (s *stage) opened(heads ...*chatv1.Head) (*peer, *chatv1.OpenSessionRequest) {
	s.t.Helper()
	p := s.arrive()
	req := &chatv1.OpenSessionRequest{}
	a := p.next("openSession")
	a.read(s.t, req)
	p.answer(a, session(heads...))
	return p, req
}

func session(heads ...*chatv1.Head) *chatv1.OpenSessionResponse {
	return &chatv1.OpenSessionResponse{User: &chatv1.User{Id: "me", Name: "liubei"}, HeartbeatSeconds: 25, Heads: heads, Cursor: "c1", Complete: proto.Bool(true)}
}

// seqs are the numbers on a screen, in the order in which they came on it.
func seqs(c *running, conversation string) (list []int64) {
	s, _ := c.Screen(conversation)
	for _, m := range s.Shown {
		list = append(list, m.Seq)
	}
	return list
}
