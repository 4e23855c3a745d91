package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Pictures that tests make: the left half is red, the right half blue.

func halves(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func makePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeGIF(t testing.TB, frames, w, h int) []byte {
	t.Helper()
	g := &gif.GIF{LoopCount: 0}
	for range frames {
		p := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.RGBA{R: 255, A: 255}, color.RGBA{B: 255, A: 255}})
		for y := range h {
			for x := w / 2; x < w; x++ {
				p.SetColorIndex(x, y, 1)
			}
		}
		g.Image, g.Delay = append(g.Image, p), append(g.Delay, 5)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stored is a file of testdata: WebP of 24 × 16 that a browser made, for Go writes none.
func stored(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// segmentOf is a segment of JPEG.
func segmentOf(mark byte, text string) []byte {
	return append([]byte{0xff, mark, byte((len(text) + 2) >> 8), byte(len(text) + 2)}, text...)
}

// after inserts parts behind the first n bytes of b.
func after(b []byte, n int, parts ...[]byte) []byte {
	return slices.Insert(slices.Clone(b), n, slices.Concat(parts...)...)
}

// exifOf is a segment of a camera that says where it was, and which side is up.
func exifOf(order binary.ByteOrder, o uint16) []byte {
	b := []byte("Exif\x00\x00")
	if order == binary.ByteOrder(binary.LittleEndian) {
		b = append(b, "II*\x00"...)
	} else {
		b = append(b, "MM\x00*"...)
	}
	u16 := func(v uint16) { b = append(b, 0, 0); order.PutUint16(b[len(b)-2:], v) }
	u32 := func(v uint32) { b = append(b, 0, 0, 0, 0); order.PutUint32(b[len(b)-4:], v) }
	u32(8)
	u16(2)
	u16(0x0112)
	u16(3)
	u32(1)
	u16(o)
	u16(0)
	u16(0x8825) // GPS
	u16(4)
	u32(1)
	u32(38)
	u32(0)
	b = append(b, "GPS 52.52 N 13.40 E"...)
	return segmentOf(markAPP1, string(b))
}

// chunkOf is a chunk of PNG.
func chunkOf(name, text string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	b = append(append(b, name...), text...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// header is the first chunk of a PNG, with no pixels behind it.
func header(w, h uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, w)
	b = append(binary.BigEndian.AppendUint32(b, h), 8, 2, 0, 0, 0)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunkOf("IHDR", string(b)), chunkOf("IEND", ""))
}
