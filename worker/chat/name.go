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

// CheckTitle wants the name of a group chat or room.
func CheckTitle(name string) error { return checkName("name", name, MaxTitleRunes) }

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
	for _, r := range name {
		// Cf hides and turns text around: a name made of it looks like another's.
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return fault.New(fault.Invalid, what+": contains characters that cannot be seen")
		}
	}
	return nil
}

// Fold is how names are compared: two that differ in case only are the same.
func Fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }
