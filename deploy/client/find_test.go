package client_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/deploy/client"
)

func TestGatewaysAreFoundInTheirOrder(t *testing.T) {
	status, body := http.StatusOK, `{"gateways":[{"url":"ws://b/","load":7},{"url":"ws://a/","load":3}]}`
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/gateways" {
			t.Errorf("asked for %s %s", r.Method, r.URL)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer api.Close()
	found, err := client.Find(t.Context(), api.URL+"/")
	if want := []client.Found{{URL: "ws://b/", Load: 7}, {URL: "ws://a/", Load: 3}}; err != nil || !slices.Equal(found, want) {
		t.Errorf("got %v, %v", found, err)
	}
	status, body = http.StatusServiceUnavailable, "in a moment"
	if _, err := client.Find(t.Context(), api.URL); err == nil || !strings.Contains(err.Error(), "503 in a moment") {
		t.Errorf("refused: %v", err)
	}
	status, body = http.StatusOK, "{"
	if _, err := client.Find(t.Context(), api.URL); err == nil {
		t.Error("half an answer was taken")
	}
	api.Close()
	if _, err := client.Find(t.Context(), api.URL); err == nil {
		t.Error("nobody was there")
	}
}
