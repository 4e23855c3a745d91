package examples

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"testing"
)

func TestExamplesStaySmall(t *testing.T) {
	for file, most := range map[string]int{
		"echo/main.go":          60,
		"broadcast/main.go":     60,
		"swooleim/main.go":      150,
		"swoolechat/main.go":    150,
		"onetoone/main.go":      150,
		"workermanchat/main.go": 150,
		"tadpole/main.go":       150,
		"tasks/main.go":         150,
		"twopaths/main.go":      150,
		"shareddoc/main.go":     150,
		"support/main.go":       150,
		"ticker/main.go":        150,
		"ticker/feeder/main.go": 150,
	} {
		source := read(t, file)
		if lines := bytes.Count(source, []byte("\n")); lines > most {
			t.Errorf("%s has %d lines, at most %d are promised", file, lines, most)
		}
		if formatted, err := format.Source(source); err != nil || !bytes.Equal(formatted, source) {
			t.Errorf("%s is not formatted (%v)", file, err)
		}
		sources, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range sources {
			if other != file && !bytes.HasSuffix([]byte(other), []byte("_test.go")) {
				t.Errorf("%s stands beside %s: an example is one file", other, file)
			}
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
