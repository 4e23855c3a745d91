package main

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestTheSiteServesThePageAndTheGateways(t *testing.T) {
	get := func(gateways, path string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		site(gateways).ServeHTTP(r, httptest.NewRequest("GET", path, nil))
		return r
	}
	if r := get("", "/"); r.Code != 200 || !strings.HasPrefix(r.Body.String(), "<!doctype html>") || !strings.HasPrefix(r.Header().Get("Content-Type"), "text/html") {
		t.Errorf("GET / = %d, %s", r.Code, r.Header().Get("Content-Type"))
	}
	if r := get("", "/main.go"); r.Code != 404 {
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
