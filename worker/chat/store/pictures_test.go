package store_test

import (
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

func TestPicturesAreLookedForUntilTheyCouldBeSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		if err := s.Put(chat.Conversation{ID: "c", Type: chat.Group}, "u"); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for _, line := range []struct {
			seq chat.Seq
			ago time.Duration
		}{{1, 40 * time.Hour}, {5000, 10 * time.Hour}, {6000, 0}} {
			if err := s.PutLine("c", line.seq, now.Add(-line.ago)); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			after chat.Seq
			until time.Time
			next  chat.Seq
		}{
			{0, time.Time{}, 5000}, {0, now.Add(-9 * time.Hour), 5000}, {0, now.Add(-11 * time.Hour), 0}, {5000, time.Time{}, 0},
		} {
			if _, next, err := s.FindPictures(t.Context(), "c", test.after, test.until); err != nil || next != test.next {
				t.Errorf("after %d until %v: look on at %d, %v, want %d", test.after, test.until, next, err, test.next)
			}
		}
	})
}
