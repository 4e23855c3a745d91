package answer

import "testing"

func TestQuestionsAndAnswersSurviveTheWire(t *testing.T) {
	q, err := ParseQuestion(Ask(To, "c1", 7, "u.1"))
	if err != nil || q != (Question{To, "c1", 7, "u.1"}) {
		t.Errorf("got %+v, %v", q, err)
	}
	q, err = ParseQuestion(Ask(Reply, "c1", 8, ""))
	if err != nil || q != (Question{Reply, "c1", 8, ""}) {
		t.Errorf("got %+v, %v", q, err)
	}
	for _, a := range []Answer{{Tag: "c1", N: 3, Who: "77", Session: "2"}, {Tag: "c1", N: 9, Message: true}} {
		if got, ok := ParseAnswer(a.frame()); !ok || got != a {
			t.Errorf("%+v became %+v, %v", a, got, ok)
		}
	}
	for _, bad := range []string{"", "x", "a b c", "msg a b", "a 1 b", "a 1 b c d", "reply a -1"} {
		if a, ok := ParseAnswer(bad); ok {
			t.Errorf("%q became an answer: %+v", bad, a)
		}
		if q, err := ParseQuestion(bad); err == nil && bad != "a 1 b c d" {
			t.Errorf("%q became a question: %+v", bad, q)
		}
	}
}

func TestSessionBeforeIsThatOfTheLastFrameThatWroteOne(t *testing.T) {
	for n, want := range map[uint64]string{1: NoSession, 2: NoSession, 3: "2", 10: "2", 11: "10", 18: "10", 19: "18", 27: "26"} {
		if got := Stream(0).SessionBefore(n); got != want {
			t.Errorf("stream 0, before frame %d: %s, want %s", n, got, want)
		}
	}
	if got := Stream(5).SessionBefore(6); got != "5" {
		t.Errorf("stream 5, before frame 6: %s, want 5", got)
	}
}

func TestStreamsAreShifted(t *testing.T) {
	binds := 0
	for s := range Stream(16) {
		if s.Kind(3) == Bind {
			binds++
		}
	}
	if binds != 1 {
		t.Errorf("%d of 16 streams bind with their third frame, want 1", binds)
	}
}
