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

// Two people use the page, and markup stays text.
func TestPeopleUseThePagesOfTheOtherExamples(t *testing.T) {
	t.Parallel()
	for _, example := range []string{"swoolechat", "onetoone", "workermanchat", "tadpole", "twopaths", "shareddoc", "support", "ticker"} {
		t.Run(example, func(t *testing.T) {
			t.Parallel()
			play(t, example, "examples/"+example+".mjs")
		})
	}
}
