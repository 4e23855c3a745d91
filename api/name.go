package api

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many characters the name of a picture has at most, and maxExtension how
// many of its end are kept when it is longer.
const (
	maxName      = 128
	maxExtension = 8
)

// fileName is what people are told that a picture was called. It is no path, names no
// folder, has nothing that cannot be seen, and nobody opens a file by it.
func fileName(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s))
	if strings.Trim(s, ". ") == "" {
		return ""
	}
	if utf8.RuneCountInString(s) <= maxName {
		return s
	}
	end := path.Ext(s)
	if utf8.RuneCountInString(end) > maxExtension {
		end = ""
	}
	r := []rune(s)
	return string(r[:maxName-utf8.RuneCountInString(end)]) + end
}
