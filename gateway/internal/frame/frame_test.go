package frame

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// tagged stands in for an encoder: a tag, then the body; deflating halves it.
type tagged struct{ deflations atomic.Int32 }

func (e *tagged) encode(op Op, body []byte, deflate bool) []byte {
	if !deflate {
		return append([]byte{'p', byte(op)}, body...)
	}
	e.deflations.Add(1)
	if len(body) < 10 {
		return nil
	}
	return append([]byte{'d', byte(op)}, body[:len(body)/2]...)
}

func TestBodyIsCopied(t *testing.T) {
	body := []byte("liubei")
	f, err := New(new(tagged).encode, Text, body, Must, "")
	if err != nil {
		t.Fatal(err)
	}
	copy(body, "xxxxxx")
	if got := f.Wire("", false); string(got) != "p\x01liubei" {
		t.Errorf("wire: got %q", got)
	}
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	e := new(tagged)
	if _, err := New(e.encode, Text, []byte("a\xff"), Must, ""); !errors.Is(err, ErrNotUTF8) {
		t.Errorf("New: got %v", err)
	}
	f, err := New(e.encode, Binary, []byte("a\xff"), Must, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.AddBody("x", Text, []byte("a\xff")); !errors.Is(err, ErrNotUTF8) {
		t.Errorf("AddBody: got %v", err)
	}
	if got := f.Wire("x", false); string(got) != "p\x02a\xff" {
		t.Errorf("a refused body is used: %q", got)
	}
}

func TestWireFollowsSubprotocolAndDeflate(t *testing.T) {
	f, err := New(new(tagged).encode, Text, []byte("a text long enough"), Merge, "key")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.AddBody("proto", Binary, []byte("short")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		subprotocol string
		deflate     bool
		want        string
	}{
		{"", false, "p\x01a text long enough"},
		{"json", false, "p\x01a text long enough"},
		{"json", true, "d\x01a text lo"},
		{"proto", false, "p\x02short"},
		{"proto", true, "p\x02short"}, // not worth deflating
	} {
		if got := f.Wire(tt.subprotocol, tt.deflate); string(got) != tt.want {
			t.Errorf("%q, deflate %v: got %q, want %q", tt.subprotocol, tt.deflate, got, tt.want)
		}
	}
	if f.Class() != Merge || f.Key() != "key" {
		t.Errorf("class %v, key %q", f.Class(), f.Key())
	}
	if got, want := f.Size(), Overhead+20+11+7; got != want {
		t.Errorf("size: got %d, want %d", got, want)
	}
}

func TestDeflatedFormIsBuiltOnce(t *testing.T) {
	e := new(tagged)
	f, err := New(e.encode, Text, bytes.Repeat([]byte("x"), 100), Must, "")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := f.Wire("", true); len(got) != 52 {
				t.Errorf("got %d bytes", len(got))
			}
			_ = f.Size()
		})
	}
	wg.Wait()
	if got := e.deflations.Load(); got != 1 {
		t.Errorf("deflated %d times, want 1", got)
	}
}

func TestRawIsLeftAsItIs(t *testing.T) {
	f := Raw([]byte("\x89\x00"), Merge, "ping")
	for _, deflate := range []bool{false, true} {
		if got := f.Wire("any", deflate); string(got) != "\x89\x00" {
			t.Errorf("wire: got %q", got)
		}
	}
}

func TestMarkCountsOncePerEpoch(t *testing.T) {
	f := Raw([]byte("x"), Must, "")
	if !f.Mark(1) || f.Mark(1) || !f.Mark(2) || f.Mark(2) {
		t.Error("a frame is not counted once per epoch")
	}
}

func TestSeveralSubprotocolsHaveTheirOwnBodies(t *testing.T) {
	f, err := New(new(tagged).encode, Text, []byte("rest"), Must, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"a", "b", "c"} {
		if err := f.AddBody(p, Text, []byte("for "+p)); err != nil {
			t.Fatal(err)
		}
	}
	for p, want := range map[string]string{"a": "for a", "b": "for b", "c": "for c", "": "rest", "d": "rest"} {
		if got := f.Wire(p, false); string(got) != "p\x01"+want {
			t.Errorf("wire for %q: got %q, want %q", p, got, want)
		}
	}
}
