package ops

import "github.com/parley-im/parley/worker/chat"

// maxPageBytes is about what the messages or changes of one answer may take as JSON.
// A frame has at most 1 MiB, and so has the queue of a conn, which the answers of
// several calls and all that is pushed share.
const maxPageBytes = 256 << 10

// fitting returns how many of n items make a page: one at least, so that every page
// leads on.
func fitting(n int, weight func(i int) int) int {
	sum := 0
	for i := range n {
		if sum += weight(i); sum > maxPageBytes && i > 0 {
			return i
		}
	}
	return n
}

// weighMessage is weigh of a message.
func weighMessage(m *chat.Message) int {
	n := weigh(m.Text, len(m.Users))
	if m.Image != nil {
		n += weigh(m.Image.Name, 0)
	}
	return n
}

// weigh returns what a text, and ids beside it, take as JSON, and what stands around
// them at most.
func weigh(text string, ids int) int {
	n := 400 + 40*ids + len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ':
			n += 5 // \u0001
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}
