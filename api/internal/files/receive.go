package files

import (
	"crypto/rand"
	"io"
	"os"
	"path"
)

// Incoming is what came, on disk, until it is dropped. A slow sender costs a file and no
// memory.
type Incoming struct {
	store *Store
	name  string
}

// Receive reads r to its end. Its error is that of r, or the disk's as a [DiskError].
func (s *Store) Receive(r io.Reader) (*Incoming, error) {
	in := &Incoming{store: s, name: path.Join(incoming, rand.Text())}
	f, err := s.root.OpenFile(in.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, DiskError{err}
	}
	_, err = io.Copy(disk{f}, r)
	if e := f.Close(); e != nil && err == nil {
		err = DiskError{e}
	}
	if err != nil {
		in.Drop()
		return nil, err
	}
	return in, nil
}

// Read returns its bytes.
func (in *Incoming) Read() ([]byte, error) { return in.store.root.ReadFile(in.name) }

// Drop takes it away. It may be called again.
func (in *Incoming) Drop() {
	_ = in.store.root.Remove(in.name) // else it goes at a later start
}

// DiskError is an error of the folder and not of who sends.
type DiskError struct{ error }

// Unwrap returns the disk's own error.
func (e DiskError) Unwrap() error { return e.error }

// disk marks errors of writing.
type disk struct{ f *os.File }

func (d disk) Write(b []byte) (int, error) {
	n, err := d.f.Write(b)
	if err != nil {
		err = DiskError{err}
	}
	return n, err
}
