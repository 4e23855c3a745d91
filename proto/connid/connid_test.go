package connid

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

var (
	someID   = ID{Gateway: 0xabcdef1234567890, Conn: 42}
	someText = "q83vEjRWeJAAAAAAAAAAKg"
)

func TestTextForm(t *testing.T) {
	if got := someID.String(); got != someText {
		t.Errorf("text: got %q, want %q", got, someText)
	}
	if got, err := Parse(someText); got != someID || err != nil {
		t.Errorf("parse: got %v, %v", got, err)
	}
}

func TestWhatIsNoIDIsRefused(t *testing.T) {
	for what, s := range map[string]string{
		"empty":              "",
		"too short":          someText[1:],
		"too long":           someText + "A",
		"padded":             someText + "==",
		"standard alphabet":  "+83vEjRWeJAAAAAAAAAAKg",
		"spare bits not 0":   someText[:21] + "h",
		"line break inside":  someText[:10] + "\n" + someText[11:],
		"all zero":           strings.Repeat("A", Size),
		"gateway zero":       ID{0, 7}.String(),
		"conn zero":          ID{7, 0}.String(),
		"not ASCII":          "ä" + someText[2:],
		"not even close":     strings.Repeat("!", Size),
		"a megabyte of text": strings.Repeat("A", 1<<20),
	} {
		if got, err := Parse(s); !errors.Is(err, ErrInvalid) || !got.IsZero() {
			t.Errorf("%s: got %v, %v", what, got, err)
		}
		id := someID
		if err := id.UnmarshalText([]byte(s)); s != "" && (!errors.Is(err, ErrInvalid) || id != someID) {
			t.Errorf("%s: unmarshalled to %v, %v", what, id, err)
		}
	}
}

func TestJSON(t *testing.T) {
	type doc struct {
		Conn ID         `json:"conn"`
		None ID         `json:"none"`
		By   map[ID]int `json:"by"`
	}
	in := doc{Conn: someID, By: map[ID]int{someID: 1}}
	b, err := json.Marshal(in)
	want := `{"conn":"` + someText + `","none":"","by":{"` + someText + `":1}}`
	if err != nil || string(b) != want {
		t.Fatalf("got %s, %v, want %s", b, err, want)
	}
	out := doc{None: someID}
	if err := json.Unmarshal(b, &out); err != nil || out.Conn != someID || !out.None.IsZero() || out.By[someID] != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"conn":"x"}`), &out); !errors.Is(err, ErrInvalid) {
		t.Errorf("a bad id in JSON: got %v", err)
	}
}

func TestZeroIsNoConn(t *testing.T) {
	var id ID
	if !id.IsZero() || id.String() != "" || id.Number() != 0 || someID.IsZero() {
		t.Errorf("got zero %v, text %q, number %d", id.IsZero(), id.String(), id.Number())
	}
}

func TestNumberIsSafeForJavaScript(t *testing.T) {
	seen := map[int64]bool{}
	for range 10_000 {
		n := Random(1).Number()
		if n <= 0 || n >= 1<<53 {
			t.Fatalf("number %d", n)
		}
		seen[n] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("numbers of 10,000 conns: %d different", len(seen))
	}
	if got := someID.Number(); got != 3712453365911782 { // workers of all versions agree
		t.Errorf("number of %v: got %d", someID, got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", someText, someText[:21] + "h", strings.Repeat("_", Size), strings.Repeat("A", Size)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || !id.IsZero() {
				t.Fatalf("got %v, %v", id, err)
			}
			return
		}
		if id.Gateway == 0 || id.Conn == 0 || id.String() != s {
			t.Fatalf("%q is %+v is %q", s, id, id.String())
		}
	})
}
