package record

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files and the fuzz corpus")

// The files in testdata are the byte vectors of the protocol: one file per
// kind, one section per record, hex on the left and the field on the right.
// Another implementation can test itself against them.
func TestGoldenVectors(t *testing.T) {
	files := map[string]string{}
	for _, s := range samples() {
		b, err := s.append(nil)
		if err != nil {
			t.Fatal(err)
		}
		files[fileName(s.kind)] += "# " + s.kind.String() + ": " + s.name + "\n" + explain(b) + "\n"
	}
	for name, got := range files {
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs (go test -run Golden -update rewrites it):\n%s", path, got)
		}
	}
	there, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(there) != len(files) {
		t.Errorf("files in testdata: got %d, want %d (%v)", len(there), len(files), err)
	}
}

// The committed bytes are read as what they say, also by later versions.
func TestGoldenVectorsAreRead(t *testing.T) {
	want := map[Kind][]any{}
	for _, s := range samples() {
		want[s.kind] = append(want[s.kind], s.want)
	}
	for k, want := range want {
		text, err := os.ReadFile(filepath.Join("testdata", fileName(k)+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(vectors(t, text))
		for i := range want {
			if !r.Next() {
				t.Errorf("%v %d: %v", k, i, r.Err())
				break
			}
			if got := read(&r); !reflect.DeepEqual(got, want[i]) {
				t.Errorf("%v %d:\n got %+v\nwant %+v", k, i, got, want[i])
			}
		}
		if r.Next() {
			t.Errorf("%v: more records than samples", k)
		}
	}
}

// vectors returns the bytes of a golden file: its left column.
func vectors(t testing.TB, text []byte) (all []byte) {
	for line := range bytes.Lines(text) {
		if line[0] == '#' || line[0] == '\n' {
			continue
		}
		column, _, _ := strings.Cut(string(line), "  ")
		b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(column), " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, b...)
	}
	return all
}
