package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"runtime"
	"slices"
	"testing"

	"github.com/parley-im/parley/proto/fault"
)

// decoded is the small picture of p.
func decoded(t *testing.T, p *Picture, side int) image.Image {
	t.Helper()
	b, err := p.Thumbnail(side)
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func read(t *testing.T, b []byte) *Picture {
	t.Helper()
	p, err := Read(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestThumbnailKeepsTheFormAndTheColours(t *testing.T) {
	for _, c := range []struct{ w, h, tw, th int }{
		{1000, 500, 320, 160}, {500, 1000, 160, 320}, {100, 50, 100, 50}, {320, 320, 320, 320}, {3000, 2, 320, 1}, {641, 640, 320, 319},
	} {
		p := read(t, makePNG(t, halves(c.w, c.h)))
		img := decoded(t, p, 320)
		if b := img.Bounds(); b.Dx() != c.tw || b.Dy() != c.th {
			t.Errorf("%d × %d: a small one of %v, want %d × %d", c.w, c.h, b, c.tw, c.th)
		}
		if !reddish(img.At(c.tw/8, c.th/2)) || reddish(img.At(c.tw*7/8, c.th/2)) {
			t.Errorf("%d × %d: left %v, right %v", c.w, c.h, img.At(c.tw/8, c.th/2), img.At(c.tw*7/8, c.th/2))
		}
	}
}

func TestThumbnailIsPNGWhereSomethingIsSeenThrough(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"clear png": {makePNG(t, clear), PNG}, "png": {makePNG(t, halves(400, 400)), JPEG},
		"clear webp": {stored(t, "alpha.webp"), PNG}, "clear lossless webp": {stored(t, "lossless.webp"), PNG}, "webp": {stored(t, "lossy.webp"), JPEG},
	} {
		b, err := read(t, c.b).Thumbnail(320)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := Type(b); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestAnimationsHaveTheFirstFrame has one that fills a quarter of the picture.
func TestAnimationsHaveTheFirstFrame(t *testing.T) {
	one := stored(t, "lossy.webp")
	var pixels []byte
	if err := chunks(one[12:], func(name string, text []byte) error {
		if name == "VP8 " {
			pixels = chunk(nil, name, text)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 16)
	put24(head, 12) // ×2: at 24, 0
	put24(head[6:], 23)
	put24(head[9:], 15)
	canvas := make([]byte, 10)
	canvas[0] = 1<<1 | webpAlpha
	put24(canvas[4:], 47)
	put24(canvas[7:], 31)
	second := slices.Concat(head, chunk(nil, "EXIF", []byte(secret)), pixels)
	b := riff(slices.Concat(chunk(nil, "VP8X", canvas), chunk(nil, "ANIM", make([]byte, 6)),
		chunk(nil, "ANMF", slices.Concat(head, pixels)), chunk(nil, "ANMF", second)))
	p := read(t, b)
	if p.Width != 48 || p.Height != 32 {
		t.Errorf("%d × %d", p.Width, p.Height)
	}
	if bytes.Contains(p.Body, []byte(secret)) {
		t.Error("a frame says where it was")
	}
	img := decoded(t, p, 320)
	if _, _, _, a := img.At(10, 10).RGBA(); a != 0 {
		t.Errorf("outside of the frame: %v", img.At(10, 10))
	}
	if c := img.At(28, 8); !reddish(c) {
		t.Errorf("in the frame: %v", c)
	}
	g := read(t, makeGIF(t, 3, 48, 32))
	if c := decoded(t, g, 24).At(3, 3); !reddish(c) {
		t.Errorf("gif: %v", c)
	}
}

func TestPixelsThatAreNotThereAreNoticed(t *testing.T) {
	b := makePNG(t, halves(24, 16))
	at := bytes.Index(b, []byte("IDAT"))
	b[at+8] ^= 0xff
	if _, err := read(t, b).Thumbnail(320); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

// A frame of a GIF may be empty, or lie outside.
func TestFramesOfNoSizeDoNoHarm(t *testing.T) {
	b := makeGIF(t, 1, 24, 16)
	colours := 13 + gifColours(b[10])
	at := bytes.IndexByte(b[colours:], gifImage) + colours
	for _, place := range [][4]uint16{{0, 0, 0, 0}, {0, 0, 0, 16}, {20, 10, 24, 16}, {65535, 65535, 1, 1}} {
		for i, v := range place {
			binary.LittleEndian.PutUint16(b[at+1+2*i:], v)
		}
		p, err := Read(b, Limits{})
		if err == nil {
			_, err = p.Thumbnail(320)
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", place, err)
		}
	}
}

func TestManyPixelsTakeNotMuchMoreMemoryThanTheyCost(t *testing.T) {
	p := read(t, makeJPEG(t, image.NewYCbCr(image.Rect(0, 0, 1200, 1200), image.YCbCrSubsampleRatio444)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := p.Thumbnail(320); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := int64(after.TotalAlloc - before.TotalAlloc); got > p.Cost() {
		t.Errorf("it took %d bytes, and costs %d", got, p.Cost())
	}
}

func BenchmarkThumbnail(b *testing.B) {
	for name, img := range map[string]image.Image{
		"12MP": image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420),
		"40MP": image.NewYCbCr(image.Rect(0, 0, 8000, 5000), image.YCbCrSubsampleRatio420),
	} {
		p, err := Read(makeJPEG(b, img), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Thumbnail(320); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
