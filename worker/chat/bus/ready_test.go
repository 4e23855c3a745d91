package bus

import (
	"log/slog"
	"testing"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

// TestNotReadyBeforeWatchersKnowOfTheOutage has the keeper look at the streams, as it does
// every few seconds, at the moment when the connection is there again.
func TestNotReadyBeforeWatchersKnowOfTheOutage(t *testing.T) {
	t.Parallel()
	b, err := New(Config{URL: bustest.Start(t).URL(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.begin(); err != nil {
		t.Fatal(err)
	}
	l, err := b.connect() // nobody keeps it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.nc.Close()
		<-l.closed
	})
	eventually(t, "it is up", func() bool { return b.Stats().Connected && len(l.up) > 0 })
	b.look(t.Context(), l)
	if b.Ready() == nil {
		t.Error("it is ready although watchers have not heard that they may have missed something")
	}
	<-l.up
	if !b.welcome(t.Context(), l) {
		t.Fatal("the server does not answer")
	}
	b.look(t.Context(), l)
	if err := b.Ready(); err != nil {
		t.Errorf("when they have heard: %v", err)
	}
}
