package rpc

import (
	"encoding/json"
	"iter"
)

// members goes through the members of an object, which is valid JSON and begins with its
// brace, in the order in which they stand; values are parts of b. encoding/json takes
// names of any case for a struct's, and allocates for each member of a map.
func members(b []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for i := next(b, 1); b[i] != '}'; i = next(b, i) {
			end := valueEnd(b, i)
			name := nameOf(b[i:end])
			i = next(b, end)
			end = valueEnd(b, i)
			if !yield(name, b[i:end:end]) {
				return
			}
			i = end
		}
	}
}

// nameOf is what a JSON string stands for.
func nameOf(quoted []byte) string {
	for _, c := range quoted {
		if c == '\\' {
			var name string
			_ = json.Unmarshal(quoted, &name) // it is valid
			return name
		}
	}
	return string(quoted[1 : len(quoted)-1])
}

// next passes over what stands between names and values.
func next(b []byte, i int) int {
	for {
		switch b[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
		default:
			return i
		}
	}
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i // of the object that it is in
			} else if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}
