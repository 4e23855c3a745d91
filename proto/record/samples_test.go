package record

import (
	"bytes"
	"slices"
	"strings"
)

// A sample is a record as a caller writes it and as a caller reads it.
type sample struct {
	name   string
	kind   Kind
	append func(dst []byte) ([]byte, error)
	want   any // what read returns for it
}

var (
	someTrace = Trace{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}
	someOnce  = Once{0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf}
)

const someConn = 0x1122334455667788

// samples has every kind, and every optional field there and not.
func samples() []sample {
	var all []sample
	add := func(name string, k Kind, want any, write func(dst []byte) ([]byte, error)) {
		all = append(all, sample{name, k, write, want})
	}
	bare := func(name string, k Kind, write func([]byte) []byte) {
		add(name, k, nil, func(dst []byte) ([]byte, error) { return write(dst), nil })
	}
	number := func(name string, k Kind, n uint64, write func([]byte, uint64) []byte) {
		add(name, k, n, func(dst []byte) ([]byte, error) { return write(dst, n), nil })
	}
	message := func(name string, m Message) {
		add(name, KindMessage, m, func(dst []byte) ([]byte, error) { return AppendMessage(dst, m) })
	}
	event := func(name string, k Kind, e Event) {
		add(name, k, e, func(dst []byte) ([]byte, error) {
			switch k {
			case KindOpen:
				return AppendOpen(dst, e)
			case KindClosed:
				return AppendClosed(dst, e)
			}
			return AppendContext(dst, e)
		})
	}
	delta := func(name string, d Delta) {
		add(name, KindDelta, d, func(dst []byte) ([]byte, error) {
			return AppendDelta(dst, d.Seq, d.Group, d.Removed, string(d.Name))
		})
	}
	send := func(name string, s Send) {
		add(name, KindSend, s, func(dst []byte) ([]byte, error) { return AppendSend(dst, &s) })
	}

	message("text", Message{Conn: someConn, Term: 3, Seq: 41, Payload: []byte("hello")})
	message("binary, redelivered, with trace", Message{Conn: someConn, Term: 4, Seq: 42, Binary: true, Redelivered: true, Trace: someTrace, Payload: []byte{0xff, 0x00}})
	message("empty", Message{Conn: someConn, Term: 3, Seq: 43})
	event("the first of a conn", KindOpen, Event{Conn: someConn, Term: 1, Seq: 1, Body: []byte{0x10, 0x88, 0x27}})
	event("redelivered", KindClosed, Event{Conn: someConn, Term: 3, Seq: 44, Redelivered: true, Body: []byte{0x08, 0xe9, 0x07}})
	event("before an event", KindContext, Event{Conn: someConn, Term: 4, Body: []byte{0x12, 0x01, 'a'}})
	add("a conn that has moved", KindRevoked, Revoked{Conn: someConn, Term: 4}, func(dst []byte) ([]byte, error) {
		return AppendRevoked(dst, Revoked{Conn: someConn, Term: 4}), nil
	})
	bare("whole", KindSnapshotBegin, AppendSnapshotBegin)
	number("in step", KindSnapshotEnd, 900, AppendSnapshotEnd)
	delta("a user comes, within a snapshot", Delta{Name: []byte("liubei")})
	delta("a group goes", Delta{Seq: 901, Group: true, Removed: true, Name: []byte("room:7")})
	number("cumulative", KindApplied, 17, AppendApplied)
	add("answer", KindResult, Result{N: 18, Body: []byte{0x08, 0x01}}, func(dst []byte) ([]byte, error) {
		return AppendResult(dst, Result{N: 18, Body: []byte{0x08, 0x01}})
	})
	number("answer to a beat", KindGranted, 0x0102030405060708, AppendGranted)
	bare("whole", KindLeaving, AppendLeaving)
	add("first", KindAttached, []byte{0x08, 0x11}, func(dst []byte) ([]byte, error) { return AppendAttached(dst, []byte{0x08, 0x11}) })
	bare("whole", KindDrained, AppendDrained)

	done := func(name string, forget bool, replies ...Reply) {
		d := Done{Conn: someConn, Term: 3, Seq: 41, Forget: forget}
		for _, v := range replies {
			if err := d.Replies.Append(v); err != nil {
				panic(err)
			}
		}
		add(name, KindDone, doneWant{d.Conn, d.Term, d.Seq, d.Forget, replies}, func(dst []byte) ([]byte, error) { return AppendDone(dst, d) })
	}
	done("without reply", true)
	done("one reply", false, Reply{Payload: []byte("Server: hello")})
	done("two replies", false, Reply{Payload: []byte("a")}, Reply{Binary: true, Payload: []byte{0, 1}})
	with := DoneWith{Conn: someConn, Term: 1, Seq: 1, Forget: true, Body: []byte{0x0a, 0x00}}
	add("the answer to Open", KindDoneWith, with, func(dst []byte) ([]byte, error) { return AppendDoneWith(dst, with) })
	send("to a group", Send{N: 7, Target: ToGroups, Class: Must, Names: []string{"room:7"}, Bodies: []Body{{Payload: []byte(`{"a":1}`)}}})
	send("to conns", Send{N: 8, Target: ToConns, Class: Droppable, WantResult: true, Conns: []uint64{someConn, 2}, Bodies: []Body{{Binary: true, Payload: []byte{9}}}})
	send("to everyone but one", Send{N: 9, Target: ToAll, Class: Merge, Key: "typing:7", Exclude: []uint64{someConn}, Bodies: []Body{{Payload: []byte("{}")}}})
	send("to users, all fields", Send{N: 10, Target: ToUsers, Class: Must, WantResult: true, Once: someOnce, Trace: someTrace,
		Names: []string{"liubei", "guanyu"}, Exclude: []uint64{someConn},
		Bodies: []Body{{Payload: []byte("{}")}, {Subprotocol: "parley.v1.proto", Binary: true, Payload: []byte{1, 2, 3}}}})
	add("bind", KindCommand, Command{N: 11, Body: []byte{0x0a, 0x00}}, func(dst []byte) ([]byte, error) {
		return AppendCommand(dst, Command{N: 11, Body: []byte{0x0a, 0x00}})
	})
	number("cumulative", KindDeltaAck, 901, AppendDeltaAck)
	beat := Beat{Token: 0x0102030405060708, Awaiting: 11}
	add("sign of life", KindBeat, beat, func(dst []byte) ([]byte, error) { return AppendBeat(dst, beat), nil })
	bare("whole", KindDraining, AppendDraining)
	add("first", KindAttach, []byte{0x08, 0x01}, func(dst []byte) ([]byte, error) { return AppendAttach(dst, []byte{0x08, 0x01}) })
	send("to everyone but two users", Send{N: 12, Target: ToAll, Class: Must, ExceptUsers: []string{"caocao", "dongzhuo"}, Bodies: []Body{{Payload: []byte("{}")}}})
	send("to groups but for a user and a conn, all fields", Send{N: 13, Target: ToGroups, Class: Merge, Key: "k", WantResult: true, Once: someOnce, Trace: someTrace,
		Names: []string{"shu", "wu"}, Exclude: []uint64{someConn}, ExceptUsers: []string{"caocao"}, Bodies: []Body{{Payload: []byte("{}")}}})
	send("to conns but for a user", Send{N: 14, Target: ToConns, Class: Must, Conns: []uint64{someConn}, ExceptUsers: []string{"caocao"}, Bodies: []Body{{}}})
	loaded := Beat{Token: 0x0102030405060709, Awaiting: 11, Load: 345, HasLoad: true}
	add("with load", KindBeat, loaded, func(dst []byte) ([]byte, error) { return AppendBeat(dst, loaded), nil })
	bare("whole", KindDrain, AppendDrain)
	message("alone", Message{Conn: someConn, Term: 5, Seq: 42, Redelivered: true, Alone: true, Payload: []byte("hello")})
	event("alone", KindOpen, Event{Conn: someConn, Term: 4, Seq: 1, Redelivered: true, Alone: true, Body: []byte{0x10, 0x88, 0x27}})
	event("alone", KindClosed, Event{Conn: someConn, Term: 6, Seq: 44, Redelivered: true, Alone: true, Body: []byte{0x08, 0xe9, 0x07}})
	number("answer", KindAloneNoted, 3, AppendAloneNoted)
	alone := func(name string, a Alone) {
		add(name, KindAlone, a, func(dst []byte) ([]byte, error) { return AppendAlone(dst, a), nil })
	}
	alone("begins", Alone{N: 3, Conn: someConn, Term: 5, Seq: 42})
	alone("of another gateway, begins", Alone{N: 3})
	alone("is over", Alone{N: 3, Conn: someConn, Term: 5, Seq: 42, Over: true})
	return all
}

// doneWant is a Done whose replies can be compared.
type doneWant struct {
	Conn      uint64
	Term, Seq uint32
	Forget    bool
	Replies   []Reply
}

// read returns the current record as values that reflect.DeepEqual compares,
// copied out of the batch.
func read(r *Reader) any {
	switch r.Kind() {
	case KindMessage:
		m := r.Message()
		m.Payload = bytes.Clone(m.Payload)
		return m
	case KindOpen, KindClosed, KindContext:
		e := r.Event()
		e.Body = bytes.Clone(e.Body)
		return e
	case KindRevoked:
		return r.Revoked()
	case KindSnapshotEnd:
		return r.SnapshotEnd()
	case KindDelta:
		d := r.Delta()
		d.Name = bytes.Clone(d.Name)
		return d
	case KindApplied:
		return r.Applied()
	case KindAloneNoted:
		return r.AloneNoted()
	case KindAlone:
		return r.Alone()
	case KindResult:
		v := r.Result()
		v.Body = bytes.Clone(v.Body)
		return v
	case KindGranted:
		return r.Granted()
	case KindAttached:
		return bytes.Clone(r.Attached())
	case KindDone:
		d := r.Done()
		w := doneWant{d.Conn, d.Term, d.Seq, d.Forget, nil}
		for v := range d.Replies.All() {
			w.Replies = append(w.Replies, Reply{v.Binary, bytes.Clone(v.Payload)})
		}
		return w
	case KindDoneWith:
		d := r.DoneWith()
		d.Body = bytes.Clone(d.Body)
		return d
	case KindSend:
		return writable(r.Send())
	case KindCommand:
		c := r.Command()
		c.Body = bytes.Clone(c.Body)
		return c
	case KindDeltaAck:
		return r.DeltaAck()
	case KindBeat:
		return r.Beat()
	case KindAttach:
		return bytes.Clone(r.Attach())
	}
	return nil
}

// writable turns what was read into what is written.
func writable(v SendView) Send {
	s := Send{N: v.N, Target: v.Target, Class: v.Class, WantResult: v.WantResult, Once: v.Once, Trace: v.Trace,
		Key: string(v.Key), Conns: v.Conns.AppendTo(nil), Exclude: slices.Collect(v.Exclude.All())}
	for name := range v.Names.All() {
		s.Names = append(s.Names, string(name))
	}
	for name := range v.ExceptUsers.All() {
		s.ExceptUsers = append(s.ExceptUsers, string(name))
	}
	for b := range v.Bodies.All() {
		s.Bodies = append(s.Bodies, Body{string(b.Subprotocol), b.Binary, bytes.Clone(b.Payload)})
	}
	return s
}

// fileName is "snapshot-begin" for SnapshotBegin.
func fileName(k Kind) string {
	var s strings.Builder
	for i, c := range k.String() {
		if i > 0 && c >= 'A' && c <= 'Z' {
			s.WriteByte('-')
		}
		s.WriteString(strings.ToLower(string(c)))
	}
	return s.String()
}
