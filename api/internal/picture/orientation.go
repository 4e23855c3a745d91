package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is which side of a picture is up, as Exif counts: 1 to 8.
type orientation int

const upright orientation = 1

// fromExif reads it from a segment of a camera; upright where it does not say.
func fromExif(b []byte) orientation {
	b, ok := bytes.CutPrefix(b, []byte("Exif\x00\x00"))
	if !ok || len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "MM\x00*":
		order = binary.BigEndian
	case "II*\x00":
		order = binary.LittleEndian
	default:
		return upright
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return upright
	}
	list := b[at+2:]
	for n := int(order.Uint16(b[at:])); n > 0 && len(list) >= 12; n, list = n-1, list[12:] {
		if order.Uint16(list) == 0x0112 && order.Uint16(list[2:]) == 3 { // orientation, a short
			if o := orientation(order.Uint16(list[8:])); o >= 1 && o <= 8 {
				return o
			}
			return upright
		}
	}
	return upright
}

// exif is the segment that says nothing but o; nothing for what is upright.
func (o orientation) exif() []byte {
	if o == upright {
		return nil
	}
	return []byte{
		0xff, markAPP1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, '*', 0, 0, 0, 8,
		0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, byte(o), 0, 0, 0, 0, 0, 0,
	}
}

// turned says that it lies on its side.
func (o orientation) turned() bool { return o >= 5 }

// size is how large a picture is shown.
func (o orientation) size(w, h int) (int, int) {
	if o.turned() {
		return h, w
	}
	return w, h
}

// apply turns a picture upright.
func (o orientation) apply(src *image.RGBA) *image.RGBA {
	if o <= upright {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dw, dh := o.size(w, h)
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range h {
		for x := range w {
			dx, dy := x, y
			switch o {
			case 2:
				dx = w - 1 - x
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dy = h - 1 - y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			copy(dst.Pix[dst.PixOffset(dx, dy):][:4], src.Pix[src.PixOffset(src.Rect.Min.X+x, src.Rect.Min.Y+y):][:4])
		}
	}
	return dst
}
