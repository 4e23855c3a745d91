package ops_test

import (
	"fmt"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat/ops"
)

// Whoever is online in a wide group chat may ask for what has changed at each edit: a user
// has few, whatever it is that changes and over whichever conn or door it is asked for.
func TestEditsAndRecallsOfAUserAreBounded(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	tab, id := ann.another(), ann.direct(bob)
	for _, p := range []*person{ann, ann, bob} {
		p.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "x"})
	}
	rev := "0"
	edit := func() params {
		return params{"conversation": id, "requestId": request(), "seq": "1", "baseRev": rev, "text": "y"}
	}
	for range ops.AmendsAtOnce {
		rev = ann.must("editMessage", edit()).text("change", "rev")
	}
	late, recall := edit(), params{"conversation": id, "requestId": request(), "seq": "2"}
	r := ann.refused("RATE_LIMITED", "editMessage", late)
	ann.refused("RATE_LIMITED", "recallMessage", recall)
	tab.refused("RATE_LIMITED", "recallMessage", recall)
	_, err := s.service.RecallMessage(ops.WithCaller(within(t), ann.who), &chatv1.RecallMessageRequest{Conversation: id, RequestId: "r", Seq: 2})
	if code(err) != "RATE_LIMITED" {
		t.Errorf("past the socket: %v", err)
	}
	bob.must("recallMessage", params{"conversation": id, "requestId": request(), "seq": "3"})
	if head := ann.must("getChanges", params{"conversation": id, "after": rev}); head.text("headRev") != fmt.Sprint(ops.AmendsAtOnce+1) {
		t.Errorf("something was stored: %s", head.raw)
	}

	if r.Error == nil || !r.Error.Data.Temporary || r.Error.Data.RetryAfterMs <= 0 {
		t.Fatalf("got %s", r.raw)
	}
	s.pass(time.Duration(r.Error.Data.RetryAfterMs) * time.Millisecond)
	ann.must("editMessage", late)
	ann.refused("RATE_LIMITED", "recallMessage", recall)
	s.pass(ops.AmendEvery)
	ann.must("recallMessage", recall)
}
