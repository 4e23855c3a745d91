package browser

import (
	"fmt"
	"strings"
	"sync"
)

// journal keeps what processes write.
type journal struct {
	mu    sync.Mutex
	lines []said
}

// said is a line and the process that wrote it.
type said struct{ who, line string }

// Line implements proc.Output.
func (j *journal) Line(process string, line []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, said{process, string(line)})
}

// of returns the lines of one process, or of all but players.
func (j *journal) of(process string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var b strings.Builder
	for _, l := range j.lines {
		switch {
		case l.who == process:
			fmt.Fprintln(&b, l.line)
		case process == "" && !strings.HasPrefix(l.who, player):
			fmt.Fprintln(&b, l.who, l.line)
		}
	}
	return b.String()
}
