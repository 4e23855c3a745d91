package picture

import (
	"bytes"
	"image"
	"image/jpeg"

	"github.com/parley-im/parley/proto/fault"
)

// The markers of JPEG that are looked at.
const (
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markAPP0 = 0xe0
	markAPP1 = 0xe1
	markAPP2 = 0xe2
	markAPPE = 0xee
	markAPPF = 0xef
	markCOM  = 0xfe
)

// maxScans bounds the passes of a progressive picture, and maxPasses how many times the
// pixels that a picture may have they go over, for each component: a pass takes time and
// may be a few bytes. Programs write 10 or so, which are 14 for the components.
const (
	maxScans  = 100
	maxPasses = 20
)

// jfif is the segment that says so, without the small picture that may be in it.
var jfif = []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")

// jpegFile is what a pass over the segments finds.
type jpegFile struct {
	head, rest  []byte // what stays: before and after the place of the orientation
	turn        orientation
	w, h        int
	parts       int // components: 1, 3, or 4
	progressive bool
	scans       int
	passed      int64 // pixels that they go over
	most        int64 // and may
}

func readJPEG(b []byte, l Limits) (*Picture, error) {
	f := &jpegFile{turn: upright, most: maxPasses * int64(l.Pixels)}
	if err := f.walk(b); err != nil {
		return nil, err
	}
	if err := l.size(f.w, f.h); err != nil {
		return nil, err
	}
	body := append(f.head, f.turn.exif()...)
	body = append(body, f.rest...)
	p := &Picture{Type: JPEG, Body: body, turn: f.turn}
	p.Width, p.Height = f.turn.size(f.w, f.h)
	perPixel := int64(f.parts)
	if f.progressive {
		perPixel += 4 * int64(f.parts) // its coefficients
	}
	p.cost = int64(len(body)) + (perPixel+1)*int64(f.w)*int64(f.h)
	p.still = func() (frame, error) {
		img, err := jpeg.Decode(bytes.NewReader(body))
		return whole(img, f.w, f.h), err
	}
	_, err := configured(jpeg.DecodeConfig(bytes.NewReader(body)))
	return p, err
}

// walk goes through the segments and keeps those that are needed to show the picture.
func (f *jpegFile) walk(b []byte) error {
	f.head = append(f.head, 0xff, markSOI)
	for i := 2; ; {
		if i+1 >= len(b) || b[i] != 0xff {
			return broken("jpeg: no marker where one was due")
		}
		mark := b[i+1]
		switch {
		case mark == 0xff: // fills
			i++
			continue
		case mark == markEOI:
			if f.scans == 0 || f.w == 0 {
				return broken("jpeg: no picture in it")
			}
			f.rest = append(f.rest, 0xff, markEOI) // what is behind it is no part of the picture
			return nil
		case mark >= 0xd0 && mark <= markSOI || mark <= 1:
			return broken("jpeg: a marker that does not belong there")
		}
		if i+4 > len(b) || be16(b[i+2:]) < 2 || i+2+be16(b[i+2:]) > len(b) {
			return broken("jpeg: a segment is cut")
		}
		end := i + 2 + be16(b[i+2:])
		if err := f.segment(mark, b[i:end], b[i+4:end]); err != nil {
			return err
		}
		i = end
		if mark == markSOS {
			end = scanEnd(b, i)
			f.rest = append(f.rest, b[i:end]...)
			i = end
		}
	}
}

// segment takes what is needed of one.
func (f *jpegFile) segment(mark byte, whole, text []byte) error {
	switch {
	case mark == markAPP0:
		if bytes.HasPrefix(text, []byte("JFIF\x00")) && len(text) >= len(jfif) && len(f.head) == 2 {
			f.head = append(f.head, 0xff, markAPP0, 0, byte(len(jfif)+2))
			f.head = append(f.head, text[:len(jfif)-2]...)
			f.head = append(f.head, 0, 0) // no small picture
		}
		return nil
	case mark == markAPP1:
		if f.turn == upright {
			f.turn = fromExif(text)
		}
		return nil
	case mark == markAPP2 && bytes.HasPrefix(text, []byte("ICC_PROFILE\x00")), mark == markAPPE && bytes.HasPrefix(text, []byte("Adobe")):
	case mark >= markAPP0 && mark <= markAPPF, mark == markCOM, mark >= 0xf0:
		return nil
	case mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc:
		if f.w != 0 || len(text) < 6 {
			return broken("jpeg: two frames, or none")
		}
		f.h, f.w, f.parts, f.progressive = be16(text[1:]), be16(text[3:]), int(text[5]), mark == 0xc2
		if f.w == 0 || f.h == 0 {
			return broken("jpeg: no width or no height")
		}
	case mark == markSOS:
		if len(text) == 0 {
			return broken("jpeg: a scan of nothing")
		}
		f.passed += int64(text[0]) * int64(f.w) * int64(f.h)
		if f.scans++; f.scans > maxScans || f.passed > f.most {
			return fault.New(fault.TooLarge, "the picture takes too long to show: it has too many scans")
		}
	}
	f.rest = append(f.rest, whole...)
	return nil
}

// scanEnd returns where the coded pixels that begin at i end.
func scanEnd(b []byte, i int) int {
	for ; i+1 < len(b); i++ {
		if b[i] == 0xff && b[i+1] != 0 && (b[i+1] < 0xd0 || b[i+1] > 0xd7) {
			return i
		}
	}
	return len(b)
}

// configured turns what a decoder says of headers into what a person may read.
func configured(c image.Config, err error) (image.Config, error) {
	if err != nil {
		return c, broken(err.Error())
	}
	return c, nil
}
