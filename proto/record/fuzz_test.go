package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Whatever the bytes: no panic, no read outside the batch; what is accepted is
// within the bounds, and written again it is read as the same. The seeds are
// the corpus: see TestCorpusHoldsTheSeeds.
func FuzzReader(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:len(b):len(b)]
		before := bytes.Clone(b)
		r := NewReader(b)
		n := 0
		for r.Next() {
			n += len(r.Raw())
			if !r.Kind().Known() {
				continue
			}
			touch(&r)
			first := read(&r)
			again, err := write(r.Kind(), first)
			if err != nil {
				t.Fatalf("%v was read and cannot be written: %+v: %v", r.Kind(), first, err)
			}
			second := NewReader(again)
			if !second.Next() {
				t.Fatalf("%v was written and cannot be read: %+v: %v", r.Kind(), first, second.Err())
			}
			if got := read(&second); !reflect.DeepEqual(got, first) {
				t.Fatalf("%v: first %+v, then %+v", r.Kind(), first, got)
			}
		}
		if (r.Err() == nil) != (n == len(b)) {
			t.Fatalf("%d of %d bytes read, error %v", n, len(b), r.Err())
		}
		if !bytes.Equal(b, before) {
			t.Fatal("reading wrote into the batch")
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(uint64(1), uint32(2), uint32(3), true, false, []byte("0123456789abcdef"), []byte("hello"))
	f.Fuzz(func(t *testing.T, conn uint64, term, seq uint32, isBinary, redelivered bool, trace, payload []byte) {
		m := Message{Conn: conn, Term: term, Seq: seq, Binary: isBinary, Redelivered: redelivered, Payload: payload}
		copy(m.Trace[:], trace)
		roundTrip(t, KindMessage, m)
	})
}

func FuzzDone(f *testing.F) {
	f.Add(uint64(1), uint32(2), uint32(3), true, byte(3), []byte("one"), []byte("two"))
	f.Fuzz(func(t *testing.T, conn uint64, term, seq uint32, forget bool, replies byte, one, two []byte) {
		d := doneWant{Conn: conn, Term: term, Seq: seq, Forget: forget}
		for i := range replies % 8 {
			p := one
			if i%2 == 1 {
				p = two
			}
			d.Replies = append(d.Replies, Reply{Binary: replies>>(i%8)&1 != 0, Payload: p})
		}
		roundTrip(t, KindDone, d)
	})
}

func FuzzSend(f *testing.F) {
	f.Add(uint64(7), byte(3), byte(3), true, []byte("0123456789abcdef"), []byte("fedcba9876543210"), "typing", "a,b,c", []byte{1, 2, 3}, byte(2), "parley.v1.json", []byte("{}"), "")
	f.Add(uint64(8), byte(4), byte(1), false, []byte(nil), []byte(nil), "", "", []byte{1}, byte(1), "", []byte("{}"), "caocao,dongzhuo")
	f.Fuzz(func(t *testing.T, n uint64, target, class byte, want bool, once, trace []byte, key, names string, conns []byte, bodies byte, sub string, payload []byte, except string) {
		s := Send{N: n, Target: Target(target), Class: Class(class), WantResult: want, Key: key}
		copy(s.Once[:], once)
		copy(s.Trace[:], trace)
		if names != "" {
			s.Names = strings.Split(names, ",")
		}
		if except != "" {
			s.ExceptUsers = strings.Split(except, ",")
		}
		for i, c := range conns {
			if i%2 == 0 {
				s.Exclude = append(s.Exclude, uint64(c)<<56|uint64(i))
			} else if s.Target == ToConns {
				s.Conns = append(s.Conns, uint64(c)<<56|uint64(i))
			}
		}
		for i := range bodies % 6 {
			s.Bodies = append(s.Bodies, Body{Subprotocol: sub, Binary: i%2 == 0, Payload: payload})
		}
		roundTrip(t, KindSend, s)
	})
}

// roundTrip writes v and reads it; what the appender refuses is no failure.
func roundTrip(t *testing.T, k Kind, v any) {
	b, err := write(k, v)
	if err != nil {
		return
	}
	r := NewReader(b)
	if !r.Next() || len(r.Raw()) != len(b) {
		t.Fatalf("%+v: %v", v, r.Err())
	}
	got := read(&r)
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", v) { // as text, nil and empty are alike
		t.Fatalf("got %+v, want %+v", got, v)
	}
}

// write writes what read returned.
func write(k Kind, v any) ([]byte, error) {
	switch v := v.(type) {
	case Message:
		return AppendMessage(nil, v)
	case Event:
		return appendEvent(nil, k, v)
	case Revoked:
		return AppendRevoked(nil, v), nil
	case Delta:
		return AppendDelta(nil, v.Seq, v.Group, v.Removed, string(v.Name))
	case Result:
		return AppendResult(nil, v)
	case Command:
		return AppendCommand(nil, v)
	case doneWant:
		d := Done{Conn: v.Conn, Term: v.Term, Seq: v.Seq, Forget: v.Forget}
		for _, reply := range v.Replies {
			if err := d.Replies.Append(reply); err != nil {
				return nil, err
			}
		}
		return AppendDone(nil, d)
	case DoneWith:
		return AppendDoneWith(nil, v)
	case Send:
		return AppendSend(nil, &v)
	case Beat:
		return AppendBeat(nil, v), nil
	case Alone:
		return AppendAlone(nil, v), nil
	case uint64:
		return appendNumber(nil, k, v), nil
	case []byte:
		return appendBody(nil, k, v)
	case nil:
		return appendBare(nil, k), nil
	}
	return nil, fmt.Errorf("a %T", v)
}

// seeds are every sample, all of them in one batch, and every damaged record
// that is not large.
func seeds(t testing.TB) map[string][]byte {
	all := map[string][]byte{"whole-batch": wholeBatch(t)}
	for i, s := range samples() {
		b, err := s.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprintf("%s-%d", fileName(s.kind), i)] = b
	}
	for what, d := range damaged(t) {
		if len(d.b) < 1000 {
			all["damaged-"+strings.NewReplacer(" ", "-", ":", "", ",", "").Replace(what)] = d.b
		}
	}
	return all
}

// The corpus is committed, so that it also serves other versions and other
// implementations; it holds at least the seeds.
func TestCorpusHoldsTheSeeds(t *testing.T) {
	for name, b := range seeds(t) {
		path := filepath.Join("testdata", "fuzz", "FuzzReader", name)
		want := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s: out of date (go test -run Corpus -update rewrites it): %v", path, err)
		}
	}
}
