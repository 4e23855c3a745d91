package proxy

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that answers each line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func open(t *testing.T) *Proxy {
	t.Helper()
	p, err := Open("127.0.0.1:0", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

type line struct {
	net.Conn
	r *bufio.Reader
}

func dial(t *testing.T, p *Proxy) line {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return line{c, bufio.NewReader(c)}
}

// ask says something and waits for the answer.
func (l line) ask(within time.Duration) error {
	if _, err := l.Write([]byte("hello\n")); err != nil {
		return err
	}
	_ = l.SetReadDeadline(time.Now().Add(within))
	_, err := l.r.ReadString('\n')
	return err
}

const plenty = 10 * time.Second

func TestStoppedServerRefusesAndCuts(t *testing.T) {
	p := open(t)
	c := dial(t, p)
	if err := c.ask(plenty); err != nil {
		t.Fatal(err)
	}
	p.Stop()
	if err := c.ask(plenty); err == nil {
		t.Error("a connection survived the stop")
	}
	if other, err := net.Dial("tcp", p.Addr()); err == nil {
		_ = other.Close()
		t.Error("a stopped server took a connection")
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := dial(t, p).ask(plenty); err != nil {
		t.Errorf("after the start: %v", err)
	}
}

func TestFrozenServerTakesAndAnswersNothing(t *testing.T) {
	p := open(t)
	old := dial(t, p)
	if err := old.ask(plenty); err != nil {
		t.Fatal(err)
	}
	p.Freeze()
	fresh := dial(t, p)
	if err := old.ask(50 * time.Millisecond); err == nil {
		t.Error("a frozen server answered")
	}
	p.Thaw()
	_ = old.SetReadDeadline(time.Now().Add(plenty))
	if _, err := old.r.ReadString('\n'); err != nil {
		t.Errorf("what was held back did not come: %v", err)
	}
	if err := fresh.ask(plenty); err != nil {
		t.Errorf("a connection made meanwhile: %v", err)
	}
}
