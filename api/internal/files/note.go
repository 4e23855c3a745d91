package files

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Note is what a picture was kept for. It is the name of an empty file beside the picture,
// so that whoever looks through the folder need not open any.
type Note struct {
	Conversation string // where it may be sent
	After        int64  // the messages that may have it have higher numbers
	Seq          int64  // one that had it when somebody looked; 0: none is known
}

// notable is a conversation that can be in the name of a file; others have no notes.
var notable = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// note is the name of a picture's note, "" when it can have none.
func (id ID) note(n Note) string {
	if !notable.MatchString(n.Conversation) {
		return ""
	}
	return path.Join(id.folder(), strings.Join([]string{string(id), n.Conversation, strconv.FormatInt(n.After, 10), strconv.FormatInt(n.Seq, 10)}, "."))
}

// Noted is a picture with its note.
type Noted struct {
	ID   ID
	Note Note
	Kept time.Time // by the clock of whoever has the disk
}

// Noted calls do for the notes of all pictures, a folder at a time, and with the error of
// one that cannot be read. It begins with any of them, so that what stops it is not met
// first each time. Pictures that were kept without notes are passed over. It ends with
// ctx, or the first error of do.
func (s *Store) Noted(ctx context.Context, do func([]Noted, error) error) error {
	shelves, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	first := rand.IntN(len(shelves) + 1)
	for _, shelf := range slices.Concat(shelves[first:], shelves[:first]) {
		if len(shelf.Name()) != 2 || !shelf.IsDir() {
			continue
		}
		list, err := s.shelf(shelf.Name())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(list) > 0 || err != nil {
			if err := do(list, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// shelf returns the notes of one, those that can be read.
func (s *Store) shelf(name string) (list []Noted, err error) {
	boards, err := fs.ReadDir(s.root.FS(), name)
	errs := []error{err}
	for _, board := range boards {
		if !board.IsDir() {
			continue
		}
		list, err = s.notes(list, path.Join(name, board.Name()))
		errs = append(errs, err)
	}
	return list, errors.Join(errs...)
}

// notes appends those in a folder.
func (s *Store) notes(list []Noted, folder string) ([]Noted, error) {
	entries, err := fs.ReadDir(s.root.FS(), folder)
	if err != nil {
		return list, err
	}
	for _, e := range entries {
		n, ok := parseNote(e.Name())
		if !ok || n.ID.folder() != folder {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		n.Kept = info.ModTime()
		list = append(list, n)
	}
	return list, nil
}

// parseNote reads the name of a note.
func parseNote(name string) (Noted, bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 4 || !notable.MatchString(parts[1]) {
		return Noted{}, false
	}
	id, ok := Parse(parts[0])
	after, err := strconv.ParseInt(parts[2], 10, 64)
	seq, err2 := strconv.ParseInt(parts[3], 10, 64)
	n := Noted{ID: id, Note: Note{Conversation: parts[1], After: after, Seq: seq}}
	return n, ok && err == nil && err2 == nil && path.Base(id.note(n.Note)) == name
}

// Renote writes which message has a picture, 0: none is known. When it was kept stays. A
// note that is not there any more is no error: somebody else was at it.
func (s *Store) Renote(n Noted, seq int64) error {
	to := n.Note
	to.Seq = seq
	err := s.root.Rename(n.ID.note(n.Note), n.ID.note(to))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// swept is the file whose time says when somebody last began to look through the folder.
const swept = "swept"

// Due reports whether nobody of those who share the folder has looked through it for so
// long, and writes down that the caller does now. Two who ask in the same moment may both
// be told so.
func (s *Store) Due(every time.Duration) (bool, error) {
	info, err := s.root.Stat(swept)
	switch {
	case err == nil && time.Since(info.ModTime()) < every:
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	f, err := s.root.Create(swept)
	if err != nil {
		return false, err
	}
	if err := f.Close(); err != nil {
		return false, err
	}
	now := time.Now() // an empty file that is emptied need not get another time
	return true, s.root.Chtimes(swept, now, now)
}

// Again makes it due at once: the caller did not come to the end.
func (s *Store) Again() error {
	if err := s.root.Remove(swept); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
