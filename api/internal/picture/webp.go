package picture

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/image/webp"
)

// webpFile is what a pass over the chunks finds.
type webpFile struct {
	body     []byte // what stays
	w, h     int
	extended bool
	alpha    bool   // says the extended header
	lossless bool   // of the first frame
	still    []byte // chunks of the first frame
	x, y     int    // where it is
	fw, fh   int    // and how large
	moves    motion
}

// The flags of the extended header.
const (
	webpMetadata = 1<<2 | 1<<3 // what a camera or a program says
	webpAlpha    = 1 << 4
)

// lzTables is what the trees of a lossless picture may take, however small it is.
const lzTables = 200 << 20

func readWebP(b []byte, l Limits) (*Picture, error) {
	f := &webpFile{}
	if err := f.walk(b, l); err != nil {
		return nil, err
	}
	p := &Picture{Type: WebP, turn: upright, Width: f.w, Height: f.h, Body: f.body}
	p.cost = int64(len(p.Body)+len(f.still)) + 6*int64(f.w)*int64(f.h)
	if f.lossless || f.alpha {
		p.cost += 6*int64(f.w)*int64(f.h) + lzTables
	}
	still := f.alone()
	p.still = func() (frame, error) {
		img, err := webp.Decode(bytes.NewReader(still))
		return frame{img: img, x: f.x, y: f.y, w: f.w, h: f.h}, err
	}
	c, err := configured(webp.DecodeConfig(bytes.NewReader(still)))
	if err == nil && (c.Width != f.fw || c.Height != f.fh) {
		err = broken("webp: a frame is larger than it says")
	}
	return p, err
}

// walk goes through the chunks of the file.
func (f *webpFile) walk(b []byte, l Limits) error {
	size := le32(b[4:])
	if size < 4 || size > len(b)-8 {
		return broken("webp: the file is cut")
	}
	f.body = append(make([]byte, 0, len(b)), b[:12]...)
	err := chunks(b[12:8+size], func(name string, text []byte) error { return f.chunk(name, text, l) })
	if err != nil {
		return err
	}
	if f.still == nil {
		return broken("webp: no image in it")
	}
	binary.LittleEndian.PutUint32(f.body[4:], uint32(len(f.body)-8))
	return nil
}

// chunk takes what is needed of one.
func (f *webpFile) chunk(name string, text []byte, l Limits) error {
	switch name {
	case "VP8X":
		if len(text) != 10 || len(f.body) > 12 {
			return broken("webp: the extended header")
		}
		f.extended, f.alpha = true, text[0]&webpAlpha != 0
		f.w, f.h = le24(text[4:])+1, le24(text[7:])+1
		f.fw, f.fh = f.w, f.h
		if err := l.size(f.w, f.h); err != nil {
			return err
		}
		text = append([]byte{text[0] &^ webpMetadata}, text[1:]...)
	case "VP8 ", "VP8L":
		if f.moves.frames > 0 {
			return broken("webp: two images")
		}
		if !f.extended {
			c, err := configured(webp.DecodeConfig(bytes.NewReader(riff(chunk(nil, name, text)))))
			if err != nil {
				return err
			}
			f.w, f.h, f.fw, f.fh = c.Width, c.Height, c.Width, c.Height
			if err := l.size(f.w, f.h); err != nil {
				return err
			}
		}
		if err := f.moves.add(f.w, f.h, l); err != nil {
			return err
		}
		f.still, f.lossless = chunk(f.still, name, text), name == "VP8L"
	case "ALPH":
		if f.moves.frames > 0 || len(f.still) > 0 {
			return broken("webp: two images")
		}
		f.still = chunk(f.still, name, text)
	case "ANMF":
		return f.frame(text, l)
	case "ANIM", "ICCP":
	default:
		return nil
	}
	f.body = chunk(f.body, name, text)
	return nil
}

// frame takes one of an animation.
func (f *webpFile) frame(text []byte, l Limits) error {
	const header = 16
	if len(text) < header || !f.extended {
		return broken("webp: a frame is cut")
	}
	x, y, w, h := 2*le24(text), 2*le24(text[3:]), le24(text[6:])+1, le24(text[9:])+1
	if x+w > f.w || y+h > f.h {
		return broken("webp: a frame is outside of the picture")
	}
	if err := f.moves.add(w, h, l); err != nil {
		return err
	}
	kept, lossless := []byte(nil), false
	err := chunks(text[header:], func(name string, part []byte) error {
		switch name {
		case "ALPH", "VP8 ", "VP8L":
			kept, lossless = chunk(kept, name, part), name == "VP8L"
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f.moves.frames == 1 {
		f.still, f.lossless, f.x, f.y, f.fw, f.fh = kept, lossless, x, y, w, h
	}
	f.body = chunk(f.body, "ANMF", append(text[:header:header], kept...))
	return nil
}

// alone is the first frame as a picture of its own.
func (f *webpFile) alone() []byte {
	if !bytes.HasPrefix(f.still, []byte("ALPH")) {
		return riff(f.still)
	}
	header := make([]byte, 10)
	header[0] = webpAlpha
	put24(header[4:], f.fw-1)
	put24(header[7:], f.fh-1)
	return riff(append(chunk(nil, "VP8X", header), f.still...))
}

// chunks goes through the chunks in b.
func chunks(b []byte, each func(name string, text []byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 || le32(b[4:]) > len(b)-8 {
			return broken("webp: a chunk is cut")
		}
		n := le32(b[4:])
		if err := each(string(b[:4]), b[8:8+n]); err != nil {
			return err
		}
		b = b[min(8+n+n%2, len(b)):]
	}
	return nil
}

// chunk appends one to b.
func chunk(b []byte, name string, text []byte) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, name...), uint32(len(text)))
	b = append(b, text...)
	if len(text)%2 != 0 {
		b = append(b, 0)
	}
	return b
}

// riff makes a file of chunks.
func riff(chunks []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunks)+4))
	return append(append(b, "WEBP"...), chunks...)
}

func put24(b []byte, v int) { b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16) }
