package ops_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/ops"
)

// TestPagesOfLongTextsFitIntoAFrame reads a conversation of the longest texts that there
// are, in the longest JSON that they can have, with the largest limit.
func TestPagesOfLongTextsFitIntoAFrame(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	id := ann.direct(bob)
	const many, tooMuch = 20, 512 << 10
	long := strings.Repeat("\x01", chat.MaxTextBytes)
	for i := range many {
		ann.must("sendMessage", params{"conversation": id, "requestId": request(), "text": long})
		ann.must("editMessage", params{"conversation": id, "requestId": request(), "text": long, "seq": i + 1, "baseRev": 0})
		s.pass(ops.AmendEvery)
	}
	var want []int
	for n := range many {
		want = append(want, n+1)
	}
	// pages reads until there are no more; next says how to go on from what has come.
	pages := func(method, list, number string, ask params, next func(came []int)) (got []int) {
		t.Helper()
		for range many {
			r := bob.must(method, ask)
			if len(r.raw) > tooMuch {
				t.Errorf("%s: an answer of %d bytes", method, len(r.raw))
			}
			var came []int
			for _, item := range r.at(list).([]any) {
				n, err := strconv.Atoi(item.(map[string]any)[number].(string))
				if err != nil {
					t.Fatal(err)
				}
				came = append(came, n)
			}
			got = append(got, came...)
			if r.at("more") != true {
				break
			}
			next(came)
		}
		slices.Sort(got)
		return got
	}

	down := params{"conversation": id, "limit": 500}
	if got := pages("getMessages", "messages", "seq", down, func(came []int) { down["before"] = came[0] }); !slices.Equal(got, want) {
		t.Errorf("from the newest down: %v", got)
	}
	up := params{"conversation": id, "limit": 500, "after": 1}
	if got := pages("getMessages", "messages", "seq", up, func(came []int) { up["after"] = came[len(came)-1] }); !slices.Equal(got, want[1:]) {
		t.Errorf("from the second up: %v", got)
	}
	changes := params{"conversation": id, "limit": 500}
	if got := pages("getChanges", "changes", "rev", changes, func(came []int) { changes["after"] = came[len(came)-1] }); !slices.Equal(got, want) {
		t.Errorf("changes: %v", got)
	}
}
