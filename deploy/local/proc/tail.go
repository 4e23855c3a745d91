package proc

import "sync"

// tailLines is how many lines of a process are kept for error messages.
const tailLines = 40

// tail keeps the last lines that a process wrote.
type tail struct {
	mu   sync.Mutex
	ring [tailLines]string
	n    int
}

func (t *tail) add(line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.n%tailLines] = string(line)
	t.n++
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for i := max(0, t.n-tailLines); i < t.n; i++ {
		list = append(list, t.ring[i%tailLines])
	}
	return list
}
