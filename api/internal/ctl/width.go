package ctl

import (
	"unicode"

	"golang.org/x/text/width"
)

// columns is how many columns of a terminal s takes: two for a Chinese character, none
// for a mark that stands over another letter.
func columns(s string) (n int) {
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clip shortens s to at most n columns, with a mark where something is missing.
func clip(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	at := 0
	for i, r := range s {
		if at+columnsOf(r) > n-1 {
			return s[:i] + "…"
		}
		at += columnsOf(r)
	}
	return s
}
