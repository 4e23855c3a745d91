// Package logline makes the logs of many processes one readable log: each line
// begins with the process it came from, aligned and, on a terminal, in a colour
// of its own; structured lines (JSON or key=value) become plain sentences with
// their facts behind.
package logline

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

// Writer writes lines of several processes into one stream.
type Writer struct {
	color bool
	now   func() time.Time

	mu    sync.Mutex // guards what follows; held while writing
	out   io.Writer
	width int
	tint  map[string]int
}

// New makes a Writer into out. color says that out is a terminal that shows
// colours.
func New(out io.Writer, color bool) *Writer {
	return &Writer{out: out, color: color, now: time.Now, tint: map[string]int{}}
}

// Names announces processes, so that their lines are aligned from the first on
// and their colours do not depend on who speaks first.
func (w *Writer) Names(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range names {
		w.know(n)
	}
}

func (w *Writer) know(name string) {
	if _, ok := w.tint[name]; !ok {
		w.tint[name] = len(w.tint)
		w.width = max(w.width, len(name))
	}
}

// The colours of processes, and those of levels.
var tints = []int{36, 32, 35, 34, 96, 92, 95, 94}

const (
	red    = 31
	yellow = 33
	gray   = 90
)

// Line implements proc.Output.
func (w *Writer) Line(process string, line []byte) {
	e := parse(bytes.TrimRight(line, "\r"), process)
	if e.time.IsZero() {
		e.time = w.now()
	}
	w.write(process, e)
}

// Say writes a line of the supervisor's own.
func (w *Writer) Say(process, format string, args ...any) {
	w.write(process, entry{time: w.now(), message: fmt.Sprintf(format, args...)})
}

// Plain writes text without any prefix, whole.
func (w *Writer) Plain(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = io.WriteString(w.out, text) // a log that cannot be written cannot be helped
}

func (w *Writer) write(process string, e entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.know(process)
	var b bytes.Buffer
	b.WriteString(w.paint(gray, e.time.Local().Format("15:04:05.000")))
	b.WriteByte(' ')
	b.WriteString(w.paint(tints[w.tint[process]%len(tints)], fmt.Sprintf("%-*s", w.width, process)))
	b.WriteByte(' ')
	switch e.level {
	case "ERROR":
		b.WriteString(w.paint(red, "error: "))
	case "WARN":
		b.WriteString(w.paint(yellow, "warning: "))
	case "DEBUG":
		b.WriteString(w.paint(gray, "debug: "))
	}
	b.WriteString(e.message)
	if len(e.facts) > 0 {
		b.WriteString("  ")
		b.WriteString(w.paint(gray, e.facts))
	}
	b.WriteByte('\n')
	_, _ = w.out.Write(b.Bytes())
}

func (w *Writer) paint(color int, text string) string {
	if !w.color || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", color, text)
}
