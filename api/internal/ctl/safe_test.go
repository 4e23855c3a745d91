package ctl

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTextOfOthersIsSeenForWhatItIs(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "-",
		"-":                    `"-"`,
		"zhangfei":             "zhangfei",
		"张飞":                   "张飞",
		"Zhang Fei":            "Zhang Fei",
		" a":                   `" a"`,
		"a ":                   `"a "`,
		"a  b":                 `"a  b"`,
		"\x1b[2J\x1b[Hroot":    `"\x1b[2J\x1b[Hroot"`,
		"a\nUSER  b":           `"a\nUSER  b"`,
		"a\rb":                 `"a\rb"`,
		"\u009b31mred":         `"\u009b31mred"`, // CSI in one character
		"abc\u202egpj.exe":     `"abc\u202egpj.exe"`,
		"a\u200bb":             `"a\u200bb"`,
		"\xff":                 `"\xff"`,
		`say "hi"`:             `"say \"hi\""`,
		`back\slash`:           `"back\\slash"`,
		"\U0001F600":           "\U0001F600",
		"\u3000wide space":     `"\u3000wide space"`,
		"\u2028line separator": `"\u2028line separator"`,
	} {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
	if got := Line("no\x1b[2J\nanswer 张"); got != `no\x1b[2J\nanswer 张` {
		t.Errorf("a line of an api is %s", got)
	}
}

// FuzzShown looks for text that reaches a terminal as something else than letters, or
// that two strings share.
func FuzzShown(f *testing.F) {
	for _, seed := range []string{"", "-", "zhangfei", "\x1b]0;title\x07", "\u202e", "a\tb", "\xc3\x28", "张 飞", `"-"`} {
		f.Add(seed, 12)
	}
	f.Fuzz(func(t *testing.T, text string, room int) {
		got := shown(text)
		for _, s := range []string{got, Line(text), clip(got, 1+room&63)} {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is shown as %q, which is no UTF-8", text, s)
			}
			for _, r := range s {
				if !unicode.IsPrint(r) && r != '…' {
					t.Fatalf("%q is shown with %U", text, r)
				}
			}
		}
		if n := columns(clip(got, 1+room&63)); n > 1+room&63 {
			t.Fatalf("%q takes %d columns of %d", text, n, 1+room&63)
		}
		if text != "" && got == none {
			t.Fatalf("%q is shown as nothing", text)
		}
		if strings.HasPrefix(got, `"`) && strings.HasPrefix(text, `"`) && got == text {
			t.Fatalf("%q is shown as what another string is shown as", text)
		}
	})
}
