package record

import (
	"errors"
	"reflect"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, s := range samples() {
		b, err := s.append(nil)
		if err != nil {
			t.Errorf("%s %s: %v", s.kind, s.name, err)
			continue
		}
		r := NewReader(b)
		if !r.Next() || r.Kind() != s.kind {
			t.Errorf("%s %s: got kind %v, error %v", s.kind, s.name, r.Kind(), r.Err())
			continue
		}
		if got := read(&r); !reflect.DeepEqual(got, s.want) {
			t.Errorf("%s %s:\n got %+v\nwant %+v", s.kind, s.name, got, s.want)
		}
		if r.Next() || r.Err() != nil || r.Kind() != 0 {
			t.Errorf("%s %s: after the record: kind %v, error %v", s.kind, s.name, r.Kind(), r.Err())
		}
	}
}

func TestSamplesHaveEveryKind(t *testing.T) {
	seen := map[Kind]bool{}
	for _, s := range samples() {
		seen[s.kind] = true
	}
	for k := range 256 {
		if kind := Kind(k); kind.Known() != seen[kind] {
			t.Errorf("%v: known %v, has a sample %v", kind, kind.Known(), seen[kind])
		}
	}
}

// wholeBatch is all samples in one batch.
func wholeBatch(t testing.TB) []byte {
	var b []byte
	var err error
	for _, s := range samples() {
		if b, err = s.append(b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestBatchIsReadInOrder(t *testing.T) {
	r := NewReader(wholeBatch(t))
	for _, s := range samples() {
		if !r.Next() || !reflect.DeepEqual(read(&r), s.want) {
			t.Fatalf("%v %s: got %v, error %v", s.kind, s.name, r.Kind(), r.Err())
		}
	}
	if r.Next() || r.Err() != nil {
		t.Errorf("after the last: kind %v, error %v", r.Kind(), r.Err())
	}
}

// A cut batch is an error wherever it is cut, except between two records.
func TestCutBatchIsTruncated(t *testing.T) {
	whole := wholeBatch(t)
	between := map[int]bool{}
	for r := NewReader(whole); r.Next(); {
		between[r.next] = true
	}
	for n := 1; n < len(whole); n++ {
		r := NewReader(whole[:n])
		for r.Next() {
		}
		if between[n] {
			if r.Err() != nil {
				t.Errorf("cut at %d, between records: %v", n, r.Err())
			}
		} else if !errors.Is(r.Err(), ErrTruncated) {
			t.Errorf("cut at %d: got %v, want ErrTruncated", n, r.Err())
		}
	}
}

func TestUnknownKindIsPassedOver(t *testing.T) {
	b := AppendApplied(nil, 1)
	b, rec := extend(b, 200, 0xff, 12, 20)
	copy(rec[8:], "anything you")
	b = AppendApplied(b, 2)
	var sum uint64
	unknown := 0
	r := NewReader(b)
	for r.Next() {
		switch r.Kind() {
		case KindApplied:
			sum += r.Applied()
		default:
			if r.Kind().Known() || r.Kind().String() != "Kind(200)" {
				t.Errorf("kind: got %v", r.Kind())
			}
			unknown++
		}
	}
	if sum != 3 || unknown != 1 || r.Err() != nil {
		t.Errorf("got sum %d, unknown %d, error %v", sum, unknown, r.Err())
	}
}

// A later version may set more flags and put more fields in front of the part
// of variable length; this one reads what it knows.
func TestNewFlagsAndFieldsArePassedOver(t *testing.T) {
	for _, s := range samples() {
		old, err := s.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		at := head(old)
		if old[5]&0x08 != 0 && s.kind == KindSend {
			continue // that flag is known
		}
		b := append(append(append([]byte(nil), old[:at]...), "new fields"...), old[at:]...)
		le.PutUint32(b, uint32(len(b)))
		le.PutUint16(b[6:], uint16(at+len("new fields")))
		b[5] |= 0xf0
		r := NewReader(b)
		if !r.Next() {
			t.Errorf("%v %s: %v", s.kind, s.name, r.Err())
			continue
		}
		if got := read(&r); !reflect.DeepEqual(got, s.want) {
			t.Errorf("%v %s:\n got %+v\nwant %+v", s.kind, s.name, got, s.want)
		}
	}
}

func TestAccessorOfAnotherKindPanics(t *testing.T) {
	b := AppendApplied(nil, 1)
	r := NewReader(b)
	r.Next()
	defer func() {
		if recover() == nil {
			t.Error("Message on an Applied: no panic")
		}
	}()
	r.Message()
}
