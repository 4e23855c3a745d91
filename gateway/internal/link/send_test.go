package link_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func smallQueues(_ *link.Config, s *ws.Config, _ *hub.Config) { s.QueueBytes = 128 << 10 }

func text(s string) []record.Body { return []record.Body{{Payload: []byte(s)}} }

// crowd lets in conns with these users, all in group g, and returns them with
// their ids.
func (r *rig) crowd(w *worker, users ...string) (clients []*client, ids []uint64) {
	r.t.Helper()
	for _, user := range users {
		c, e := r.met(w)
		w.ask(bind(ref(e.conn, e.term), user))
		w.ask(join(target(ref(e.conn, e.term)), "g", "of "+user))
		w.done(e)
		clients, ids = append(clients, c), append(ids, e.conn)
	}
	return clients, ids
}

func TestSendsReachWhomTheyName(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	clients, ids := r.crowd(w, "a", "b", "b", "c")
	for i, test := range []struct {
		send                 record.Send
		who                  []int
		hit, missed, dropped uint32
		offline              []string
	}{
		{send: record.Send{Target: record.ToConns, Conns: ids[:1]}, who: []int{0}, hit: 1},
		{send: record.Send{Target: record.ToConns, Conns: []uint64{ids[0], ids[1], ids[0], 99}}, who: []int{0, 1}, hit: 2, missed: 1},
		{send: record.Send{Target: record.ToConns, Conns: []uint64{98}}, missed: 1},
		{send: record.Send{Target: record.ToConns, Conns: ids, Exclude: ids[1:3]}, who: []int{0, 3}, hit: 2},
		{send: record.Send{Target: record.ToConns, Conns: ids[:1], Exclude: ids[:1]}},
		{send: record.Send{Target: record.ToUsers, Names: []string{"b"}}, who: []int{1, 2}, hit: 2},
		{send: record.Send{Target: record.ToUsers, Names: []string{"b", "c", "zz", "yy"}, Exclude: ids[1:2]}, who: []int{2, 3}, hit: 2, missed: 2, offline: []string{"zz", "yy"}},
		{send: record.Send{Target: record.ToGroups, Names: []string{"g", "of c", "nobody's"}}, who: []int{0, 1, 2, 3}, hit: 4, missed: 1},
		{send: record.Send{Target: record.ToAll, Exclude: ids[3:]}, who: []int{0, 1, 2}, hit: 3},
		{send: record.Send{Target: record.ToAll, ExceptUsers: []string{"b", "nobody"}}, who: []int{0, 3}, hit: 2},
		{send: record.Send{Target: record.ToGroups, Names: []string{"g", "of b"}, Exclude: ids[:1], ExceptUsers: []string{"b"}}, who: []int{3}, hit: 1},
		{send: record.Send{Target: record.ToUsers, Names: []string{"a", "b"}, ExceptUsers: []string{"b"}}, who: []int{0}, hit: 1},
		{send: record.Send{Target: record.ToConns, Conns: ids[2:3], ExceptUsers: []string{"b"}}},
		{send: record.Send{Target: record.ToConns, Conns: ids, ExceptUsers: slices.Repeat([]string{"b"}, record.MaxExceptUsers)}, who: []int{0, 3}, hit: 2},
	} {
		body := fmt.Sprint("send ", i)
		test.send.Bodies, test.send.WantResult = text(body), true
		got := w.result(w.send(test.send))
		if got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetHit() != test.hit || got.GetMissed() != test.missed || got.GetDropped() != test.dropped || !slices.Equal(got.GetOffline(), test.offline) {
			t.Errorf("send %d: got %v", i, got)
		}
		for _, who := range test.who {
			clients[who].expect(body)
		}
	}
	// Nobody got anything that was not expected: the next frame is this one.
	w.send(record.Send{Target: record.ToAll, Bodies: text("end")})
	for _, c := range clients {
		c.expect("end")
	}
}

func TestSendOnceIsAppliedOnce(t *testing.T) {
	r := newRig(t)
	a, b := r.attach(script{node: "a"}), r.attach(script{node: "b", noEvents: true})
	clients, _ := r.crowd(a, "u")
	s := record.Send{Target: record.ToUsers, Names: []string{"u"}, Once: record.Once{7}, WantResult: true, Bodies: text("once")}
	if got := a.result(a.send(s)); got.GetHit() != 1 || got.GetDuplicate() {
		t.Errorf("first: got %v", got)
	}
	if got := b.result(b.send(s)); got.GetHit() != 0 || !got.GetDuplicate() {
		t.Errorf("second, of another worker: got %v", got)
	}
	s.Once = record.Once{8}
	a.send(s)
	clients[0].expect("once")
	clients[0].expect("once")
	a.send(record.Send{Target: record.ToAll, Bodies: text("end")})
	clients[0].expect("end")
}

func TestSendBeforeAckReachesTheSocketFirst(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c, e := r.met(w)
	records, _ := record.AppendSend(nil, &record.Send{N: 1, Target: record.ToConns, Class: record.Must, Conns: []uint64{e.conn}, Bodies: text("send")})
	w.give(appendDone(records, e.conn, e.term, e.seq, "reply"))
	c.expect("send")
	c.expect("reply")
}

func TestBodiesBySubprotocol(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{answer: &gatewayv1.OpenAnswer{Subprotocol: "json"}})
	json := r.enter("Sec-WebSocket-Protocol: json")
	w.script.answer = &gatewayv1.OpenAnswer{Subprotocol: "proto"}
	proto := r.enter("Sec-WebSocket-Protocol: proto")
	for _, bodies := range [][]record.Body{
		{{Payload: []byte("{}")}, {Subprotocol: "proto", Binary: true, Payload: []byte{0xff}}},
		{{Subprotocol: "proto", Binary: true, Payload: []byte{0xff}}, {Payload: []byte("{}")}},
	} {
		w.send(record.Send{Target: record.ToAll, Bodies: bodies})
		json.expect("{}")
		if op, body, err := proto.frame(); op != opBinary || string(body) != "\xff" {
			t.Errorf("the other body: got %d %q %v", op, body, err)
		}
	}
	for name, bodies := range map[string][]record.Body{
		"none for everybody":     {{Subprotocol: "proto", Payload: []byte("x")}},
		"two for everybody":      {{Payload: []byte("x")}, {Payload: []byte("y")}},
		"two for others":         {{Payload: []byte("x")}, {Subprotocol: "a", Payload: []byte("y")}, {Subprotocol: "b", Payload: []byte("z")}},
		"text that is not UTF-8": {{Payload: []byte("\xff")}},
		"other is not UTF-8":     {{Payload: []byte("x")}, {Subprotocol: "a", Payload: []byte("\xff")}},
	} {
		if got := w.result(w.send(record.Send{Target: record.ToAll, WantResult: true, Bodies: bodies})); got.GetStatus() != gatewayv1.Status_STATUS_INVALID || got.GetMessage() == "" {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if got := r.link.Stats().BadFrames.Load(); got != 5 {
		t.Errorf("bad frames: got %d, want 5", got)
	}
	json.silent(20e6)
}

// An invalid send takes nothing with it: neither its once-key nor its number.
func TestInvalidSendUsesNoOnceKey(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c := r.enter()
	w.send(record.Send{Target: record.ToAll, Once: record.Once{1}, Bodies: text("\xff")})
	w.send(record.Send{Target: record.ToAll, Once: record.Once{1}, Bodies: text("good")})
	c.expect("good")
}

func TestClassesWhenAQueueIsFull(t *testing.T) {
	r := newRig(t, smallQueues)
	w := r.attach(script{})
	c := r.enter()
	big := make([]byte, 60<<10)
	for i := range big {
		big[i] = 'x'
	}
	fill := record.Send{Target: record.ToAll, Class: record.Droppable, WantResult: true, Bodies: []record.Body{{Payload: big}}}
	for w.result(w.send(fill)).GetDropped() == 0 {
	}
	if got := w.result(w.send(fill)); got.GetDropped() != 1 || got.GetHit() != 0 {
		t.Errorf("droppable: got %v", got)
	}
	merge := record.Send{Target: record.ToAll, Class: record.Merge, Key: "presence", WantResult: true, Bodies: text("1")}
	w.send(merge)
	merge.Bodies = text("2")
	if got := w.result(w.send(merge)); got.GetHit() != 1 {
		t.Errorf("merge: got %v", got)
	}
	must := record.Send{Target: record.ToAll, WantResult: true, Bodies: []record.Body{{Payload: big}}}
	for w.result(w.send(must)).GetHit() == 1 {
	}
	c.expectClose(4001)
}
