package browser

import "testing"

// What breaks nothing shares a cluster, and its processor.
func TestPeopleTalkOnThePage(t *testing.T) {
	t.Parallel()
	s := newChatStage(t)
	for _, name := range []string{"first", "keyboard", "hostile"} {
		t.Run(name, func(t *testing.T) { s.play(t, "chat/"+name+".mjs") })
	}
}

func TestPeopleMissNothingWhenProcessesDie(t *testing.T) {
	t.Parallel()
	newChatStage(t).play(t, "chat/faults.mjs")
}

func TestPeopleMissNothingWhileTheyAreAway(t *testing.T) {
	t.Parallel()
	// So short that one ends while a laptop sleeps: clients are asked for the next token
	// ten seconds after they have this one.
	newChatStage(t, "--access-lasts", "130s").play(t, "chat/away.mjs")
}
