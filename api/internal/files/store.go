package files

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"
)

// ID names a picture: 32 digits of base 16.
type ID string

// idBytes are the random bytes of an id.
const idBytes = 16

// Parse checks an id that came from elsewhere.
func Parse(s string) (ID, bool) {
	b, err := hex.DecodeString(s)
	return ID(s), err == nil && len(b) == idBytes && hex.EncodeToString(b) == s
}

func newID() ID {
	b := make([]byte, idBytes)
	rand.Read(b) // never fails
	return ID(hex.EncodeToString(b))
}

// folder is where a picture lies.
func (id ID) folder() string { return path.Join(string(id[:2]), string(id[2:4])) }

// name is that of its file.
func (id ID) name(thumbnail bool) string {
	if thumbnail {
		return path.Join(id.folder(), string(id)+".small")
	}
	return path.Join(id.folder(), string(id))
}

// incoming is the folder of what is not whole yet.
const incoming = "incoming"

// leftAfter is how old a file of incoming is when nobody can be at it any more.
const leftAfter = time.Hour

// Store is a folder of pictures. Its methods may be called from any goroutine.
type Store struct{ root *os.Root }

// Open makes the folder if it is not there, and clears away what was left half-written.
func Open(folder string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	s := &Store{root: root}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", folder, err), root.Close())
	}
	return s, nil
}

func (s *Store) prepare() error {
	if err := s.root.MkdirAll(incoming, 0o750); err != nil {
		return err
	}
	list, err := fs.ReadDir(s.root.FS(), incoming)
	if err != nil {
		return err
	}
	for _, e := range list {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < leftAfter {
			continue // gone meanwhile, or another process is at it
		}
		if err := s.root.Remove(path.Join(incoming, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Close lets go of the folder; files that are open stay so.
func (s *Store) Close() error { return s.root.Close() }

// Keep keeps a picture and its small one, and before them a note: what is there without a
// note is never taken away. When it returns without an error a power failure takes none.
func (s *Store) Keep(picture, thumbnail []byte, n Note) (ID, error) {
	id := newID()
	if err := s.root.MkdirAll(id.folder(), 0o750); err != nil {
		return "", err
	}
	var err error
	if note := id.note(n); note != "" {
		err = s.put(note, nil)
	}
	if err == nil {
		err = s.put(id.name(true), thumbnail)
	}
	if err == nil {
		err = s.put(id.name(false), picture)
	}
	for _, folder := range []string{id.folder(), path.Dir(id.folder()), "."} {
		if err == nil {
			err = s.sync(folder)
		}
	}
	if err != nil {
		return "", errors.Join(err, s.Remove(id, n))
	}
	return id, nil
}

// put writes a file that is whole or not there.
func (s *Store) put(name string, b []byte) error {
	part := path.Join(incoming, rand.Text())
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.root.Rename(part, name)
	}
	if err != nil {
		_ = s.root.Remove(part) // else it goes at a later start
	}
	return err
}

// sync forces the names in a folder to the disk.
func (s *Store) sync(folder string) error {
	f, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open returns the file of a picture, or of its small one; fs.ErrNotExist says that it is
// not in this folder. The caller closes it.
func (s *Store) Open(id ID, thumbnail bool) (*os.File, error) {
	if _, ok := Parse(string(id)); !ok {
		return nil, fs.ErrNotExist
	}
	return s.root.Open(id.name(thumbnail))
}

// Remove takes a picture away; one that is not there is no error. Its note goes last, so
// that who dies meanwhile leaves nothing that nobody would find.
func (s *Store) Remove(id ID, n Note) error {
	if _, ok := Parse(string(id)); !ok {
		return nil
	}
	for _, name := range []string{id.name(false), id.name(true), id.note(n)} {
		if name == "" {
			continue
		}
		if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
