package client

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers handshakes and then lets script write and read raw frames.
func server(t *testing.T, script func(w io.Writer, r *bufio.Reader)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			w.Header().Set("Retry-After", "2")
			http.Error(w, "come back", http.StatusServiceUnavailable)
			return
		}
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = nc.Close() }()
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
			accept(r.Header.Get("Sec-WebSocket-Key"))+"\r\n\r\n")
		script(nc, rw.Reader)
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

func dialed(t *testing.T, url string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Cut)
	return c
}

// raw is an unmasked frame, as servers send them.
func raw(first byte, payload string) []byte {
	return append([]byte{first, byte(len(payload))}, payload...)
}

// unmask reads one frame of a client.
func unmask(t *testing.T, r *bufio.Reader) (op Op, payload []byte) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil
	}
	if head[0]&0x80 == 0 || head[1]&0x80 == 0 {
		t.Errorf("frame begins with %#x: want it final and masked", head)
	}
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		var b [2]byte
		_, _ = io.ReadFull(r, b[:])
		size = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, _ = io.ReadFull(r, b[:])
		size = binary.BigEndian.Uint64(b[:])
	}
	var mask [4]byte
	_, _ = io.ReadFull(r, mask[:])
	payload = make([]byte, size)
	_, _ = io.ReadFull(r, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return Op(head[0] & 0x0f), payload
}

func TestFragmentsBecomeOneMessageAndPingsAreAnswered(t *testing.T) {
	pong := make(chan string, 1)
	c := dialed(t, server(t, func(w io.Writer, r *bufio.Reader) {
		_, _ = w.Write(raw(0x01, "he"))
		_, _ = w.Write(raw(0x89, "are you there?"))
		_, _ = w.Write(raw(0x00, "ll"))
		_, _ = w.Write(raw(0x80, "o"))
		_, payload := unmask(t, r)
		pong <- string(payload)
	}))
	m, err := c.ReadWithin(5 * time.Second)
	if err != nil || m.Op != Text || string(m.Payload) != "hello" {
		t.Errorf("read %v %q, %v: want hello", m.Op, m.Payload, err)
	}
	if got := <-pong; got != "are you there?" {
		t.Errorf("pong says %q", got)
	}
}

func TestCloseFrameIsToldAndAnswered(t *testing.T) {
	answered := make(chan []byte, 1)
	c := dialed(t, server(t, func(w io.Writer, r *bufio.Reader) {
		_, _ = w.Write(raw(0x88, "\x03\xf4go away"))
		_, payload := unmask(t, r)
		answered <- payload
	}))
	_, err := c.ReadWithin(5 * time.Second)
	var closed *Closed
	if !errors.As(err, &closed) || closed.Code != 1012 || closed.Reason != "go away" {
		t.Errorf("read %v, want closed with 1012", err)
	}
	if got := <-answered; string(got) != "\x03\xf4" {
		t.Errorf("answered %q", got)
	}
}

func TestSizesOfAllKindsAreSentWhole(t *testing.T) {
	sizes := []int{0, 1, 125, 126, 65535, 65536, 200_000}
	got := make(chan int, len(sizes))
	c := dialed(t, server(t, func(_ io.Writer, r *bufio.Reader) {
		for range sizes {
			_, payload := unmask(t, r)
			if strings.Trim(string(payload), "x") != "" {
				t.Errorf("payload of %d bytes is not what was sent", len(payload))
			}
			got <- len(payload)
		}
	}))
	for _, size := range sizes {
		if err := c.Send(strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
		if n := <-got; n != size {
			t.Errorf("%d bytes came, want %d", n, size)
		}
	}
}

func TestServersThatBreakTheProtocolAreCaught(t *testing.T) {
	for name, bytes := range map[string]string{
		"masked":                 "\x81\x81\x00\x00\x00\x00x",
		"reserved bit":           "\xc1\x01x",
		"continuation of none":   "\x80\x01x",
		"message in a message":   "\x01\x01a\x81\x01b",
		"unknown opcode":         "\x83\x01x",
		"larger than is wanted":  "\x81\x7f\x00\x00\x00\x7f\x00\x00\x00\x00",
		"broken off in a header": "\x81\x7e\x01",
	} {
		t.Run(name, func(t *testing.T) {
			c := dialed(t, server(t, func(w io.Writer, _ *bufio.Reader) { _, _ = io.WriteString(w, bytes) }))
			if m, err := c.ReadWithin(5 * time.Second); err == nil {
				t.Errorf("read %q", m.Payload)
			}
		})
	}
}

func TestRefusalSaysWhy(t *testing.T) {
	_, err := Dial(t.Context(), server(t, nil)+"/refused", Options{})
	var refused *Refused
	if !errors.As(err, &refused) || refused.Status != 503 || refused.Body != "come back" || refused.RetryAfter != "2" {
		t.Errorf("dial: %v, want refused with 503", err)
	}
}

func TestDialGivesUpWhenItsContextEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, "ws://"+l.Addr().String()+"/", Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dial: %v, want a time-out", err)
	}
}

func TestSilenceEndsAReadAndPingsAreNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer func() { _ = ours.Close(); _ = theirs.Close() }()
		c := &Conn{nc: ours, br: bufio.NewReader(ours), limit: 1 << 20}
		c.SetSilence(10 * time.Second)
		go func() {
			for range 5 {
				time.Sleep(9 * time.Second)
				_, _ = theirs.Write(raw(0x89, ""))
				_, _ = io.CopyN(io.Discard, theirs, 6) // the pong
			}
		}()
		began := time.Now()
		_, err := c.Read()
		if lasted := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || lasted != 55*time.Second {
			t.Errorf("read: %v after %v, want a time-out after 55s", err, lasted)
		}
	})
}

func TestWriteTimeoutEndsASendThatNobodyReads(t *testing.T) {
	done := make(chan struct{})
	url := server(t, func(io.Writer, *bufio.Reader) { <-done })
	defer close(done)
	c, err := Dial(t.Context(), url, Options{WriteTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Cut()
	for range 1000 {
		if err = c.Send(strings.Repeat("x", 1<<16)); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("send: %v, want a time-out", err)
	}
}

func TestTapeKeepsRepeats(t *testing.T) {
	tape := NewTape("c", time.Now())
	if tape.NextSent() != 1 || tape.NextSent() != 2 {
		t.Error("numbers are not 1, 2")
	}
	for _, n := range []uint64{1, 2, 2} {
		tape.Got(n, "w")
	}
	tape.Ended("first")
	tape.Ended("second")
	for range 2 * maxOdd {
		tape.Odd("x")
	}
	log := tape.Log()
	if len(log.Got) != 3 || len(log.Sent) != 2 || log.Ended != "first" || len(log.Odd) != maxOdd {
		t.Errorf("on the tape: %+v", log)
	}
}
