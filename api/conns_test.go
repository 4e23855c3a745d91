package api

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// visitor is a connection of somebody who asks now and then.
type visitor struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func visit(t *testing.T, s *stage) *visitor {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &visitor{t, conn, bufio.NewReader(conn)}
}

func (v *visitor) ask() {
	v.t.Helper()
	if _, err := io.WriteString(v, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		v.t.Fatal(err)
	}
}

// answered reports whether a whole answer came; false: the connection has ended.
func (v *visitor) answered() bool {
	v.t.Helper()
	res, err := http.ReadResponse(v.r, nil)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			v.t.Error("neither an answer nor an end")
		}
		return false
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil
}

func TestWhoIsIdleForLongestMakesRoom(t *testing.T) {
	s := startAt(t, Limits{MaxConns: 2}, "127.0.0.1:0", balanced)
	first, second := visit(t, s), visit(t, s)
	for i, v := range []*visitor{first, second} {
		v.ask()
		if !v.answered() {
			t.Fatal("not answered")
		}
		s.until("it is idle", func() bool {
			c := s.api.conns
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.idle.Len() == i+1
		})
	}
	third := visit(t, s)
	third.ask()
	if !third.answered() {
		t.Error("a third found no place")
	}
	if first.answered() {
		t.Error("the first is open still")
	}
	second.ask()
	if !second.answered() {
		t.Error("the second was cut, too")
	}
	if n := s.api.conns.open(); n > 2 {
		t.Errorf("%d are open", n)
	}
}

func TestWhoIsBusyIsNotCutAndOthersWait(t *testing.T) {
	s := startAt(t, Limits{MaxConns: 1}, "127.0.0.1:0", balanced)
	inside, release := make(chan struct{}), make(chan struct{})
	s.api.mux.HandleFunc("/hold", func(http.ResponseWriter, *http.Request) { close(inside); <-release })
	busy := visit(t, s)
	if _, err := io.WriteString(busy, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-inside
	other := visit(t, s)
	other.ask()
	s.until("the other waits", func() bool {
		s.api.conns.mu.Lock()
		defer s.api.conns.mu.Unlock()
		return s.api.conns.waiting
	})
	close(release)
	if !busy.answered() {
		t.Error("what was asked first is not answered")
	}
	if !other.answered() {
		t.Error("who waited is not answered")
	}
}

func TestDrainEndsWhoWaitsForAPlace(t *testing.T) {
	s := startAt(t, Limits{MaxConns: 1}, "127.0.0.1:0", balanced)
	inside, release := make(chan struct{}), make(chan struct{})
	s.api.mux.HandleFunc("/hold", func(http.ResponseWriter, *http.Request) { close(inside); <-release })
	busy := visit(t, s)
	if _, err := io.WriteString(busy, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-inside
	other := visit(t, s)
	s.until("the other waits", func() bool {
		s.api.conns.mu.Lock()
		defer s.api.conns.mu.Unlock()
		return s.api.conns.waiting
	})
	s.stop()
	if other.answered() {
		t.Error("it was let in")
	}
	close(release)
	if !busy.answered() {
		t.Error("what was asked is not answered")
	}
}

func TestHTTPSIsAskedForTheNextTimeToo(t *testing.T) {
	s := start(t, Limits{})
	ask := func(over *tls.ConnectionState) string {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.TLS = over
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		return w.Header().Get("Strict-Transport-Security")
	}
	if got := ask(nil); got != "" {
		t.Errorf("over http: %q", got)
	}
	if got := ask(&tls.ConnectionState{}); got != "max-age=31536000" {
		t.Errorf("over https: %q", got)
	}
}
