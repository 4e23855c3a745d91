package browser

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPeopleTalkOnThePageOfSwooleim(t *testing.T) {
	t.Parallel() // these wait more than they work
	play(t, "swooleim", "talk.mjs")
}

func TestPeopleTalkOnThePageOfBroadcast(t *testing.T) {
	t.Parallel()
	play(t, "broadcast", "broadcast.mjs")
}
