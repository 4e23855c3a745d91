package files

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNotesSayWhatPicturesWereKeptFor(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	kept := make(map[ID]Note)
	for _, n := range []Note{note, {Conversation: "other"}, {Conversation: "../x"}, {Conversation: ""}, {Conversation: "a.b"}} {
		id, err := s.Keep([]byte("picture"), []byte("small"), n)
		if err != nil {
			t.Fatal(err)
		}
		if notable.MatchString(n.Conversation) {
			kept[id] = n
		}
	}
	look := func() map[ID]Noted {
		t.Helper()
		found := make(map[ID]Noted)
		if err := s.Noted(t.Context(), func(list []Noted, err error) error {
			for _, n := range list {
				found[n.ID] = n
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return found
	}
	for id, n := range look() {
		if n.Note != kept[id] || time.Since(n.Kept) > time.Minute {
			t.Errorf("noted: %+v, want %+v", n, kept[id])
		}
		if err := s.Renote(n, 42); err != nil {
			t.Fatal(err)
		}
		if err := s.Renote(n, 43); err != nil {
			t.Errorf("a second who comes later: %v", err)
		}
	}
	found := look()
	if len(found) != len(kept) {
		t.Errorf("%d notes, want %d", len(found), len(kept))
	}
	for id, n := range found {
		if n.Note.Seq != 42 {
			t.Errorf("noted anew: %+v", n)
		}
		if content(t, s, id, false) != "picture" {
			t.Error("the picture is another")
		}
		if err := s.Remove(id, n.Note); err != nil {
			t.Fatal(err)
		}
	}
	if found := look(); len(found) != 0 {
		t.Errorf("removed: %+v", found)
	}
	if list := names(t, folder); len(list) != 6 { // three without a note
		t.Errorf("left: %q", list)
	}
	stop := errors.New("stop")
	if _, err := s.Keep([]byte("x"), []byte("x"), note); err != nil {
		t.Fatal(err)
	}
	if err := s.Noted(t.Context(), func([]Noted, error) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoNoteIsPassedOver(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	id := strings.Repeat("ab", 16)
	where := filepath.Join(folder, "ab", "ab")
	if err := os.MkdirAll(where, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{id, id + ".small", id + ".c.1", id + ".c.1.2.3", id + ".c.x.0", id + ".c.+1.0", id + ".c.01.0", strings.Repeat("cd", 16) + ".c.1.0", id + "..1.0"} {
		if err := os.WriteFile(filepath.Join(where, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Noted(t.Context(), func(list []Noted, err error) error { t.Errorf("found %+v, %v", list, err); return nil }); err != nil {
		t.Error(err)
	}
}

func TestEachShelfMayBeTheFirst(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	for range 8 {
		if _, err := s.Keep([]byte("x"), []byte("x"), Note{Conversation: "c"}); err != nil {
			t.Fatal(err)
		}
	}
	stop, first := errors.New("stop"), make(map[ID]bool)
	for range 200 {
		_ = s.Noted(t.Context(), func(list []Noted, _ error) error { first[list[0].ID] = true; return stop })
	}
	if len(first) < 2 {
		t.Errorf("it began with %v each time", first)
	}
}

func TestOneOfThoseWhoShareAFolderLooksThroughIt(t *testing.T) {
	folder := t.TempDir()
	a, b := open(t, folder), open(t, folder)
	due := func(s *Store, want bool) {
		t.Helper()
		if got, err := s.Due(time.Hour); err != nil || got != want {
			t.Errorf("due: %v, %v, want %v", got, err, want)
		}
	}
	due(a, true)
	due(b, false)
	if err := a.Again(); err != nil {
		t.Fatal(err)
	}
	due(b, true)
	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(folder, swept), long, long); err != nil {
		t.Fatal(err)
	}
	due(a, true)
	due(a, false)
}
