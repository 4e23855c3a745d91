package api

import (
	"io"
	"net/http"
	"testing"
)

func TestAnswerOverHTTP2IsWholeThoughSomebodyWaits(t *testing.T) {
	s := startAt(t, Limits{MaxConns: 1}, "127.0.0.1:0", overTLS, balanced)
	inside, release := make(chan struct{}), make(chan struct{})
	s.api.mux.HandleFunc("/hold", func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-release
		_, _ = io.WriteString(w, "held")
	})
	ask := func(client *http.Client, path string) <-chan string {
		got := make(chan string, 1)
		go func() {
			res, err := client.Get(s.base + path)
			if err != nil {
				got <- err.Error()
				return
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			if err != nil {
				b = []byte(err.Error())
			}
			got <- res.Proto + " " + string(b)
		}()
		return got
	}
	busy := ask(s.http, "/hold")
	<-inside
	other := s.http.Transport.(*http.Transport).Clone()
	defer other.CloseIdleConnections()
	waits := ask(&http.Client{Transport: other}, "/healthz")
	s.until("the other waits", func() bool {
		s.api.conns.mu.Lock()
		defer s.api.conns.mu.Unlock()
		return s.api.conns.waiting
	})
	close(release)
	if got := <-busy; got != "HTTP/2.0 held" {
		t.Errorf("what was asked first: %s", got)
	}
	if got := <-waits; got != "HTTP/2.0 alive\n" {
		t.Errorf("who waited: %s", got)
	}
}
