package pushkeys

import (
	"strings"
	"testing"
)

// FuzzParse: what is taken is written as it was read, and lets in nobody who only knows
// the file.
func FuzzParse(f *testing.F) {
	hash := strings.Repeat("0f", 32)
	f.Add("shop:send:1:" + hash)
	f.Add("# all\r\n\r\nshop-2:send,query,manage,admin:1000000:" + hash + "\n x:query:1:" + hash)
	f.Add("a:send:1:" + hash + "\na:send:1:" + hash)
	f.Add("::::\n:\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		var lines []string
		for id, k := range s.byID {
			if id != k.ID {
				t.Errorf("%q is kept as %q", k.ID, id)
			}
			lines = append(lines, k.Line())
			if _, _, ok := s.Find(k.Line()); ok {
				t.Errorf("a line is a key: %q", k.Line())
			}
		}
		again, err := Parse(strings.NewReader(strings.Join(lines, "\n")))
		if err != nil || len(again.byID) != len(s.byID) {
			t.Fatalf("not read again: %v", err)
		}
		for id, k := range s.byID {
			if again.byID[id] != k {
				t.Errorf("%+v became %+v", k, again.byID[id])
			}
		}
	})
}

// FuzzFind: no text but the key is one.
func FuzzFind(f *testing.F) {
	text, k, err := New("shop", 1, 1)
	if err != nil {
		f.Fatal(err)
	}
	s, err := Parse(strings.NewReader(k.Line()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("parley_shop_" + strings.Repeat("A", 43))
	f.Add("parley__" + strings.Repeat("_", 44))
	f.Fuzz(func(t *testing.T, other string) {
		if _, id, ok := s.Find(other); ok != (other == text) || id != "" && id != "shop" {
			t.Errorf("%q: %q, %v", other, id, ok)
		}
	})
}
