package record

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func big(n int) []byte { return make([]byte, n) }

// What is at its bound goes through; one more is refused, by the appender, and
// leaves dst as it was.
func TestAppendersRefuseWhatIsTooLarge(t *testing.T) {
	name := func(n int) string { return strings.Repeat("n", n) }
	one := []Body{{Payload: []byte("x")}}
	send := func(s Send) func([]byte) ([]byte, error) {
		return func(dst []byte) ([]byte, error) { return AppendSend(dst, &s) }
	}
	for _, c := range []struct {
		what        string
		fits, large func(dst []byte) ([]byte, error)
	}{
		{"Message payload",
			func(d []byte) ([]byte, error) { return AppendMessage(d, Message{Payload: big(MaxPayload)}) },
			func(d []byte) ([]byte, error) { return AppendMessage(d, Message{Payload: big(MaxPayload + 1)}) }},
		{"Open body",
			func(d []byte) ([]byte, error) { return AppendOpen(d, Event{Body: big(MaxBody)}) },
			func(d []byte) ([]byte, error) { return AppendOpen(d, Event{Body: big(MaxBody + 1)}) }},
		{"Closed body",
			func(d []byte) ([]byte, error) { return AppendClosed(d, Event{Body: big(MaxBody)}) },
			func(d []byte) ([]byte, error) { return AppendClosed(d, Event{Body: big(MaxBody + 1)}) }},
		{"Context body",
			func(d []byte) ([]byte, error) { return AppendContext(d, Event{Body: big(MaxBody)}) },
			func(d []byte) ([]byte, error) { return AppendContext(d, Event{Body: big(MaxBody + 1)}) }},
		{"Delta name",
			func(d []byte) ([]byte, error) { return AppendDelta(d, 1, true, false, name(MaxName)) },
			func(d []byte) ([]byte, error) { return AppendDelta(d, 1, true, false, name(MaxName+1)) }},
		{"Result body",
			func(d []byte) ([]byte, error) { return AppendResult(d, Result{Body: big(MaxBody)}) },
			func(d []byte) ([]byte, error) { return AppendResult(d, Result{Body: big(MaxBody + 1)}) }},
		{"Command body",
			func(d []byte) ([]byte, error) { return AppendCommand(d, Command{Body: big(MaxBody)}) },
			func(d []byte) ([]byte, error) { return AppendCommand(d, Command{Body: big(MaxBody + 1)}) }},
		{"Attach body",
			func(d []byte) ([]byte, error) { return AppendAttach(d, big(MaxBody)) },
			func(d []byte) ([]byte, error) { return AppendAttach(d, big(MaxBody+1)) }},
		{"Attached body",
			func(d []byte) ([]byte, error) { return AppendAttached(d, big(MaxBody)) },
			func(d []byte) ([]byte, error) { return AppendAttached(d, big(MaxBody+1)) }},
		{"DoneWith body",
			func(d []byte) ([]byte, error) { return AppendDoneWith(d, DoneWith{Body: big(MaxBody)}) },
			func(d []byte) ([]byte, error) { return AppendDoneWith(d, DoneWith{Body: big(MaxBody + 1)}) }},
		{"Send payload",
			send(Send{Target: ToAll, Class: Must, Bodies: []Body{{Payload: big(MaxPayload)}}}),
			send(Send{Target: ToAll, Class: Must, Bodies: []Body{{Payload: big(MaxPayload + 1)}}})},
		{"Send subprotocol",
			send(Send{Target: ToAll, Class: Must, Bodies: []Body{{Subprotocol: name(MaxSubprotocol)}}}),
			send(Send{Target: ToAll, Class: Must, Bodies: []Body{{Subprotocol: name(MaxSubprotocol + 1)}}})},
		{"Send bodies",
			send(Send{Target: ToAll, Class: Must, Bodies: make([]Body, MaxBodies)}),
			send(Send{Target: ToAll, Class: Must, Bodies: make([]Body, MaxBodies+1)})},
		{"Send key",
			send(Send{Target: ToAll, Class: Merge, Key: name(MaxName), Bodies: one}),
			send(Send{Target: ToAll, Class: Merge, Key: name(MaxName + 1), Bodies: one})},
		{"Send conns",
			send(Send{Target: ToConns, Class: Must, Conns: make([]uint64, MaxTargets), Bodies: one}),
			send(Send{Target: ToConns, Class: Must, Conns: make([]uint64, MaxTargets+1), Bodies: one})},
		{"Send exclude",
			send(Send{Target: ToAll, Class: Must, Exclude: make([]uint64, MaxTargets), Bodies: one}),
			send(Send{Target: ToAll, Class: Must, Exclude: make([]uint64, MaxTargets+1), Bodies: one})},
		{"Send name",
			send(Send{Target: ToUsers, Class: Must, Names: []string{name(MaxName)}, Bodies: one}),
			send(Send{Target: ToUsers, Class: Must, Names: []string{name(MaxName + 1)}, Bodies: one})},
		{"Send except users",
			send(Send{Target: ToAll, Class: Must, ExceptUsers: slices.Repeat([]string{"u"}, MaxExceptUsers), Bodies: one}),
			send(Send{Target: ToAll, Class: Must, ExceptUsers: slices.Repeat([]string{"u"}, MaxExceptUsers+1), Bodies: one})},
		{"Send except user's name",
			send(Send{Target: ToAll, Class: Must, ExceptUsers: []string{name(MaxName)}, Bodies: one}),
			send(Send{Target: ToAll, Class: Must, ExceptUsers: []string{name(MaxName + 1)}, Bodies: one})},
		{"Send length",
			send(Send{Target: ToAll, Class: Must, Bodies: []Body{{Payload: big(MaxPayload)}, {Payload: big(MaxPayload)}, {Payload: big(MaxPayload)}}}),
			send(Send{Target: ToAll, Class: Must, Bodies: []Body{{Payload: big(MaxPayload)}, {Payload: big(MaxPayload)}, {Payload: big(MaxPayload)}, {Payload: big(MaxPayload)}}})},
	} {
		b, err := c.fits(nil)
		r := NewReader(b)
		if err != nil || !r.Next() {
			t.Errorf("%s at its bound: %v, %v", c.what, err, r.Err())
		}
		b, err = c.large([]byte("as it was"))
		if !errors.Is(err, ErrTooLarge) || string(b) != "as it was" {
			t.Errorf("%s above its bound: got %d bytes, error %v", c.what, len(b), err)
		}
	}
}

func TestAppendersRefuseContradictions(t *testing.T) {
	one := []Body{{}}
	for what, s := range map[string]Send{
		"no target kind":     {Class: Must, Bodies: one},
		"no class":           {Target: ToAll, Bodies: one},
		"no bodies":          {Target: ToAll, Class: Must},
		"merge without key":  {Target: ToAll, Class: Merge, Bodies: one},
		"all with conns":     {Target: ToAll, Class: Must, Conns: []uint64{1}, Bodies: one},
		"all with names":     {Target: ToAll, Class: Must, Names: []string{"a"}, Bodies: one},
		"users with conns":   {Target: ToUsers, Class: Must, Conns: []uint64{1}, Bodies: one},
		"conns with names":   {Target: ToConns, Class: Must, Names: []string{"a"}, Bodies: one},
		"an empty name":      {Target: ToGroups, Class: Must, Names: []string{"a", ""}, Bodies: one},
		"unknown target":     {Target: ToAll + 1, Class: Must, Bodies: one},
		"unknown class":      {Target: ToAll, Class: Merge + 1, Key: "k", Bodies: one},
		"except nobody's":    {Target: ToAll, Class: Must, ExceptUsers: []string{""}, Bodies: one},
		"groups, both lists": {Target: ToGroups, Class: Must, Conns: []uint64{1}, Names: []string{"a"}, Bodies: one},
	} {
		if _, err := AppendSend(nil, &s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", what, err)
		}
	}
	if _, err := AppendDelta(nil, 1, false, false, ""); !errors.Is(err, ErrMalformed) {
		t.Errorf("delta of nobody: got %v, want ErrMalformed", err)
	}
}

func TestRepliesAreBounded(t *testing.T) {
	var p Replies
	if err := p.Append(Reply{Payload: big(MaxPayload + 1)}); !errors.Is(err, ErrTooLarge) || p.Size() != 0 {
		t.Errorf("a payload too large: %v, size %d", err, p.Size())
	}
	var err error
	n := 0
	for ; err == nil; n++ {
		err = p.Append(Reply{Payload: big(MaxPayload / 2)})
	}
	if !errors.Is(err, ErrTooLarge) || n != 8 {
		t.Errorf("reply %d: %v", n, err)
	}
	b, err := AppendDone(nil, Done{Replies: p})
	r := NewReader(b)
	if err != nil || !r.Next() {
		t.Errorf("Done with all that fits: %v, %v", err, r.Err())
	}
}

// damaged are records that are wrong, and how.
func damaged(t testing.TB) map[string]struct {
	b    []byte
	kind Kind
	err  error
} {
	type damage = struct {
		b    []byte
		kind Kind
		err  error
	}
	all := map[string]damage{}
	add := func(what string, err error, k Kind, write func(dst []byte) ([]byte, error), spoil func(rec []byte) []byte) {
		b, writeErr := write(nil)
		if writeErr != nil {
			t.Fatal(writeErr)
		}
		all[what] = damage{spoil(b), k, err}
	}
	set := func(at int, v byte) func([]byte) []byte {
		return func(rec []byte) []byte { rec[at] = v; return rec }
	}
	put32 := func(at int, v uint32) func([]byte) []byte {
		return func(rec []byte) []byte { le.PutUint32(rec[at:], v); return rec }
	}
	more := func(n int) func([]byte) []byte {
		return func(rec []byte) []byte {
			rec = append(rec, big(n)...)
			le.PutUint32(rec, uint32(len(rec)))
			return rec
		}
	}
	applied := func(d []byte) ([]byte, error) { return AppendApplied(d, 1), nil }
	message := func(d []byte) ([]byte, error) { return AppendMessage(d, Message{Payload: []byte("hello")}) }
	bodied := func(d []byte) ([]byte, error) { return AppendCommand(d, Command{}) }
	delta := func(d []byte) ([]byte, error) { return AppendDelta(d, 1, true, true, "x") }
	done := func(d []byte) ([]byte, error) {
		var p Replies
		return AppendDone(d, Done{Replies: p}) // replies are added by more
	}
	replied := func(d []byte) ([]byte, error) {
		var p Replies
		if err := p.Append(Reply{Payload: []byte("hello")}); err != nil {
			return nil, err
		}
		return AppendDone(d, Done{Replies: p})
	}
	send := func(d []byte) ([]byte, error) {
		return AppendSend(d, &Send{Target: ToUsers, Class: Merge, Key: "k", Exclude: []uint64{1}, Names: []string{"ab"}, Bodies: []Body{{Payload: []byte("x")}}})
	}
	conns := func(d []byte) ([]byte, error) {
		return AppendSend(d, &Send{Target: ToConns, Class: Must, Conns: []uint64{1}, Bodies: []Body{{}}})
	}
	except := func(d []byte) ([]byte, error) {
		return AppendSend(d, &Send{Target: ToUsers, Class: Must, Names: []string{"ab"}, ExceptUsers: []string{"cd"}, Bodies: []Body{{Payload: []byte("x")}}})
	}
	beat := func(d []byte) ([]byte, error) { return AppendBeat(d, Beat{}), nil }
	const body = sendHead + 1 + 8 // where the first item of send begins: behind key and exclude

	add("kind 0", ErrMalformed, 0, applied, set(4, 0))
	add("length 0", ErrMalformed, KindApplied, applied, put32(0, 0))
	add("length below header", ErrMalformed, KindApplied, applied, put32(0, 7))
	add("length above batch", ErrTruncated, KindApplied, applied, put32(0, 17))
	add("length above all", ErrTooLarge, KindApplied, applied, put32(0, MaxRecord+1))
	add("length negative as int32", ErrTooLarge, KindApplied, applied, put32(0, 1<<31))
	add("head below header", ErrMalformed, KindMessage, message, set(6, 7))
	add("head below the fixed fields", ErrMalformed, KindMessage, message, set(6, 23))
	add("head above length", ErrMalformed, KindMessage, message, set(6, 200))
	add("fixed record with a tail", ErrMalformed, KindApplied, applied, more(1))
	add("trace without its bytes", ErrMalformed, KindMessage, message, set(5, flagTrace))
	add("load without its bytes", ErrMalformed, KindBeat, beat, set(5, flagLoad))
	add("payload too large", ErrTooLarge, KindMessage, message, more(MaxPayload))
	add("body too large", ErrTooLarge, KindCommand, bodied, more(MaxBody+1))
	add("name too large", ErrTooLarge, KindDelta, delta, more(MaxName))
	add("name empty", ErrMalformed, KindDelta, delta, func(rec []byte) []byte { put32(0, numberHead)(rec); return rec[:numberHead] })
	add("reply cut in its header", ErrTruncated, KindDone, done, more(7))
	add("reply cut in its payload", ErrTruncated, KindDone, replied, put32(eventHead, 6))
	add("reply too large", ErrTooLarge, KindDone, replied, put32(eventHead, MaxPayload+1))
	add("reply with subprotocol", ErrMalformed, KindDone, replied, func(rec []byte) []byte {
		rec[eventHead], rec[eventHead+5] = 4, 1 // "h" is the name, "ello" the payload
		return rec
	})
	add("reply, then a rest", ErrTruncated, KindDone, replied, put32(eventHead, 4))
	add("send: target 0", ErrMalformed, KindSend, send, set(16, 0))
	add("send: target 5", ErrMalformed, KindSend, send, set(16, 5))
	add("send: class 0", ErrMalformed, KindSend, send, set(17, 0))
	add("send: class 4", ErrMalformed, KindSend, send, set(17, 4))
	add("send: no bodies", ErrMalformed, KindSend, send, set(18, 0))
	add("send: five bodies", ErrTooLarge, KindSend, send, set(18, 5))
	add("send: merge without key", ErrMalformed, KindSend, send, set(20, 0))
	add("send: key too long", ErrTooLarge, KindSend, send, set(21, 5))
	add("send: key above record", ErrTruncated, KindSend, send, set(20, 200))
	add("send: too many targets", ErrTooLarge, KindSend, send, put32(24, MaxTargets+1))
	add("send: too many excluded", ErrTooLarge, KindSend, send, put32(28, 1<<31))
	add("send: excluded above record", ErrTruncated, KindSend, send, put32(28, 1000))
	add("send: more targets than there are", ErrTruncated, KindSend, send, put32(24, 2))
	add("send: fewer targets than there are", ErrMalformed, KindSend, send, put32(24, 0))
	add("send: once without its bytes", ErrMalformed, KindSend, send, set(5, flagOnce))
	add("send: once and trace in 16 bytes", ErrMalformed, KindSend, send, func(rec []byte) []byte {
		rec[5], rec[6] = flagOnce|flagTrace, sendHead+16
		return rec
	})
	add("send: body above record", ErrTruncated, KindSend, send, put32(body, 1000))
	add("send: body too large", ErrTooLarge, KindSend, send, put32(body, MaxPayload+1))
	add("send: name empty", ErrMalformed, KindSend, send, set(body+itemSize+1, 0))
	add("send: name above record", ErrTruncated, KindSend, send, set(body+itemSize+1, 3))
	add("send: all with targets", ErrMalformed, KindSend, send, set(16, byte(ToAll)))
	add("send: conns with a rest", ErrMalformed, KindSend, conns, more(1))
	add("send: except nobody", ErrMalformed, KindSend, except, put32(sendHead, 0))
	add("send: except more than there are", ErrTruncated, KindSend, except, put32(sendHead, 2))
	add("send: except too many", ErrTooLarge, KindSend, except, put32(sendHead, 1<<31))
	add("send: except above record", ErrTruncated, KindSend, except, put32(sendHead+4, 1<<31))
	add("send: except and targets overlap", ErrMalformed, KindSend, except, put32(sendHead+4, 8))
	add("send: except fewer bytes than a name", ErrTruncated, KindSend, except, put32(sendHead+4, 1))
	add("send: except without its fields", ErrMalformed, KindSend, send, set(5, flagExceptUsers))
	add("send: what 1.0 makes of excluded users", ErrMalformed, KindSend, except, set(5, 0))
	add("send: what 1.0 makes of excluded users of all", ErrMalformed, KindSend, func(d []byte) ([]byte, error) {
		return AppendSend(d, &Send{Target: ToAll, Class: Must, ExceptUsers: []string{"cd"}, Bodies: []Body{{}}})
	}, set(5, 0))
	add("send: what 1.0 makes of excluded users of conns", ErrMalformed, KindSend, func(d []byte) ([]byte, error) {
		return AppendSend(d, &Send{Target: ToConns, Class: Must, Conns: []uint64{1}, ExceptUsers: []string{"cdefgh"}, Bodies: []Body{{}}})
	}, set(5, 0))
	add("send: fewer conns than said", ErrMalformed, KindSend, conns, put32(24, 2))
	return all
}

func TestDamagedRecordsAreTypedErrors(t *testing.T) {
	good := AppendApplied(nil, 1)
	for what, d := range damaged(t) {
		r := NewReader(append(good[:len(good):len(good)], d.b...))
		if !r.Next() {
			t.Fatalf("%s: the good record before it: %v", what, r.Err())
		}
		if r.Next() {
			t.Errorf("%s: accepted", what)
			continue
		}
		var e *Error
		if err := r.Err(); !errors.Is(err, d.err) || !errors.As(err, &e) || e.Kind != d.kind || e.Offset != len(good) || e.What == "" {
			t.Errorf("%s: got %v, want %v of %v at %d", what, err, d.err, d.kind, len(good))
		}
		if r.Next() || r.Kind() != 0 || r.Raw() != nil {
			t.Errorf("%s: the reader goes on after an error", what)
		}
	}
}
