package picture

import (
	"bytes"
	"errors"
	"testing"

	"github.com/parley-im/parley/proto/fault"
)

// FuzzRead has anything judged. What is taken is a picture that is taken again, as it is;
// its small one is made or refused, and nothing panics.
func FuzzRead(f *testing.F) {
	for _, b := range hiding(f) {
		f.Add(b)
	}
	for _, name := range []string{"lossy.webp", "alpha.webp", "lossless.webp"} {
		f.Add(stored(f, name))
	}
	l := Limits{Pixels: 1 << 14, Frames: 20, Cost: 1 << 30}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Read(b, l)
		if err != nil {
			if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.TooLarge) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(p.Body) > len(b)+40 {
			t.Fatalf("%d bytes became %d", len(b), len(p.Body))
		}
		again, err := Read(p.Body, l)
		if err != nil {
			t.Fatalf("what was kept is refused: %v", err)
		}
		if !bytes.Equal(again.Body, p.Body) || again.Width != p.Width || again.Height != p.Height {
			t.Fatal("read again it is another")
		}
		small, err := p.Thumbnail(32)
		if err != nil {
			return // damaged pixels
		}
		if s, err := Read(small, l); err != nil || s.Width > 32 || s.Height > 32 {
			t.Fatalf("the small one: %v", err)
		}
	})
}
