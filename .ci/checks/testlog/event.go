// Package testlog reads what `go test -json` prints.
package testlog

import (
	"bufio"
	"encoding/json"
	"io"
	"time"
)

// event is one line of `go test -json`. Test is empty for a package's own.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

func (e event) elapsed() time.Duration { return time.Duration(e.Elapsed * float64(time.Second)) }

// read calls each with every event of r and plain with every line that is not
// one, such as what a Makefile says.
func read(r io.Reader, each func(event), plain func(line string)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Action == "" {
			plain(lines.Text())
			continue
		}
		each(e)
	}
	return lines.Err()
}
