package pushkeys

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"strings"
	"unicode/utf8"
)

// The bounds of a file.
const (
	maxFile   = 1 << 20
	maxKeys   = 5000
	maxErrors = 20 // that are told at once
)

// Set is the keys of a file. It is immutable.
type Set struct{ byID map[string]Key }

// Load reads a file. Its errors say everything that is wrong, with line numbers, and
// show no hash.
func Load(file string) (*Set, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// Parse reads keys, a line each. Empty lines, and those that begin with #, are passed over.
// A file without any key lets nobody in: so the last one can be taken out, too.
func Parse(r io.Reader) (*Set, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxFile:
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	case !utf8.Valid(b):
		return nil, errors.New("not UTF-8")
	}
	s := &Set{byID: map[string]Key{}}
	at := map[string]int{} // line of an id
	var errs []error
	n := 0
	for line := range bytes.Lines(b) {
		n++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		k, err := parse(text)
		if err == nil && at[k.ID] > 0 {
			err = fmt.Errorf("the id %q is that of line %d too", k.ID, at[k.ID])
		}
		if err != nil {
			errs = append(errs, eachLine(n, err)...)
			continue
		}
		s.byID[k.ID], at[k.ID] = k, n
	}
	switch {
	case len(errs) > maxErrors:
		return nil, errors.Join(append(errs[:maxErrors:maxErrors], fmt.Errorf("and %d more", len(errs)-maxErrors))...)
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	case len(s.byID) > maxKeys:
		return nil, fmt.Errorf("%d keys, at most %d are allowed", len(s.byID), maxKeys)
	}
	return s, nil
}

// eachLine puts the number of a line before each thing that is wrong with it.
func eachLine(n int, err error) []error {
	list := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		list = several.Unwrap()
	}
	for i, e := range list {
		list[i] = fmt.Errorf("line %d: %w", n, e)
	}
	return list
}

// Len is how many keys there are.
func (s *Set) Len() int { return len(s.byID) }

// Find returns the key that text is, if it is one. How long that takes says nothing about
// how much of it is right, or whether there is one of its id. id is the one that text names, ""
// when there is none of that id: for a log that nobody else is to write into.
func (s *Set) Find(text string) (k Key, id string, ok bool) {
	sum := sha256.Sum256([]byte(text))
	id, _ = idOf(text)
	k, known := s.byID[id]
	same := subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1
	if !known {
		return Key{}, "", false
	}
	if !same {
		return Key{}, id, false
	}
	return k, id, true
}

// All are the keys, in no order.
func (s *Set) All() iter.Seq[Key] { return maps.Values(s.byID) }
