package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

func TestTheSiteServesThePageAndTheGateways(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	l.Close()
	t.Setenv("PARLEY_PAGE", addr)
	t.Setenv("PARLEY_GATEWAYS", "ws://127.0.0.1:8282,ws://127.0.0.1:8283")
	workertest.New(t, newDesk(t))
	for path, want := range map[string]string{
		"/": "<!doctype html>", "/gateways": `["ws://127.0.0.1:8282","ws://127.0.0.1:8283"]`, "/main.go": "404",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("GET %s = %.60s, %v, want %s", path, b, err, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
