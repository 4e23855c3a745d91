package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
	"github.com/parley-im/parley/worker/internal/leaktest"
)

// TestMain is also the main of the workers that tests start as processes.
func TestMain(m *testing.M) {
	if clustertest.IsWorker() {
		main()
		return
	}
	leaktest.Main(m)
}

func TestTheSiteServesThePageAndTheGateways(t *testing.T) { clustertest.SitePage(t, site) }

// TestTheWidgetIsForAnyPage wants the script, and the gateways, to be had from elsewhere.
func TestTheWidgetIsForAnyPage(t *testing.T) {
	for path, want := range map[string]string{"/widget.js": "text/javascript", "/desk.html": "text/html", "/gateways": ""} {
		r := httptest.NewRecorder()
		site("").ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if r.Code != http.StatusOK || !strings.HasPrefix(r.Header().Get("Content-Type"), want) {
			t.Errorf("GET %s = %d, %s", path, r.Code, r.Header().Get("Content-Type"))
		}
		if from := r.Header().Get("Access-Control-Allow-Origin"); path == "/gateways" && from != "*" {
			t.Errorf("pages of others may not ask for the gateways: %q", from)
		}
	}
}
