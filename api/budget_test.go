package api

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestBytesOfAnHourComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const second = 1000 // bytes that come back in one
		b := newBudgets(1000, 3600*second)
		wait := func(user string, bytes int64, want time.Duration) {
			t.Helper()
			if got := b.take(user, bytes); got.Round(time.Second) != want {
				t.Errorf("%s waits %v for %d bytes, want %v", user, got, bytes, want)
			}
		}
		wait("a", 3600*second, 0)
		b.spend("a", 3500*second)
		wait("a", -1, 0)
		wait("a", 100*second, 0)
		wait("a", 110*second, 10*time.Second)
		b.spend("a", 1<<40) // of one that came at the same time
		wait("a", -1, 3500*time.Second)
		wait("b", 3600*second, 0)
		time.Sleep(3510 * time.Second)
		wait("a", 10*second, 0)
	})
}

func TestPicturesHaveSoManyBytesAnHour(t *testing.T) {
	s := start(t, Limits{MaxImageBytes: 1000, UploadBytesPerHour: 1000})
	g := newGallery()
	s.join("w", &g.worker)
	// What is none has been taken to the disk all the same.
	if got := s.upload("a.png", strings.NewReader(strings.Repeat("x", 700))); got.reason() != "400 INVALID" {
		t.Errorf("the first: %s", got.reason())
	}
	if got := s.upload("b.png", strings.NewReader(strings.Repeat("x", 700))); got.reason() != "429 RATE_LIMITED" || got.header.Get("Retry-After") == "" {
		t.Errorf("the second: %s, %v", got.reason(), got.header)
	}
	if got := s.upload("c.png", strings.NewReader("x")); got.reason() != "400 INVALID" {
		t.Errorf("one that there is room for: %s", got.reason())
	}
	if err := (Limits{MaxImageBytes: 1001, UploadBytesPerHour: 1000}).Validate(); err == nil || !strings.Contains(err.Error(), "upload-bytes-per-hour") {
		t.Errorf("less than one picture: %v", err)
	}
}

func TestPicturesThatBreakOffCostWhatCame(t *testing.T) {
	head := "POST /v1/images/c?name=a.png HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nContent-Type: image/png\r\n"
	for name, test := range map[string]struct {
		said string
		cost float64
	}{
		"the network goes":     {"Content-Length: 900\r\n\r\n" + strings.Repeat("x", 700), 700},
		"it says not how much": {fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", 700, strings.Repeat("x", 700)), 700},
		"it is too large":      {fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", 2000, strings.Repeat("x", 2000)), 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g := start(t, Limits{MaxImageBytes: 1000, UploadBytesPerHour: 1000}), newGallery()
			s.join("w", &g.worker)
			v := visit(t, s)
			if _, err := io.WriteString(v, head+test.said); err != nil {
				t.Fatal(err)
			}
			v.Close()
			left := func() float64 {
				b := s.api.budgets
				b.mu.Lock()
				defer b.mu.Unlock()
				return b.of(userOf(token)).bytes.Tokens()
			}
			s.until("it is refused", func() bool { return testutil.ToFloat64(s.api.metrics.images.WithLabelValues(imageRefused)) == 1 })
			// A byte comes back every 3.6 s.
			if spent := 1000 - left(); spent > test.cost || spent < test.cost-20 {
				t.Errorf("it cost %v", spent)
			}
		})
	}
}
