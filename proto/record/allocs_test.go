package record

import "testing"

// Neither writing nor reading allocates, whatever the record.
func TestNothingIsAllocated(t *testing.T) {
	buf := make([]byte, 0, 1<<16)
	for _, s := range samples() {
		b, err := s.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		write := testing.AllocsPerRun(100, func() {
			if _, err := s.append(buf); err != nil {
				t.Error(err)
			}
		})
		var sum uint64
		read := testing.AllocsPerRun(100, func() {
			r := NewReader(b)
			for r.Next() {
				sum += touch(&r)
			}
		})
		if write != 0 || read != 0 || sum == 0 {
			t.Errorf("%v %s: allocations: %v to write, %v to read (sum %d)", s.kind, s.name, write, read, sum)
		}
	}
}

func TestCollectingRepliesAllocatesNothingTheSecondTime(t *testing.T) {
	var p Replies
	buf, payload := make([]byte, 0, 1<<10), make([]byte, 100)
	n := testing.AllocsPerRun(100, func() {
		p.Reset()
		for range 3 {
			if err := p.Append(Reply{Payload: payload}); err != nil {
				t.Error(err)
			}
		}
		if _, err := AppendDone(buf, Done{Conn: 1, Replies: p}); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("allocations: got %v, want 0", n)
	}
}

// touch reads all fields of the current record the way a link does: names are
// looked up in a map, lists are iterated.
func touch(r *Reader) (sum uint64) {
	switch r.Kind() {
	case KindMessage:
		m := r.Message()
		sum = m.Conn + uint64(m.Seq) + uint64(len(m.Payload)) + uint64(m.Trace[0])
	case KindOpen, KindClosed, KindContext:
		sum = r.Event().Conn
	case KindRevoked:
		sum = r.Revoked().Conn
	case KindSnapshotEnd:
		sum = r.SnapshotEnd()
	case KindDelta:
		sum = uint64(len(r.Delta().Name)) + routes[string(r.Delta().Name)]
	case KindApplied:
		sum = r.Applied()
	case KindResult:
		sum = r.Result().N
	case KindGranted:
		sum = r.Granted()
	case KindAttached:
		sum = uint64(len(r.Attached()))
	case KindDone:
		d := r.Done()
		sum = d.Conn
		for v := range d.Replies.All() {
			sum += uint64(len(v.Payload))
		}
	case KindDoneWith:
		sum = r.DoneWith().Conn
	case KindSend:
		s := r.Send()
		sum = s.N + uint64(s.Exclude.Len()+s.Conns.Len()+s.Names.Len()+s.Bodies.Len())
		for c := range s.Exclude.All() {
			sum += c
		}
		for i := range s.Conns.Len() {
			sum += s.Conns.At(i)
		}
		for c := range s.Conns.All() {
			sum += c
		}
		for name := range s.Names.All() {
			sum += routes[string(name)]
		}
		for name := range s.ExceptUsers.All() {
			sum += routes[string(name)]
		}
		for b := range s.Bodies.All() {
			sum += uint64(len(b.Payload) + len(b.Subprotocol))
		}
	case KindCommand:
		sum = r.Command().N
	case KindDeltaAck:
		sum = r.DeltaAck()
	case KindBeat:
		sum = r.Beat().Token
	case KindAlone:
		sum = r.Alone().N
	case KindAloneNoted:
		sum = r.AloneNoted()
	case KindAttach:
		sum = uint64(len(r.Attach()))
	default:
		sum = 1
	}
	return sum
}

var routes = map[string]uint64{"liubei": 7}
