package mergepatch

import "encoding/json"

// member is a member of an object, as it is written.
type member struct {
	name  string // decoded
	raw   []byte // the name with its quotes
	value []byte
	done  bool // of a patch: it has taken effect
}

func (m *member) isNull() bool { return m.value[0] == 'n' }

// appendName appends the name and what stands around it; start is where the members of
// the object begin in dst.
func (m *member) appendName(dst []byte, start int) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(append(dst, m.raw...), ':')
}

// members returns the members of a compact object, and where each name is among them. A
// name that comes again keeps its place and gets the new value.
func members(object []byte) (list []member, index map[string]int) {
	index = make(map[string]int)
	for at := 1; object[at] != '}'; {
		if object[at] == ',' {
			at++
		}
		colon := stringEnd(object, at)
		m := member{raw: object[at:colon]}
		// It was checked with the whole text, so it decodes.
		_ = json.Unmarshal(m.raw, &m.name)
		at = valueEnd(object, colon+1)
		m.value = object[colon+1 : at]
		if i, again := index[m.name]; again {
			list[i].value = m.value
			continue
		}
		index[m.name] = len(list)
		list = append(list, m)
	}
	return list, index
}

// stringEnd returns where the string that begins at from ends, behind its quote.
func stringEnd(b []byte, from int) int {
	for i := from + 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// valueEnd returns where the value of a member that begins at from ends.
func valueEnd(b []byte, from int) int {
	depth := 0
	for i := from; ; i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
}
