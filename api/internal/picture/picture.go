package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/parley-im/parley/proto/fault"
)

// Limits bound what a picture may take to show. A zero is the default.
type Limits struct {
	Pixels int   // of the whole picture; 40 million
	Side   int   // width or height; 16384
	Frames int   // of an animation; 1000
	Cost   int64 // bytes to decode it; 640 MiB
}

// DefaultLimits are what zeros stand for.
func DefaultLimits() Limits { return Limits{Pixels: 40e6, Side: 16384, Frames: 1000, Cost: 640 << 20} }

// scaling is what making a small picture takes, however large the picture is.
const scaling = 16 << 20

// maxMotion is how many times its pixels an animation may draw.
const maxMotion = 10

// Picture is a picture that may be kept and shown.
type Picture struct {
	Type          string // its media type
	Width, Height int    // as it is shown, thus turned
	Body          []byte // the picture, without what tells of its maker

	turn  orientation
	cost  int64
	still func() (frame, error) // decodes the first of its frames
}

// The media types there are.
const (
	PNG  = "image/png"
	JPEG = "image/jpeg"
	GIF  = "image/gif"
	WebP = "image/webp"
)

// errNone is about bytes that are something else.
var errNone = fault.New(fault.Invalid, "this is no picture: PNG, JPEG, GIF and WebP are taken")

// broken is about a picture that cannot be read.
func broken(what string) error {
	return fault.New(fault.Invalid, "the picture is damaged").Because(fmt.Errorf("%s", what))
}

// Type returns the media type that b begins like; "": it is no picture.
func Type(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return GIF
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return WebP
	}
	return ""
}

// Read judges b, which it does not keep. Its errors are faults that a person may read:
// INVALID for what is no picture, TOO_LARGE for what would take too much to show.
func Read(b []byte, l Limits) (*Picture, error) {
	l = l.withDefaults()
	var read func([]byte, Limits) (*Picture, error)
	switch Type(b) {
	case PNG:
		read = readPNG
	case JPEG:
		read = readJPEG
	case GIF:
		read = readGIF
	case WebP:
		read = readWebP
	default:
		return nil, errNone
	}
	p, err := read(b, l)
	if err != nil {
		return nil, err
	}
	if p.cost += int64(len(b)) + scaling; p.cost > l.Cost {
		return nil, fault.New(fault.TooLarge, "the picture takes too much memory to show")
	}
	return p, nil
}

// Cost is about how many bytes it takes to decode the picture.
func (p *Picture) Cost() int64 { return p.cost }

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Pixels == 0 {
		l.Pixels = d.Pixels
	}
	if l.Side == 0 {
		l.Side = d.Side
	}
	if l.Frames == 0 {
		l.Frames = d.Frames
	}
	if l.Cost == 0 {
		l.Cost = d.Cost
	}
	return l
}

// size checks a width and a height.
func (l Limits) size(w, h int) error {
	switch {
	case w <= 0 || h <= 0:
		return broken("no width or no height")
	case w > l.Side || h > l.Side:
		return fault.New(fault.TooLarge, fmt.Sprintf("the picture is %d × %d, and a side may have %d pixels", w, h, l.Side))
	case int64(w)*int64(h) > int64(l.Pixels):
		return fault.New(fault.TooLarge, fmt.Sprintf("the picture is %d × %d: more than %d million pixels", w, h, l.Pixels/1e6))
	}
	return nil
}

// motion adds up the frames of an animation.
type motion struct {
	frames int
	pixels int64
}

// add counts a frame.
func (m *motion) add(w, h int, l Limits) error {
	m.frames++
	m.pixels += int64(w) * int64(h)
	if m.frames > l.Frames || m.pixels > maxMotion*int64(l.Pixels) {
		return fault.New(fault.TooLarge, fmt.Sprintf("the animation is too long: %d frames, and fewer of large ones", l.Frames))
	}
	return nil
}

func be16(b []byte) int { return int(binary.BigEndian.Uint16(b)) }
func be32(b []byte) int { return int(binary.BigEndian.Uint32(b)) }
func le16(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }
func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
func le32(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }
