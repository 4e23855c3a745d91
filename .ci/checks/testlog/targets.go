package testlog

import (
	"fmt"
	"io"
	"strings"
)

// PrintTargets reads `go test -list ^Fuzz -json` and writes a line for each
// fuzz target: its package and its name.
func PrintTargets(r io.Reader, w io.Writer) error {
	var failed error
	err := read(r, func(e event) {
		name := strings.TrimSpace(e.Output)
		switch {
		case e.Action == "output" && strings.HasPrefix(name, "Fuzz") && !strings.Contains(name, " "):
			fmt.Fprintln(w, e.Package, name)
		case e.Action == "fail":
			failed = fmt.Errorf("%s does not build", e.Package)
		}
	}, func(string) {})
	if err != nil {
		return err
	}
	return failed
}
