package ctl

import (
	"strings"
	"testing"
)

func TestSharesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]Share{
		"25%": 0.25, "0.25": 0.25, "100%": 1, "1.0": 1, "0.5%": 0.005, ".5": 0.5, "12.5%": 0.125, "33.3%": 0.333,
	} {
		var s Share
		if err := s.UnmarshalText([]byte(text)); err != nil || s-want > 1e-12 || want-s > 1e-12 {
			t.Errorf("%s: %v, %v; want %v", text, s, err, want)
		}
	}
	for text, says := range map[string]string{
		"1":                            "say 1%",   // a hundredth, or everything?
		"25":                           "say 25%",  //
		"0":                            "above 0%", //
		"0%":                           "above 0%", //
		"0.0":                          "above 0%",
		"101%":                         "100% at most",
		"1.5":                          "100% at most",
		"-25%":                         "say 25%",
		"25 %":                         "say 25%",
		"":                             "say 25%",
		"%":                            "say 25%",
		".":                            "say 25%",
		"NaN":                          "say 25%",
		"1e-2":                         "say 25%",
		"0x.8p1":                       "say 25%",
		"1.2.3":                        "say 25%",
		"25%%":                         "say 25%",
		"\x1b[2J":                      "say 25%",
		strings.Repeat("9", 400) + "%": "say 25%",
	} {
		s := Share(0.125)
		err := s.UnmarshalText([]byte(text))
		if err == nil || !strings.Contains(err.Error(), says) || s != 0.125 {
			t.Errorf("%q: %v, %v; want an error with %q", text, s, err, says)
		}
		if err != nil && !plain(strings.ReplaceAll(strings.ReplaceAll(err.Error(), `"`, ""), `\`, "")) {
			t.Errorf("%q is not said safely: %q", text, err)
		}
	}
}

// FuzzShare looks for a share out of bounds, or one that is not read as it is written.
func FuzzShare(f *testing.F) {
	for _, seed := range []string{"25%", "0.25", "100%", "1", "1.0", "0%", ".5", "00.1%", "1e9%", "99.999999999999999999%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, again Share
		if err := s.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if !(s > 0 && s <= 1) {
			t.Fatalf("%q is %v", text, float64(s))
		}
		if len(s.String()) > maxShareText {
			return
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again-s > 1e-12 || s-again > 1e-12 {
			t.Fatalf("%q is %v, written %s, read %v, %v", text, float64(s), s, float64(again), err)
		}
	})
}

func TestOnlyCodesThatMayBeSentAreTaken(t *testing.T) {
	for _, text := range []string{"1000", "3000", "4000", "4999"} {
		var c CloseCode
		if err := c.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "0", "999", "1001", "1004", "1012", "1005", "1006", "1015", "2000", "2999", "5000", "65536", "04000", "-4000", "4000 ", "+400", "four"} {
		var c CloseCode
		if err := c.UnmarshalText([]byte(text)); err == nil || c != 0 {
			t.Errorf("%q is taken as %d", text, c)
		}
	}
}

// FuzzCloseCode looks for a code that no endpoint may send.
func FuzzCloseCode(f *testing.F) {
	for _, seed := range []string{"1000", "4000", "1005", "1006", "65536", "0x3e8", "4_00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c CloseCode
		if err := c.UnmarshalText([]byte(text)); err == nil && !sendable(uint64(c)) {
			t.Fatalf("%q is taken as %d", text, c)
		}
	})
}
