package mergepatch

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// The bounds of what is applied.
const (
	MaxDepth   = 64 // objects of a patch within each other
	MaxPatches = 64 // patches one behind the other
)

// Apply returns document with patch merged into it, in at most maxBytes. patch is one
// JSON object, or up to MaxPatches one behind the other, which are applied in that order;
// an empty document counts as {}. Neither is changed, and the result shares no memory with
// them. A patch that does not fit maxBytes is not looked into. An error says that nothing
// was done and why.
func Apply(document, patch []byte, maxBytes int) ([]byte, error) {
	if !Fits(patch, maxBytes) {
		return nil, ErrTooLarge
	}
	doc := []byte("{}")
	if len(document) > 0 {
		var err error
		if doc, err = compact(document, ErrDocument); err != nil {
			return nil, err
		}
	}
	patches, err := split(patch)
	if err != nil {
		return nil, err
	}
	for _, p := range patches {
		if doc = merge(nil, doc, p); len(doc) > maxBytes {
			return nil, ErrTooLarge
		}
	}
	return doc, nil
}

// Fits reports whether patch is at most four times as long as what it makes may be: room
// for what later patches replace, for names that go, and for white space, while the work
// of one write stays bounded.
func Fits(patch []byte, maxBytes int) bool {
	return len(patch) == 0 || (len(patch)-1)/4 < maxBytes // 4*maxBytes may be no int
}

// Check reports whether patch is what Apply takes, if it fits.
func Check(patch []byte) error {
	_, err := split(patch)
	return err
}

// split returns the patches without white space, 1 to MaxPatches objects.
func split(patch []byte) (patches [][]byte, err error) {
	if !utf8.Valid(patch) {
		return nil, ErrPatch
	}
	in := json.NewDecoder(bytes.NewReader(patch))
	for in.More() {
		var p json.RawMessage
		if err := in.Decode(&p); err != nil {
			return nil, ErrPatch
		}
		one, err := compact(p, ErrPatch)
		if err != nil {
			return nil, err
		}
		if tooDeep(one) {
			return nil, ErrDeep
		}
		if patches = append(patches, one); len(patches) > MaxPatches {
			return nil, ErrMany
		}
	}
	// More says no before what closes something, and then not all has been read.
	if len(patches) == 0 || len(bytes.TrimLeft(patch[in.InputOffset():], " \t\r\n")) > 0 {
		return nil, ErrPatch
	}
	return patches, nil
}

// compact returns text, which has to be an object, without white space. The strings in
// it stay as they are written.
func compact(text []byte, otherwise error) ([]byte, error) {
	var out bytes.Buffer
	if !utf8.Valid(text) || json.Compact(&out, text) != nil || out.Bytes()[0] != '{' {
		return nil, otherwise
	}
	return out.Bytes(), nil
}

// tooDeep reports whether objects lie in each other as members deeper than MaxDepth, which
// is as deep as merge calls itself. What lies in lists is copied and does not count.
func tooDeep(object []byte) bool {
	depth, lists := 0, 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '"':
			i = stringEnd(object, i) - 1
		case '[':
			lists++
		case ']':
			lists--
		case '{':
			if lists == 0 {
				depth++
			}
		case '}':
			if lists == 0 {
				depth--
			}
		}
		if depth > MaxDepth {
			return true
		}
	}
	return false
}

// merge appends to dst what becomes of doc by patch; both are compact objects.
func merge(dst, doc, patch []byte) []byte {
	there, _ := members(doc)
	changes, index := members(patch)
	dst = append(dst, '{')
	start := len(dst)
	for _, m := range there {
		i, changed := index[m.name]
		if !changed {
			dst = append(m.appendName(dst, start), m.value...)
			continue
		}
		c := &changes[i]
		c.done = true
		switch {
		case c.isNull():
		case c.value[0] == '{' && m.value[0] == '{':
			dst = merge(m.appendName(dst, start), m.value, c.value)
		default:
			dst = c.appendValue(m.appendName(dst, start))
		}
	}
	for _, c := range changes {
		if !c.done && !c.isNull() {
			dst = c.appendValue(c.appendName(dst, start))
		}
	}
	return append(dst, '}')
}

// appendValue appends what the member is where nothing, or no object, was before: without
// the nulls in it, which have nothing to take away.
func (m *member) appendValue(dst []byte) []byte {
	if m.value[0] == '{' {
		return merge(dst, []byte("{}"), m.value)
	}
	return append(dst, m.value...)
}

// Nulls returns the patch that takes members away.
func Nulls(names ...string) ([]byte, error) {
	patch := []byte{'{'}
	for i, name := range names {
		if !utf8.ValidString(name) {
			return nil, ErrPatch
		}
		if i > 0 {
			patch = append(patch, ',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		patch = append(slices.Concat(patch, quoted), ":null"...)
	}
	return append(patch, '}'), nil
}
