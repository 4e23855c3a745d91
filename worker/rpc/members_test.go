package rpc

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"
)

// FuzzMembers holds members against encoding/json, which both take the last of members of
// one name.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{ }`, `{"a":1}`, ` {"a" : [1,{"b":"}"}] ,"c":"\"","\u0061":null}`, `{"a":{},"b":[],"c":-1e9,"d":true}`,
		`{"jsonrpc":"2.0","id":1,"Method":"x","params":{"a":"\\"}}`, `{"":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.TrimLeft(b, " \t\r\n")
		if len(b) == 0 || b[0] != '{' || !json.Valid(b) || !utf8.Valid(b) {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(b, &want); err != nil {
			t.Skip(err)
		}
		got := map[string]json.RawMessage{}
		for name, value := range members(b) {
			got[name] = value
		}
		if !maps.EqualFunc(got, want, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
			t.Errorf("%s:\ngot  %s\nwant %s", b, got, want)
		}
	})
}
