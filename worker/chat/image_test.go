package chat

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
)

func TestImages(t *testing.T) {
	with := func(change func(*Image)) Image {
		i := Image{Type: "image/png", Width: 640, Height: 480, Bytes: 1, Name: "cat.png", File: "0-9_aZ.png"}
		change(&i)
		return i
	}
	check(t, "a good one", with(func(*Image) {}).Check(), good)
	for kind, want := range map[string]fault.Code{
		"image/jpeg": good, "image/gif": good, "image/webp": good,
		"": fault.Invalid, "image/svg+xml": fault.Invalid, "text/html": fault.Invalid, "IMAGE/PNG": fault.Invalid, "image/png; x": fault.Invalid,
	} {
		check(t, kind, with(func(i *Image) { i.Type = kind }).Check(), want)
	}
	for name, want := range map[string]fault.Code{
		"": good, "刘备.gif": good, "👨‍👩‍👧.png": good, "<img src=x onerror=alert(1)>": good, strings.Repeat("é", MaxImageNameRunes): good,
		"../cat.png": fault.Invalid, `C:\cat.png`: fault.Invalid, "/": fault.Invalid, "..": fault.Invalid, ".": fault.Invalid, "a\x00b": fault.Invalid, "a\nb": fault.Invalid,
		"cat\u202egnp.exe": fault.Invalid, "\u2066x": fault.Invalid, "a\u2028b": fault.Invalid, "\xff": fault.Invalid, strings.Repeat("x", MaxImageNameRunes+1): fault.TooLarge,
	} {
		check(t, name, with(func(i *Image) { i.Name = name }).Check(), want)
	}
	for file, want := range map[string]fault.Code{
		"a": good, "ab/cd/ef.png": good, strings.Repeat("f", MaxImageFile): good,
		"": fault.Invalid, "/a": fault.Invalid, "a/": fault.Invalid, "a//b": fault.Invalid, "../a": fault.Invalid, "a/../b": fault.Invalid, ".hidden": fault.Invalid, "a b": fault.Invalid,
		"a\x00": fault.Invalid, `a\b`: fault.Invalid, "é": fault.Invalid, strings.Repeat("f", MaxImageFile+1): fault.Invalid,
	} {
		check(t, file, with(func(i *Image) { i.File = file }).Check(), want)
	}
	for what, i := range map[string]Image{
		"no width": with(func(i *Image) { i.Width = 0 }), "a height below": with(func(i *Image) { i.Height = -1 }), "no bytes": with(func(i *Image) { i.Bytes = 0 }),
	} {
		check(t, what, i.Check(), fault.Invalid)
	}
	for what, i := range map[string]Image{
		"too wide": with(func(i *Image) { i.Width = MaxImageSide + 1 }), "too high": with(func(i *Image) { i.Height = 1 << 30 }), "too many bytes": with(func(i *Image) { i.Bytes = MaxImageBytes + 1 }),
	} {
		check(t, what, i.Check(), fault.TooLarge)
	}
}
