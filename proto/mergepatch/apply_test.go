package mergepatch_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/mergepatch"
)

const most = 1 << 20

// The examples of RFC 7396 that concern objects, and what this package adds to it.
func TestWhatBecomesOfADocument(t *testing.T) {
	for _, c := range []struct{ what, doc, patch, want string }{
		{"replaces", `{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{"adds", `{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{"takes away", `{"a":"b"}`, `{"a":null}`, `{}`},
		{"takes one away", `{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{"a list becomes a string", `{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{"a string becomes a list", `{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{"deep", `{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{"lists are whole", `{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{"a null that is there stays", `{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{"nulls of new objects", `{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{"an object in place of a string", `{"a":"x"}`, `{"a":{"b":null,"c":1}}`, `{"a":{"c":1}}`},
		{"nulls in lists", `{}`, `{"a":[null,{"b":null}]}`, `{"a":[null,{"b":null}]}`},
		{"no document", ``, `{"a":1,"b":null}`, `{"a":1}`},
		{"nothing", ` { "a" : 1 } `, `{}`, `{"a":1}`},
		{"numbers as written", `{"a":12345678901234567890,"b":1.0}`, `{"c":1e400,"d":-0.10E+2}`, `{"a":12345678901234567890,"b":1.0,"c":1e400,"d":-0.10E+2}`},
		{"strings as written", `{"\u0061":"\u003c<"}`, `{"b":"\/\" ,}{"}`, `{"\u0061":"\u003c<","b":"\/\" ,}{"}`},
		{"a name that is written otherwise", `{"\u0061":1}`, `{"a":2}`, `{"\u0061":2}`},
		{"a name twice", `{"a":1,"b":2,"a":3}`, `{"b":4,"b":5}`, `{"a":3,"b":5}`},
		{"order", `{"z":1,"y":2,"x":3}`, `{"b":1,"y":{},"a":2}`, `{"z":1,"y":{},"x":3,"b":1,"a":2}`},
		{"white space", "{\n\"a\" : [ 1 , 2 ] }", "\t{ \"b\" : { \"c\" : \"d e\" } }\n", `{"a":[1,2],"b":{"c":"d e"}}`},
		{"one behind the other", `{"a":{"x":1}}`, `{"a":1} {"a":{"b":null}}{"c":[]}`, `{"a":{},"c":[]}`},
		{"an empty name", `{"":1}`, `{"":{"":2}}`, `{"":{"":2}}`},
	} {
		got, err := mergepatch.Apply([]byte(c.doc), []byte(c.patch), most)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.what, got, err, c.want)
		}
	}
}

func TestWhatIsNoMerge(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, c := range []struct {
		what, doc, patch string
		want             error
	}{
		{"a list is there", `[1]`, `{}`, mergepatch.ErrDocument},
		{"a word is there", `hello`, `{}`, mergepatch.ErrDocument},
		{"two objects are there", `{}{}`, `{}`, mergepatch.ErrDocument},
		{"white space is there", ` `, `{}`, mergepatch.ErrDocument},
		{"what is there is no UTF-8", "{\"a\":\"\xff\"}", `{}`, mergepatch.ErrDocument},
		{"a list", `{}`, `[1]`, mergepatch.ErrPatch},
		{"null", `{}`, `null`, mergepatch.ErrPatch},
		{"nothing", `{}`, ` `, mergepatch.ErrPatch},
		{"half an object", `{}`, `{"a":`, mergepatch.ErrPatch},
		{"an object and a half", `{}`, `{}{"a"`, mergepatch.ErrPatch},
		{"an object and a bracket", `{}`, `{}]`, mergepatch.ErrPatch},
		{"an object and a word", `{}`, `{} x`, mergepatch.ErrPatch},
		{"no UTF-8", `{}`, "{\"a\":\"\xff\"}", mergepatch.ErrPatch},
		{"deep", `{}`, deep(mergepatch.MaxDepth + 1), mergepatch.ErrDeep},
		{"many", `{}`, strings.Repeat("{}", mergepatch.MaxPatches+1), mergepatch.ErrMany},
		{"large", `{"a":1}`, `{"b":"` + strings.Repeat("x", most) + `"}`, mergepatch.ErrTooLarge},
	} {
		if got, err := mergepatch.Apply([]byte(c.doc), []byte(c.patch), most); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: got %.50s, %v, want %v", c.what, got, err, c.want)
		}
	}
	if _, err := mergepatch.Apply(nil, []byte(deep(mergepatch.MaxDepth)), most); err != nil {
		t.Errorf("as deep as it may be: %v", err)
	}
	if got, err := mergepatch.Apply([]byte(`{"a":1}`), []byte(`{"bc":2}`), len(`{"a":1,"bc":2}`)); err != nil {
		t.Errorf("as large as it may be: %s, %v", got, err)
	}
	if _, err := mergepatch.Apply([]byte(`{"a":1}`), []byte(`{"bc":2}`), len(`{"a":1,"bc":2}`)-1); !errors.Is(err, mergepatch.ErrTooLarge) {
		t.Errorf("one byte larger: %v", err)
	}
}

func TestPatchIsBoundedByWhatItMayMake(t *testing.T) {
	for length, want := range map[int]error{400: nil, 401: mergepatch.ErrTooLarge} {
		patch := []byte(`{"a":1}` + strings.Repeat(" ", length-7))
		if got, err := mergepatch.Apply(nil, patch, 100); !errors.Is(err, want) || (err == nil) != (string(got) == `{"a":1}`) {
			t.Errorf("%d bytes: got %s, %v; want %v", length, got, err, want)
		}
	}
	if !mergepatch.Fits([]byte(`{}`), math.MaxInt) || !mergepatch.Fits(nil, 0) || mergepatch.Fits([]byte(`{}`), 0) {
		t.Error("the ends of the range")
	}
}

func TestNullsTakeMembersAway(t *testing.T) {
	patch, err := mergepatch.Nulls("a", `"\`, "小")
	if err != nil {
		t.Fatal(err)
	}
	got, err := mergepatch.Apply([]byte(`{"a":{"b":1},"\"\\":2,"小":3,"c":4}`), patch, most)
	if err != nil || string(got) != `{"c":4}` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := mergepatch.Nulls("\xff"); !errors.Is(err, mergepatch.ErrPatch) {
		t.Errorf("a name that is no UTF-8: %v", err)
	}
}

// BenchmarkApply is a small change of a session of 1 KiB.
func BenchmarkApply(b *testing.B) {
	doc := []byte(`{"user":"liubei","room":7,"note":"` + strings.Repeat("x", 1000) + `"}`)
	patch := []byte(`{"room":8}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mergepatch.Apply(doc, patch, most); err != nil {
			b.Fatal(err)
		}
	}
}
