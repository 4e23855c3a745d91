package chat

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/parley-im/parley/proto/fault"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]fault.Code{
		"liubei": good, "劉備": good, "Zoë Ångström": good, "🐎": good, "o'neill-3": good, "e\u0301": good, strings.Repeat("é", MaxNameRunes): good,
		"": fault.Invalid, " a": fault.Invalid, "a ": fault.Invalid, "\u00a0a": fault.Invalid, "a\nb": fault.Invalid, "a\x00b": fault.Invalid, "\x7f": fault.Invalid,
		"a\u202eb": fault.Invalid, "a\u200bb": fault.Invalid, "\ufeffa": fault.Invalid, "a\u2028b": fault.Invalid, "\xff": fault.Invalid,
		"❤\ufe0f": good, "葛": good, "a b": good,
		// Nothing of these can be seen, at least not beside what is.
		"\u3164": fault.Invalid, "ann\u3164": fault.Invalid, "ann\u034f": fault.Invalid, "\u115f": fault.Invalid, "\uffa0": fault.Invalid, "\u2800": fault.Invalid, "ann\U000e0041": fault.Invalid,
		"\ufe0f": fault.Invalid, "ann\ufe0f": fault.Invalid, "ann\ufe00": fault.Invalid, "葛\U000e0100": fault.Invalid, "❤\ufe0f\ufe0f": fault.Invalid, "\u0301": fault.Invalid, "\u0301\u0302": fault.Invalid,
		"\uffff": fault.Invalid, "\ue000": fault.Invalid, "\U0001d159": fault.Invalid, "ann\U00016fe4": fault.Invalid,
		// These look like "a b", or like "ab".
		"a  b": fault.Invalid, "a\u00a0b": fault.Invalid, "a\u200ab": fault.Invalid, "a\u202fb": fault.Invalid, "a \u3000b": fault.Invalid, "a\u3000b": good,
		strings.Repeat("x", MaxNameRunes+1): fault.TooLarge, strings.Repeat("x", 10_000): fault.TooLarge, strings.Repeat("\x01", 10_000): fault.TooLarge,
	} {
		check(t, name, CheckName(name), want)
		check(t, name, CheckDisplayName(name), want)
	}
	check(t, "a long title", CheckTitle(strings.Repeat("x", MaxTitleRunes)), good)
	check(t, "two blanks", CheckTitle("the  lobby"), fault.Invalid)
	check(t, "a longer title", CheckTitle(strings.Repeat("x", MaxTitleRunes+1)), fault.TooLarge)
}

func TestTexts(t *testing.T) {
	for text, want := range map[string]fault.Code{
		"hi": good, "two\nlines": good, strings.Repeat("x", MaxTextBytes): good, "\u202etxet": good,
		"": fault.Invalid, " \n\t": fault.Invalid, "a\x00": fault.Invalid, "\xc3": fault.Invalid,
		strings.Repeat("x", MaxTextBytes+1): fault.TooLarge, strings.Repeat("x", 1<<20): fault.TooLarge,
	} {
		check(t, text, CheckText(text), want)
	}
}

func TestIDsOfClients(t *testing.T) {
	for id, want := range map[string]fault.Code{
		"01J.a_b-C": good, strings.Repeat("x", 64): good,
		"": fault.Invalid, "a b": fault.Invalid, "a/b": fault.Invalid, "é": fault.Invalid, "a\n": fault.Invalid, strings.Repeat("x", 65): fault.Invalid,
	} {
		check(t, id, RequestID(id).Check(), want)
		check(t, id, DeviceID(id).Check(), want)
	}
	for id, want := range map[string]fault.Code{"01890a5d-ac96-774b-bcce-b302099a8057": good, "": fault.Invalid, "' OR 1=1": fault.NotFound, strings.Repeat("x", 1000): fault.NotFound} {
		check(t, id, CheckID("user", UserID(id)), want)
	}
	for r, want := range map[Realm]fault.Code{"": good, "shu-3": good, "Shu": fault.Invalid, "_": fault.Invalid, "a.b": fault.Invalid, "*": fault.Invalid, Realm(strings.Repeat("x", 33)): fault.Invalid} {
		check(t, string(r), r.Check(), want)
	}
}

// good stands for no error.
const good = fault.Code(255)

func check(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if err == nil && want == good {
		return
	}
	if err == nil || want == good || fault.CodeOf(err) != want {
		t.Errorf("%.40q: got %v, want %v", what, err, want)
	}
}

func TestNamesThatDifferInCaseAreTheSame(t *testing.T) {
	for _, pair := range [][2]string{{"LiuBei", "liubei"}, {"ΣΊΣΥΦΟΣ", "σίσυφοσ"}, {"ς", "σ"}, {"É", "é"}, {"ſ", "s"}} {
		if Fold(pair[0]) != Fold(pair[1]) {
			t.Errorf("%q and %q", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"guanyu", "zhangfei"}, {"\u00e9", "e\u0301"}, {"a", "\u0430"}, {"a", "\uff41"}, {"i", "\u0131\u0307"}} {
		if Fold(pair[0]) == Fold(pair[1]) {
			t.Errorf("%q and %q are one", pair[0], pair[1])
		}
	}
}

func TestEveryLetterIsTheSameInAllItsCases(t *testing.T) {
	for r := range unicode.MaxRune + 1 {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			continue
		}
		key := Fold(string(r))
		if Fold(key) != key {
			t.Errorf("%U folds to %q, and that to %q", r, key, Fold(key))
		}
		for _, other := range []rune{unicode.SimpleFold(r), unicode.ToUpper(r), unicode.ToLower(r), unicode.ToTitle(r)} {
			if got := Fold(string(other)); got != key {
				t.Errorf("%U folds to %q, %U to %q", r, key, other, got)
			}
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("liubei")
	f.Add("\u202e")
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		key := Fold(name)
		if first, _ := utf8.DecodeRuneInString(name); unicode.IsMark(first) || unicode.IsSpace(first) || unicode.IsControl(first) {
			t.Errorf("%q begins with nothing to be seen", name)
		}
		if key == "" || !utf8.ValidString(key) || len(key) > 256*2 || Fold(key) != key {
			t.Errorf("%q folds to %q", name, key)
		}
	})
}
