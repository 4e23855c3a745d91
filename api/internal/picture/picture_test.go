package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
)

func TestTypeIsThatOfTheContent(t *testing.T) {
	for want, b := range map[string][]byte{
		PNG: makePNG(t, halves(24, 16)), JPEG: makeJPEG(t, halves(24, 16)), GIF: makeGIF(t, 1, 24, 16), WebP: stored(t, "lossy.webp"),
	} {
		p, err := Read(b, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if p.Type != want || p.Width != 24 || p.Height != 16 {
			t.Errorf("%s: got %s of %d × %d", want, p.Type, p.Width, p.Height)
		}
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "html": "<!doctype html><script>alert(1)</script>", "svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"pdf": "%PDF-1.7\n", "zip": "PK\x03\x04", "bmp": "BM\x00\x00\x00\x00", "tiff": "II*\x00", "webm": "\x1aE\xdf\xa3", "gif of a later year": "GIF99a",
		"html behind a gif's name": "GIF89a/*<script>alert(1)</script>*/=1;", "png and html": "\x89PNG\r\n\x1a\n<script>alert(1)</script>",
		"jpeg and html": "\xff\xd8\xff<html><script>alert(1)</script>", "webp and html": "RIFF\x20\x00\x00\x00WEBP<script>alert(1)</script>    ",
		"wav": "RIFF\x20\x00\x00\x00WAVEfmt ",
	} {
		if _, err := Read([]byte(text), Limits{}); !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.TooLarge) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestCutPicturesAreRefused cuts each kind everywhere: nothing of it may be kept as if it
// were whole, but GIFs, which end as they like.
func TestCutPicturesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"png": makePNG(t, halves(24, 16)), "jpeg": makeJPEG(t, halves(24, 16)), "webp": stored(t, "alpha.webp"), "gif": makeGIF(t, 2, 24, 16),
	} {
		for n := range b {
			p, err := Read(b[:n], Limits{})
			if err == nil && name != "gif" {
				t.Errorf("%s: %d of %d bytes are a picture of %d × %d", name, n, len(b), p.Width, p.Height)
			}
			if err != nil && !errors.Is(err, fault.Invalid) {
				t.Fatalf("%s: %d of %d bytes: %v", name, n, len(b), err)
			}
		}
	}
}

// TestBombsAreRefusedByTheirHeaders gives small files that say they are large.
func TestBombsAreRefusedByTheirHeaders(t *testing.T) {
	tall := makeJPEG(t, halves(16, 16))
	frame := bytes.Index(tall, []byte{0xff, 0xc0})
	copy(tall[frame+5:], "\x3f\xff\x3f\xff") // 16383 × 16383
	vp8x := []byte("\x10\x00\x00\x00\xff\x3f\x00\xff\x3f\x00")
	scans := makeJPEG(t, halves(16, 16))
	scan := bytes.Index(scans, []byte{0xff, markSOS})
	scans = after(scans, len(scans)-2, bytes.Repeat(scans[scan:len(scans)-2], maxScans))
	for name, b := range map[string][]byte{
		"pixels":             header(10_000, 10_000),
		"side":               header(20_000, 1),
		"more than there is": header(1<<31-1, 1<<31-1),
		"jpeg":               tall,
		"scans":              scans,
		"gif":                append([]byte("GIF89a\xff\x3f\xff\x3f\x00\x00\x00"), makeGIF(t, 1, 4, 4)[13:]...),
		"frames":             makeGIF(t, 1001, 1, 1),
		"webp":               riff(slices.Concat(chunk(nil, "VP8X", vp8x), chunk(nil, "VP8 ", nil))),
	} {
		p, err := Read(b, Limits{})
		if !errors.Is(err, fault.TooLarge) {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
}

// TestScansAreBoundedInPixelsToo has passes that are a few bytes each, over many pixels.
func TestScansAreBoundedInPixelsToo(t *testing.T) {
	b := makeJPEG(t, halves(16, 16)) // one scan of three components
	scan := bytes.Index(b, []byte{0xff, markSOS})
	scans := func(n int) []byte { return after(b, len(b)-2, bytes.Repeat(b[scan:len(b)-2], n-1)) }
	if _, err := Read(scans(7), Limits{Pixels: 16 * 16}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("21 passes over as many pixels as there may be: %v", err)
	}
	for n, pixels := range map[int]int{6: 16 * 16, maxScans: 100 * 16 * 16} {
		if _, err := Read(scans(n), Limits{Pixels: pixels}); err != nil {
			t.Errorf("%d scans: %v", n, err)
		}
	}
	none := slices.Concat(b[:scan], []byte{0xff, markSOS, 0, 2}, b[len(b)-2:])
	if _, err := Read(none, Limits{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a scan that says nothing: %v", err)
	}
}

func TestMotionIsBoundedInPixelsToo(t *testing.T) {
	if _, err := Read(makeGIF(t, 12, 10, 10), Limits{Pixels: 100}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("12 frames that fill the picture: %v", err)
	}
	if _, err := Read(makeGIF(t, 9, 10, 10), Limits{Pixels: 100}); err != nil {
		t.Errorf("9 of them: %v", err)
	}
}

func TestMemoryToDecodeIsBounded(t *testing.T) {
	b := makePNG(t, halves(100, 100))
	p, err := Read(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if least := int64(100 * 100 * 4); p.Cost() < least {
		t.Errorf("it costs %d, and the pixels alone take %d", p.Cost(), least)
	}
	if _, err := Read(b, Limits{Cost: p.Cost() - 1}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("with less memory: %v", err)
	}
}

// secret is what must not be in what is kept.
const secret = "52.52 N 13.40 E"

// hiding are pictures that tell more than they show, each in the ways of its kind.
func hiding(t testing.TB) map[string][]byte {
	t.Helper()
	jpg, pic := makeJPEG(t, halves(24, 16)), makePNG(t, halves(24, 16))
	moving, webp := makeGIF(t, 2, 24, 16), stored(t, "lossy.webp")
	colours := 13 + gifColours(moving[10])
	comment := "\x21\xfe\x0f" + secret + "\x00"
	xmp := "\x21\xff\x0bXMP DataXMP\x0f" + secret + "\x00"
	text := "\x21\x01\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x08\x08\x01\x00\x0f" + secret + "\x00"
	return map[string][]byte{
		"jpeg, Exif":       after(jpg, 2, exifOf(binary.BigEndian, 1)),
		"jpeg, XMP":        after(jpg, 2, segmentOf(markAPP1, "http://ns.adobe.com/xap/1.0/\x00"+secret)),
		"jpeg, IPTC":       after(jpg, 2, segmentOf(0xed, "Photoshop 3.0\x00"+secret)),
		"jpeg, comment":    after(jpg, 2, segmentOf(markCOM, secret)),
		"jpeg, between":    after(jpg, len(jpg)-2, segmentOf(markCOM, secret)),
		"jpeg, JFIF":       after(jpg, 2, segmentOf(markAPP0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x01\x05"+secret)),
		"jpeg, JFXX":       after(jpg, 2, segmentOf(markAPP0, "JFXX\x00\x10"+secret)),
		"jpeg, MPF":        after(jpg, 2, segmentOf(markAPP2, "MPF\x00"+secret)),
		"jpeg, behind it":  append(slices.Clone(jpg), secret...),
		"png, tEXt":        after(pic, 33, chunkOf("tEXt", "Location\x00"+secret)),
		"png, iTXt":        after(pic, 33, chunkOf("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret)),
		"png, eXIf":        after(pic, 33, chunkOf("eXIf", secret)),
		"png, a stranger":  after(pic, 33, chunkOf("teSt", secret)),
		"png, behind it":   append(slices.Clone(pic), secret...),
		"gif, comment":     after(moving, colours, []byte(comment)),
		"gif, XMP":         after(moving, colours, []byte(xmp)),
		"gif, plain text":  after(moving, colours, []byte(text)),
		"gif, behind it":   append(slices.Clone(moving), secret...),
		"webp, Exif":       riff(chunk(slices.Clone(webp[12:]), "EXIF", []byte(secret))),
		"webp, XMP":        riff(chunk(slices.Clone(webp[12:]), "XMP ", []byte(secret))),
		"webp, a stranger": riff(chunk(slices.Clone(webp[12:]), "TEST", []byte(secret))),
		"webp, behind it":  append(slices.Clone(webp), secret...),
	}
}

func TestWhatTellsOfItsMakerIsGone(t *testing.T) {
	for name, b := range hiding(t) {
		p, err := Read(b, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bytes.Contains(p.Body, []byte(secret)) {
			t.Errorf("%s: it is there still", name)
		}
		if p.Width != 24 || p.Height != 16 {
			t.Errorf("%s: %d × %d", name, p.Width, p.Height)
		}
		if _, err := p.Thumbnail(320); err != nil {
			t.Errorf("%s: what is left is no picture: %v", name, err)
		}
		again, err := Read(p.Body, Limits{})
		if err != nil || !bytes.Equal(again.Body, p.Body) {
			t.Errorf("%s: read again it is another: %v", name, err)
		}
	}
}

func TestColoursAndMotionStay(t *testing.T) {
	jpg := after(makeJPEG(t, halves(24, 16)), 2, segmentOf(markAPP2, "ICC_PROFILE\x00\x01\x01profile"))
	pic := after(makePNG(t, halves(24, 16)), 33, chunkOf("gAMA", "\x00\x00\xb1\x8f"), chunkOf("acTL", "\x00\x00\x00\x01\x00\x00\x00\x00"))
	for want, b := range map[string][]byte{"ICC_PROFILE": jpg, "gAMA": pic, "acTL": pic, "NETSCAPE2.0": makeGIF(t, 2, 24, 16), "ICCP": stored(t, "alpha.webp")} {
		p, err := Read(b, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if !bytes.Contains(p.Body, []byte(want)) {
			t.Errorf("%s is gone", want)
		}
	}
}

// TestWhichSideIsUpStays has a red left half: turned by the camera's word it is above, at
// the right, or below.
func TestWhichSideIsUpStays(t *testing.T) {
	red := map[uint16]image.Point{
		1: {2, 10}, 2: {37, 10}, 3: {37, 10}, 4: {2, 10}, 5: {10, 2}, 6: {10, 2}, 7: {10, 37}, 8: {10, 37},
	}
	for o, at := range red {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			p, err := Read(after(makeJPEG(t, halves(40, 20)), 2, exifOf(order, o)), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if turned := o >= 5; turned != (p.Height == 40) {
				t.Errorf("%d: shown as %d × %d", o, p.Width, p.Height)
			}
			if bytes.Contains(p.Body, []byte("GPS")) {
				t.Errorf("%d: it says where it was", o)
			}
			again, err := Read(p.Body, Limits{})
			if err != nil || again.turn != orientation(o) {
				t.Errorf("%d: the kept picture says %v, %v", o, again.turn, err)
			}
			if c := decoded(t, p, 320).At(at.X, at.Y); !reddish(c) {
				t.Errorf("%d: at %v the small one is %v", o, at, c)
			}
		}
	}
}

func reddish(c color.Color) bool {
	r, _, b, _ := c.RGBA()
	return r > 0xc000 && b < 0x4000
}

func TestFaultsSayWhatToDo(t *testing.T) {
	_, err := Read([]byte("<html>"), Limits{})
	if text := fault.Of(err).Message(); !strings.Contains(text, "PNG") {
		t.Errorf("got %q", text)
	}
	_, err = Read(header(10_000, 10_000), Limits{})
	if text := fault.Of(err).Message(); !strings.Contains(text, "40 million") {
		t.Errorf("got %q", text)
	}
}
