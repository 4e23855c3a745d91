package ws

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// TestSlowReaderThatReadsIsNotTakenForAStalledOne has a client read all the time,
// but so slowly that its socket stays unwritable for longer than the write
// timeout: the kernel wants half of what is unsent gone before it says so.
func TestSlowReaderThatReadsIsNotTakenForAStalledOne(t *testing.T) {
	const timeout = time.Second
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{Limits: Limits{WriteTimeout: timeout, QueueBytes: 4 << 20}}, &app{}, secure)
		small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10) })
		}}
		nc, err := small.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		if secure {
			nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
		}
		c := over(t, nc).handshake()
		r.until("conn is known", func() bool { return r.app.count() > 0 })
		r.app.mu.Lock()
		conn := r.app.conns[0]
		r.app.mu.Unlock()
		body := strings.Repeat("b", 1<<20)
		conn.Send(r.s.mustFrame(frame.Text, body, frame.Must, ""))

		pace := time.NewTicker(timeout / 50)
		defer pace.Stop()
		piece := make([]byte, 400)
		got := 0
		for began := time.Now(); time.Since(began) < 5*timeout/2; <-pace.C {
			n, err := io.ReadFull(c.br, piece)
			got += n
			if err != nil {
				t.Fatalf("secure %v: cut off after %v and %d bytes: %v", secure, time.Since(began), got, err)
			}
		}
		rest := make([]byte, 10+len(body)-got) // what follows the header of the frame
		if _, err := io.ReadFull(c.br, rest); err != nil {
			t.Errorf("secure %v: %v", secure, err)
		}
		if st := r.s.Stats(); st.SlowCloses != 0 {
			t.Errorf("secure %v: closed as slow: %d", secure, st.SlowCloses)
		}
	}
}
