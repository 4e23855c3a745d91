package worker_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestEveryMetricThatIsDocumentedIsWritten(t *testing.T) {
	source, err := os.ReadFile("stats.go")
	if err != nil {
		t.Fatal(err)
	}
	h := workertest.New(t, worker.Base{})
	h.Dial("/").SendText("x")
	h.Settle()
	rec := httptest.NewRecorder()
	worker.Metrics(h.Worker()).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	page := rec.Body.String()
	names := regexp.MustCompile(`parley_worker_[a-z_]+`).FindAllString(string(source), -1)
	if len(names) < 20 {
		t.Fatalf("found %d names only", len(names))
	}
	for _, name := range names {
		if !strings.Contains(page, "# HELP "+name+" ") || !strings.Contains(page, "# TYPE "+name+" ") {
			t.Errorf("%s is documented and not written", name)
		}
	}
	for _, line := range []string{
		`parley_worker_events_total{kind="message"} 1`, `parley_worker_events_total{kind="open"} 1`, "parley_worker_links 1",
		`parley_worker_handle_seconds_bucket{le="+Inf"} 2`, "parley_worker_handle_seconds_count 2",
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("%q is not in\n%s", line, page)
		}
	}
}

func TestWriteMetricsReturnsTheWritersError(t *testing.T) {
	if err := (worker.Stats{}).WriteMetrics(failing{}); err == nil {
		t.Error("no error")
	}
	var b bytes.Buffer
	if err := (worker.Stats{}).WriteMetrics(&b); err != nil {
		t.Error(err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }
