package picture

import (
	"bytes"
	"image/png"
)

// The chunks of PNG that show something. What is not among them goes: texts, times, what
// a camera says, and what only some program knows.
var pngChunks = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true,
	"cHRM": true, "gAMA": true, "iCCP": true, "sBIT": true, "sRGB": true, "cICP": true, "mDCV": true, "cLLI": true,
	"bKGD": true, "pHYs": true,
	"acTL": true, "fcTL": true, "fdAT": true, // animation
}

// maxProfile bounds what a colour profile takes, which is compressed and may be a bomb.
const maxProfile = 256 << 10

func readPNG(b []byte, l Limits) (*Picture, error) {
	const signature = 8
	p := &Picture{Type: PNG, turn: upright, Body: append(make([]byte, 0, len(b)), b[:signature]...)}
	var moves motion
	for i, first := signature, true; ; first = false {
		if len(b)-i < 12 || be32(b[i:]) > len(b)-i-12 {
			return nil, broken("png: a chunk is cut")
		}
		n, name := be32(b[i:]), string(b[i+4:i+8])
		text, end := b[i+8:i+8+n], i+12+n
		if first != (name == "IHDR") || first && n != 13 {
			return nil, broken("png: no header, or two")
		}
		switch {
		case first:
			p.Width, p.Height = be32(text), be32(text[4:])
			if err := l.size(p.Width, p.Height); err != nil {
				return nil, err
			}
			p.cost = int64(p.Width) * int64(p.Height) * pngBytes(text)
		case name == "fcTL" && n == 26:
			if err := moves.add(be32(text[4:]), be32(text[8:]), l); err != nil {
				return nil, err
			}
		}
		if pngChunks[name] && (name != "iCCP" || n <= maxProfile) {
			p.Body = append(p.Body, b[i:end]...)
		}
		if i = end; name == "IEND" {
			break // what is behind it is no part of the picture
		}
	}
	p.cost += int64(len(p.Body))
	p.still = func() (frame, error) {
		img, err := png.Decode(bytes.NewReader(p.Body))
		return whole(img, p.Width, p.Height), err
	}
	_, err := configured(png.DecodeConfig(bytes.NewReader(p.Body)))
	return p, err
}

// pngBytes is how many bytes of memory a pixel takes, by the header; one more is for what
// is made of it.
func pngBytes(header []byte) int64 {
	const interlaced = 1
	const palette = 3
	perPixel := int64(4) // grey too, if something may be seen through it
	if header[9] == palette {
		perPixel = 1
	}
	if header[8] == 16 {
		perPixel *= 2
	}
	if header[12] == interlaced {
		perPixel *= 2
	}
	return perPixel + 1
}
