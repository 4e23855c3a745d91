package chat

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-im/parley/proto/fault"
)

// Image is a picture that was sent. Its bytes are somewhere else, under the name File. Its
// JSON is in databases, and so are hashes of that.
type Image struct {
	Type   string `json:"type"` // by its content
	Width  int32  `json:"width"`
	Height int32  `json:"height"`
	Bytes  int64  `json:"bytes"`
	Name   string `json:"name,omitempty"` // what the file was called
	File   string `json:"file"`           // opaque, and no client's business
}

// The bounds of pictures. How large one may really be is said where they are taken.
const (
	MaxImageSide      = 1<<16 - 1 // pixels: what the formats have room for
	MaxImageBytes     = 1 << 30
	MaxImageNameRunes = 128
	MaxImageFile      = 64
)

// imageTypes are those that every browser shows.
var imageTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// Check wants a picture that can be shown everywhere.
func (i Image) Check() error {
	switch {
	case !slices.Contains(imageTypes, i.Type):
		return fault.New(fault.Invalid, "image: type: one of "+strings.Join(imageTypes, ", "))
	case i.Width < 1 || i.Height < 1 || i.Bytes < 1:
		return fault.New(fault.Invalid, "image: width, height and bytes: from 1")
	case i.Width > MaxImageSide || i.Height > MaxImageSide || i.Bytes > MaxImageBytes:
		return fault.New(fault.TooLarge, fmt.Sprintf("image: at most %d pixels a side and %d bytes", MaxImageSide, MaxImageBytes))
	case !opaque(i.File):
		return fault.New(fault.Invalid, "image: file: 1 to 64 of A-Z, a-z, 0-9, -, _, . and /, no part of it empty or with a dot before it")
	}
	return checkFileName(i.Name)
}

// checkFileName wants what a file was called, which may be nothing: no path, and nothing
// that takes no ink or turns text around. It may have a joiner, as emoji do.
func checkFileName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return fault.New(fault.Invalid, "image: name: not UTF-8")
	case utf8.RuneCountInString(name) > MaxImageNameRunes:
		return fault.New(fault.TooLarge, fmt.Sprintf("image: name: at most %d characters", MaxImageNameRunes))
	case strings.ContainsAny(name, `/\`) || name == "." || name == "..":
		return fault.New(fault.Invalid, "image: name: contains a path")
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return fault.New(fault.Invalid, "image: name: contains characters that cannot be seen")
		}
	}
	return nil
}

// opaque reports whether file can be the name of one: whoever joins it to a folder stays
// in that folder.
func opaque(file string) bool {
	if len(file) > MaxImageFile {
		return false
	}
	for part := range strings.SplitSeq(file, "/") {
		if part == "" || part[0] == '.' || checkToken("file", part) != nil {
			return false
		}
	}
	return true
}
