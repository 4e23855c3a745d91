package api

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
