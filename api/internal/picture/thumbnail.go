package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
)

// frame is an image and where it is in its picture.
type frame struct {
	img  image.Image
	x, y int // where WebP says it is; GIF says so by its bounds
	w, h int // of the whole picture
}

// whole is a frame that fills its picture.
func whole(img image.Image, w, h int) frame { return frame{img: img, w: w, h: h} }

// quality is that of small JPEG pictures.
const quality = 82

// Thumbnail decodes the picture and returns a small one, whose sides have at most that
// many pixels: JPEG, or PNG when something can be seen through it. Of an animation it is
// the first frame. It takes Cost bytes meanwhile, and up to seconds of one processor.
func (p *Picture) Thumbnail(side int) ([]byte, error) {
	f, err := p.still()
	if err != nil {
		return nil, broken(err.Error())
	}
	small := p.turn.apply(f.shrink(side))
	var out bytes.Buffer
	if small.Opaque() {
		err = jpeg.Encode(&out, small, &jpeg.Options{Quality: quality})
	} else {
		err = png.Encode(&out, small)
	}
	if err != nil {
		return nil, fmt.Errorf("encode a thumbnail: %w", err)
	}
	return out.Bytes(), nil
}

// shrink draws the frame into a picture of that side.
func (f frame) shrink(side int) *image.RGBA {
	w, h := fit(f.w, f.h, side)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	bounds := f.img.Bounds()
	if bounds.Empty() {
		return dst
	}
	from := bounds
	if f.x != 0 || f.y != 0 { // WebP's begin at 0
		from = bounds.Add(image.Pt(f.x, f.y))
	}
	to := image.Rect(from.Min.X*w/f.w, from.Min.Y*h/f.h, ceil(from.Max.X*w, f.w), ceil(from.Max.Y*h, f.h))
	src := f.img
	// The fast scaler looks at four pixels for each of its own: halving it misses none.
	for b := src.Bounds(); b.Dx() >= 4*to.Dx() && b.Dy() >= 4*to.Dy(); b = src.Bounds() {
		half := image.NewRGBA(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
		draw.ApproxBiLinear.Scale(half, half.Rect, src, b, draw.Src, nil)
		src = half
	}
	draw.CatmullRom.Scale(dst, to, src, src.Bounds(), draw.Src, nil)
	return dst
}

// fit is the size of a picture of w × h pixels in a square of that side.
func fit(w, h, side int) (int, int) {
	if w <= side && h <= side {
		return w, h
	}
	if w >= h {
		return side, max(1, h*side/w)
	}
	return max(1, w*side/h), side
}

func ceil(a, b int) int { return (a + b - 1) / b }
