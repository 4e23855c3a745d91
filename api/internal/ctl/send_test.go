package ctl

import (
	"strings"
	"testing"
)

func TestAPipeThatHasRunDrySendsNothing(t *testing.T) {
	for text, want := range map[string]string{"hi\n": "hi", "hi": "hi", "\n": "", "a\n\n": "a\n"} {
		if b, err := ReadFrame(strings.NewReader(text), false); err != nil || string(b) != want {
			t.Errorf("%q is sent as %q, %v", text, b, err)
		}
	}
	for _, binary := range []bool{false, true} {
		if b, err := ReadFrame(strings.NewReader(""), binary); ExitCode(err) != ExitUsage {
			t.Errorf("nothing is sent as %q, %v", b, err)
		}
	}
}
