package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-im/parley/proto/fault"
)

// CheckName wants the name of a user: visible, without blanks at its ends.
func CheckName(name string) error { return checkName("name", name, MaxNameRunes) }

// CheckDisplayName wants what a user is shown as. It need not be one user's alone.
func CheckDisplayName(name string) error { return checkName("displayName", name, MaxNameRunes) }

// CheckTitle wants the name of a group chat or room.
func CheckTitle(name string) error { return checkName("name", name, MaxTitleRunes) }

// guestPrefix begins the names that are made for guests.
const guestPrefix = "guest-"

// GuestName makes the name of a guest.
func GuestName(rest string) string { return guestPrefix + rest }

// Reserved reports whether a name is kept for guests, whatever its case: whoever signs up
// under it would be taken for one, and keep one from its name. What somebody is shown as
// is free: guests choose theirs too, and whether a user is one is told beside it.
func Reserved(name string) bool { return strings.HasPrefix(Fold(name), guestPrefix) }

func checkName(what, name string, maxRunes int) error {
	switch {
	case name == "":
		return fault.New(fault.Invalid, what+": empty")
	case !utf8.ValidString(name):
		return fault.New(fault.Invalid, what+": not UTF-8")
	case len(name) > maxRunes*utf8.UTFMax || utf8.RuneCountInString(name) > maxRunes:
		return fault.New(fault.TooLarge, fmt.Sprintf("%s: at most %d characters", what, maxRunes))
	case strings.TrimSpace(name) != name:
		return fault.New(fault.Invalid, what+": blanks at an end")
	}
	before := ' '
	for i, r := range name {
		switch {
		case unseen(r), unicode.Is(unicode.Variation_Selector, r) && !(r == emoji && unicode.IsSymbol(before)):
			return fault.New(fault.Invalid, what+": contains characters that cannot be seen")
		case unicode.IsSpace(r) && (unicode.IsSpace(before) || r != ' ' && r != wideBlank):
			// A page shows two as one, and a thin one as none.
			return fault.New(fault.Invalid, what+": blanks that cannot be told from one")
		case i == 0 && unicode.IsMark(r):
			return fault.New(fault.Invalid, what+": begins with an accent") // it would sit on what stands before the name
		}
		before = r
	}
	return nil
}

// emoji makes a coloured picture of the symbol before it. Like every selector it is
// nothing to see elsewhere.
const emoji = '\ufe0f'

// wideBlank is the blank of Chinese and Japanese.
const wideBlank = '\u3000'

// unseen reports whether r takes no ink: with it a name would look like another's, or
// like none. Cf turns text around as well; of private use everybody has his own.
func unseen(r rune) bool {
	return r == '\u2800' || r == '\U00016fe4' || r == '\U0001d159' || unicode.IsControl(r) ||
		unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}

// Fold is how names are compared: two that differ in case only are the same. It does
// not compose: an é of one character and one of two are two names that look alike, as
// a Latin and a Cyrillic a are. Whoever must not be mistaken for another has an id.
func Fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
