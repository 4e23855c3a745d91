package clustertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// SitePage fails the test unless site, made for a value of PARLEY_GATEWAYS, serves the
// example's page, tells it of the gateways, and shows no other file.
func SitePage(t testing.TB, site func(gateways string) http.Handler) {
	t.Helper()
	get := func(gateways, path string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		site(gateways).ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return r
	}
	if r := get("", "/"); r.Code != http.StatusOK || !strings.HasPrefix(r.Body.String(), "<!doctype html>") || !strings.HasPrefix(r.Header().Get("Content-Type"), "text/html") {
		t.Errorf("GET / = %d, %s", r.Code, r.Header().Get("Content-Type"))
	}
	if r := get("", "/main.go"); r.Code != http.StatusNotFound {
		t.Errorf("GET /main.go = %d, want 404", r.Code)
	}
	for given, want := range map[string][]string{
		"": {"ws://127.0.0.1:8282"},
		"ws://127.0.0.1:8282,ws://127.0.0.1:8283": {"ws://127.0.0.1:8282", "ws://127.0.0.1:8283"},
	} {
		var got []string
		if err := json.Unmarshal(get(given, "/gateways").Body.Bytes(), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("gateways of %q: got %q, %v, want %q", given, got, err, want)
		}
	}
}
