package picture

import (
	"bytes"
	"image/gif"
)

// The blocks of GIF.
const (
	gifExtension = 0x21
	gifImage     = 0x2c
	gifTrailer   = 0x3b

	gifControl     = 0xf9 // of the image behind it: time, what is seen through
	gifApplication = 0xff
)

func readGIF(b []byte, l Limits) (*Picture, error) {
	if len(b) < 13 {
		return nil, broken("gif: no header")
	}
	p := &Picture{Type: GIF, turn: upright, Width: le16(b[6:]), Height: le16(b[8:])}
	if err := l.size(p.Width, p.Height); err != nil {
		return nil, err
	}
	i := 13 + gifColours(b[10])
	if i > len(b) {
		return nil, broken("gif: the colours are cut")
	}
	p.Body = append(make([]byte, 0, len(b)+1), b[:i]...)
	var moves motion
	for i < len(b) && b[i] != gifTrailer {
		end, err := gifBlock(b, i, &moves, l)
		if err != nil {
			return nil, err
		}
		if end > 0 {
			p.Body = append(p.Body, b[i:end]...)
		} else {
			end = -end
		}
		i = end
	}
	if moves.frames == 0 {
		return nil, broken("gif: no image in it")
	}
	p.Body = append(p.Body, gifTrailer) // what is behind it is no part of the picture
	p.cost = int64(len(p.Body)) + 2*int64(p.Width)*int64(p.Height)
	p.still = func() (frame, error) {
		img, err := gif.Decode(bytes.NewReader(p.Body))
		return frame{img: img, w: p.Width, h: p.Height}, err
	}
	_, err := configured(gif.DecodeConfig(bytes.NewReader(p.Body)))
	return p, err
}

// gifBlock returns where the block at i ends, negative for one that is left out.
func gifBlock(b []byte, i int, moves *motion, l Limits) (end int, err error) {
	switch {
	case b[i] == gifImage && len(b)-i >= 11:
		if err := moves.add(le16(b[i+5:]), le16(b[i+7:]), l); err != nil {
			return 0, err
		}
		end = gifBlocks(b, i+10+gifColours(b[i+9])+1) // behind the size of codes
	case b[i] == gifExtension && len(b)-i >= 3:
		end = gifBlocks(b, i+2)
		if end > 0 && b[i+1] != gifControl && !gifLoops(b[i:end]) {
			return -end, nil
		}
	}
	if end <= 0 {
		return 0, broken("gif: a block is cut, or unknown")
	}
	return end, nil
}

// gifLoops says that an extension tells how often the animation is shown.
func gifLoops(b []byte) bool {
	return b[1] == gifApplication && len(b) == 19 && b[14] == 3 &&
		(string(b[3:14]) == "NETSCAPE2.0" || string(b[3:14]) == "ANIMEXTS1.0")
}

// gifColours is how many bytes a table of colours has.
func gifColours(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// gifBlocks returns where the run of small blocks at i ends; 0: it is cut.
func gifBlocks(b []byte, i int) int {
	for i < len(b) {
		n := int(b[i])
		if i += n + 1; n == 0 {
			return i
		}
	}
	return 0
}
