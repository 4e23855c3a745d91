package store_test

import (
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

func TestRowsOfALaterVersionAreLeftToIt(t *testing.T) {
	s := storetest.SQLite(t).Open(t)
	ann := people(t, s, "ann")[0]
	if err := s.Put(chat.Conversation{ID: "c", Type: chat.Group}, ann.User); err != nil {
		t.Fatal(err)
	}
	const later, gone = 9, int8(chat.OutMessage) // the latter tells of a message that is not there
	for _, kind := range []int8{later, gone} {
		if err := s.Leave("c", kind); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Claim(t.Context(), 10, nil); err != nil || len(got) != 0 {
		t.Fatalf("claimed %+v, %v", got, err)
	}
	if lag, err := s.Lag(t.Context()); err != nil || lag.Unfanned != 1 {
		t.Errorf("left in the outbox: %+v, %v", lag, err)
	}
}
