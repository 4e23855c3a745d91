package mergepatch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/mergepatch"
)

// Whatever the bytes: no panic; what comes out is a JSON object within the bound; a
// patch that is applied again changes nothing; and it is what RFC 7396 says, as far as
// its pseudo-code over decoded values can tell.
func FuzzApply(f *testing.F) {
	for _, s := range []struct{ doc, patch string }{
		{`{"a":{"b":1,"c":[1,{"d":null}]}}`, `{"a":{"b":null,"x":{"y":null}}}`},
		{``, `{"a":12345678901234567890}`},
		{`{"\u0061":1,"a":2}`, `{"a":null}`},
		{`{"a":1}`, `{"a":{"b":null}}{"a":[]}`},
		{"{\"a\":\"\\\\\\\"}\"}", ` { "b" : "]" } `},
		{`[]`, `{}`}, {`{}`, `]`}, {`{"a":"\ud800"}`, `{"\udc00":1}`},
		{`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65)},
	} {
		f.Add([]byte(s.doc), []byte(s.patch), uint16(1000))
	}
	f.Fuzz(func(t *testing.T, doc, patch []byte, bound uint16) {
		beforeDoc, beforePatch := bytes.Clone(doc), bytes.Clone(patch)
		got, err := mergepatch.Apply(doc, patch, int(bound))
		if !bytes.Equal(doc, beforeDoc) || !bytes.Equal(patch, beforePatch) {
			t.Fatal("an argument was written into")
		}
		if checked := mergepatch.Check(patch); checked != nil && err == nil {
			t.Fatalf("applied although it is no patch: %v", checked)
		}
		if err != nil {
			if got != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		if len(got) > int(bound) || !json.Valid(got) || got[0] != '{' {
			t.Fatalf("got %d of %d bytes: %q", len(got), bound, got)
		}
		if same, err := mergepatch.Apply(got, []byte("{}"), int(bound)); err != nil || !bytes.Equal(same, got) {
			t.Fatalf("nothing made %s of %s, %v", same, got, err)
		}
		want, ok := decoded(doc, patch)
		if !ok {
			return // several patches: the later ones may change what the first made
		}
		if again, err := mergepatch.Apply(got, patch, int(bound)); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("once %s, twice %s, %v", got, again, err)
		}
		if !reflect.DeepEqual(decode(t, got), want) {
			t.Fatalf("%s and %s: got %s, want %v", doc, patch, got, want)
		}
	})
}

// decoded is the merge over values, of one patch; false when there are several.
func decoded(doc, patch []byte) (any, bool) {
	var d, p any
	if len(doc) > 0 && unmarshal(doc, &d) != nil || unmarshal(patch, &p) != nil {
		return nil, false
	}
	return mergeValues(d, p), true
}

// mergeValues is the pseudo-code of RFC 7396.
func mergeValues(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = mergeValues(object[name], value)
		}
	}
	return object
}

func decode(t *testing.T, b []byte) (v any) {
	if err := unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// unmarshal keeps numbers as they are written. It fails when b is not one value.
func unmarshal(b []byte, v any) error {
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	if err := in.Decode(v); err != nil {
		return err
	}
	if in.More() {
		return errors.New("more than one value")
	}
	return nil
}
