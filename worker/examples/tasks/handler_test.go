package main

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

func TestAFrameThatIsHandledTwiceIsOneTask(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := workertest.New(t, b.office(report), workertest.WithGateways(2))
	ann, other := h.Dial("/?user=ann"), h.Dial("/?user=bob")
	h.LoseAcks(2)                                      // the worker dies before it has acknowledged them
	for _, c := range []*workertest.Conn{ann, other} { // an id is its user's
		c.SendText(`{"task":"report","id":"1","of":"hello"}`)
		heard := []string{string(c.Next().Payload), string(c.Next().Payload)}
		if all := strings.Join(heard, ""); !strings.Contains(all, `{"id":"1","state":"queued"}`) || !strings.Contains(all, `{"characters":5,"id":"1","state":"done"}`) {
			t.Errorf("heard %s", all)
		}
		c.ExpectNothing()
	}
	eventually(t, "both are let go of", func() bool { return b.state(b.stream).Msgs == 0 })
	if n := b.state(b.stream).LastSeq; n != 2 {
		t.Errorf("%d tasks were in the queue, want 2", n)
	}
}

func TestWhatIsNoTaskIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := workertest.New(t, b.office(report))
	ann := h.Dial("/?user=ann")
	for _, bad := range []string{
		"dance", `{"task":"report","of":"a"}`, `{"task":"report","id":"2"}`, `{"task":"dance","id":"2","of":"a"}`,
		`{"task":"report","id":"2","of":"` + strings.Repeat("a", 4001) + `"}`, `{"task":"report","of":"a","id":"` + strings.Repeat("2", 65) + `"}`,
	} {
		ann.SendText(bad)
		var o outcome
		if ann.NextJSON(&o); o.State != "refused" || o.Error != "INVALID" || o.Again {
			t.Errorf("%.50s is answered with %+v", bad, o)
		}
	}
	ann.SendText(`{"task":"report","id":"2","of":"a","key":"k","user":"eve","answer":{"state":"won"}}`) // what is ours stays ours
	for range 2 {
		var o outcome
		if ann.NextJSON(&o); o.State != "queued" && (o.State != "done" || o.Characters != 1) {
			t.Errorf("heard %+v", o)
		}
	}
}
