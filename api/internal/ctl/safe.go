package ctl

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// none stands in a screen where there is nothing.
const none = "-"

// shown is text of somebody else (a user, a path, a reason) as a screen may have it: it
// moves no cursor, changes no colour, begins no line, and is seen to be what it is. What
// would not be, or could be taken for something else, comes as Go writes a string.
func shown(s string) string {
	switch {
	case s == "":
		return none
	case s == none || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.Contains(s, "  ") || !plain(s):
		return strconv.Quote(s)
	}
	return s
}

// plain reports whether a terminal shows s as nothing but its letters.
func plain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || r == '"' || r == '\\' {
			return false
		}
	}
	return true
}

// Line is what somebody else says for people, as one line of a terminal.
func Line(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			q := strconv.Quote(s[:n])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
