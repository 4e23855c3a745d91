package files

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func open(t *testing.T, folder string) *Store {
	t.Helper()
	s, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// note is that of the pictures of these tests.
var note = Note{Conversation: "0190-c", After: 7}

// names are those of all files below a folder.
func names(t *testing.T, folder string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func content(t *testing.T, s *Store, id ID, thumbnail bool) string {
	t.Helper()
	f, err := s.Open(id, thumbnail)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhatIsKeptIsThereForAnotherProcess(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "here")
	id, err := open(t, folder).Keep([]byte("picture"), []byte("small"), note)
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, folder)
	if got := content(t, other, id, false) + ", " + content(t, other, id, true); got != "picture, small" {
		t.Errorf("got %q", got)
	}
	if list := names(t, folder); len(list) != 3 || !strings.Contains(list[0], filepath.Join(string(id[:2]), string(id[2:4]))) {
		t.Errorf("files: %q", list)
	}
	if err := other.Remove(id, note); err != nil {
		t.Fatal(err)
	}
	if err := other.Remove(id, note); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := other.Open(id, false); !errors.Is(err, fs.ErrNotExist) || len(names(t, folder)) != 0 {
		t.Errorf("after it was removed: %v, %q", err, names(t, folder))
	}
}

func TestNoNameLeadsOutOfTheFolder(t *testing.T) {
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "files"))
	if err := os.WriteFile(filepath.Join(folder, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []ID{"", "../secret", "../../secret", "..", "/etc/passwd", ID(strings.Repeat("G", 32)), ID(strings.Repeat("A", 32)), "0123", ID(strings.Repeat("0", 31) + "/")} {
		if _, err := s.Open(id, false); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v", id, err)
		}
		if err := s.Remove(id, note); err != nil {
			t.Errorf("remove %q: %v", id, err)
		}
		if _, ok := Parse(string(id)); ok {
			t.Errorf("%q is an id", id)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "secret")); err != nil {
		t.Error(err)
	}
}

func TestLinksOutOfTheFolderAreNotFollowed(t *testing.T) {
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "files"))
	id := ID(strings.Repeat("ab", 16))
	if err := os.Symlink(folder, filepath.Join(folder, "files", "ab")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "ab"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "ab", string(id)), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Open(id, false); err == nil {
		f.Close()
		t.Error("a link was followed")
	}
}

func TestOnlyWhatIsLeftBehindGoesAtTheStart(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	in, err := s.Receive(strings.NewReader("under way"))
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(folder, incoming, "of-a-process-that-died")
	if err := os.WriteFile(old, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * leftAfter)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	open(t, folder)
	if list := names(t, folder); len(list) != 1 || strings.HasSuffix(list[0], "died") {
		t.Errorf("left: %q", list)
	}
	if b, err := in.Read(); err != nil || string(b) != "under way" {
		t.Errorf("got %q, %v", b, err)
	}
	in.Drop()
	in.Drop()
	if list := names(t, folder); len(list) != 0 {
		t.Errorf("left: %q", list)
	}
}

func TestWhatBreaksOffLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	lost := errors.New("the network is gone")
	_, err := s.Receive(io.MultiReader(bytes.NewReader(make([]byte, 100_000)), iotest.ErrReader(lost)))
	if !errors.Is(err, lost) || errors.As(err, new(DiskError)) {
		t.Errorf("got %v", err)
	}
	if list := names(t, folder); len(list) != 0 {
		t.Errorf("left: %q", list)
	}
}

func TestFolderThatIsGoneIsTheDisksFault(t *testing.T) {
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "files"))
	if err := os.RemoveAll(filepath.Join(folder, "files")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive(strings.NewReader("x")); !errors.As(err, new(DiskError)) {
		t.Errorf("receive: %v", err)
	}
	if _, err := s.Keep([]byte("x"), []byte("x"), note); err == nil {
		t.Error("kept in a folder that is gone")
	}
	if _, err := Open(filepath.Join(folder, "files", "\x00")); err == nil {
		t.Error("opened what cannot be a folder")
	}
}

func TestIDsDiffer(t *testing.T) {
	var list []ID
	for range 100 {
		id := newID()
		if _, ok := Parse(string(id)); !ok {
			t.Fatalf("%q is none", id)
		}
		list = append(list, id)
	}
	slices.Sort(list)
	if len(slices.Compact(list)) != 100 {
		t.Error("two are the same")
	}
}
