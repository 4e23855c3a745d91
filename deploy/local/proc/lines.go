package proc

import (
	"bytes"
	"io"
)

// lines cuts a stream into lines. os/exec calls Write from one goroutine.
type lines struct {
	emit func([]byte)
	part []byte
}

// maxLine is where a line without an end is cut.
const maxLine = 64 << 10

func (w *lines) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		w.emit(append(w.part, b[:i]...))
		w.part, b = w.part[:0], b[i+1:]
	}
	if w.part = append(w.part, b...); len(w.part) > maxLine {
		w.flush()
	}
	return n, nil
}

// flush hands over an unfinished line.
func (w *lines) flush() {
	if len(w.part) > 0 {
		w.emit(w.part)
		w.part = w.part[:0]
	}
}

var _ io.Writer = (*lines)(nil)
