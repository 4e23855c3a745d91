package api

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api/internal/files"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
)

// messages is what a conversation has, for a gallery that is asked what is in use: the
// file of each message, "" of one that was recalled or never had one.
type messages struct {
	mu     sync.Mutex // guards what follows
	files  []string   // of message 1, 2 …
	away   bool
	page   int64 // how many messages one answer is about
	asked  int
	leaves int       // answers until it is away
	until  time.Time // of the last question
}

func (m *messages) answer(g *gallery) {
	m.page, m.leaves = 1000, -1
	away := func() error {
		m.asked++
		m.away = m.away || m.leaves == 0
		m.leaves--
		if m.away {
			return grpcfault.ToError(fault.New(fault.Unavailable, "away"))
		}
		return nil
	}
	g.uses = func(r *chatv1.FindUsesRequest) (*chatv1.FindUsesResponse, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := away(); err != nil {
			return nil, err
		}
		if r.GetConversation() == "broken" {
			return nil, grpcfault.ToError(errors.New("a row that cannot be read"))
		}
		if r.GetConversation() != "c" {
			return nil, grpcfault.ToError(chatNotFound)
		}
		m.until = r.GetUntil().AsTime()
		res := new(chatv1.FindUsesResponse)
		last := min(r.GetAfter()+m.page, int64(len(m.files)))
		for seq := r.GetAfter() + 1; seq <= last; seq++ {
			if f := m.files[seq-1]; f != "" && slices.Contains(r.GetFiles(), f) {
				res.Uses = append(res.Uses, &chatv1.ImageUse{File: f, Seq: seq})
			}
		}
		if last < int64(len(m.files)) {
			res.Next = last
		}
		return res, nil
	}
	g.recalled = func(r *chatv1.FindRecalledRequest) (*chatv1.FindRecalledResponse, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := away(); err != nil {
			return nil, err
		}
		res := new(chatv1.FindRecalledResponse)
		for _, u := range r.GetUses() {
			if m.files[u.GetSeq()-1] != u.GetFile() {
				res.Files = append(res.Files, u.GetFile())
			}
		}
		return res, nil
	}
}

var chatNotFound = fault.New(fault.NotFound, "no such conversation")

func (m *messages) have(files ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files, m.asked, m.leaves, m.away = files, 0, -1, false
}

// lying uploads n pictures and returns their files, which were kept so long ago.
func (s *stage) lying(g *gallery, n int, ago time.Duration) (list []string) {
	s.t.Helper()
	g.mu.Lock()
	before := len(g.list)
	g.mu.Unlock()
	for range n {
		if got := s.upload("cat.png", bytes.NewReader(drawing(s.t, 8, 8))); got.status != http.StatusOK {
			s.t.Fatalf("got %d %s", got.status, got.body)
		}
	}
	g.mu.Lock()
	for _, img := range g.list[before:] {
		list = append(list, img.GetFile())
	}
	g.mu.Unlock()
	then := time.Now().Add(-ago)
	for _, name := range s.kept() {
		if slices.ContainsFunc(list, func(f string) bool { return strings.Contains(name, f) }) {
			if err := os.Chtimes(name, then, then); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return list
}

// there wants pictures, small ones and notes of exactly these files.
func (s *stage) there(what string, want ...string) {
	s.t.Helper()
	parts := map[string]int{}
	_ = filepath.WalkDir(s.api.cfg.Files, func(name string, d fs.DirEntry, err error) error {
		if id, _, _ := strings.Cut(filepath.Base(name), "."); err == nil && !d.IsDir() && len(id) == 32 {
			parts[id]++
		}
		return nil
	})
	for _, f := range want {
		if parts[f] != 3 {
			s.t.Errorf("%s: of %s there are %d parts", what, f, parts[f])
		}
		delete(parts, f)
	}
	if len(parts) > 0 {
		s.t.Errorf("%s: also there: %v", what, parts)
	}
}

// old is one picture more, of a conversation, that was kept long ago.
func (s *stage) old(conversation string) string {
	s.t.Helper()
	id, err := s.api.files.Keep([]byte("x"), []byte("y"), files.Note{Conversation: conversation})
	if err != nil {
		s.t.Fatal(err)
	}
	then := time.Now().Add(-2 * sendable)
	for _, name := range s.kept() {
		if strings.Contains(name, string(id)) {
			if err := os.Chtimes(name, then, then); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return string(id)
}

func (s *stage) sweep() {
	s.t.Helper()
	if err := s.api.sweep(s.t.Context()); err != nil {
		s.t.Errorf("sweep: %v", err)
	}
}

func sweeping(t *testing.T) (*stage, *gallery, *messages) {
	s, g, m := start(t, Limits{UploadsPerMinute: 1000}), newGallery(), new(messages)
	m.answer(g)
	s.join("w", &g.worker)
	return s, g, m
}

func TestPicturesThatWereNotSentGo(t *testing.T) {
	s, g, m := sweeping(t)
	old := s.lying(g, 5, sendable+time.Minute)
	young := s.lying(g, 1, sendable-time.Minute)
	m.have("", old[1], "", "", old[3], "")
	m.page = 2
	s.sweep()
	s.there("after the first", old[1], old[3], young[0])
	if got := s.do(http.MethodGet, "/v1/images/c/2", nil, "Authorization", "Bearer "+token); got.status != http.StatusOK {
		t.Errorf("one in use: %d", got.status)
	}
	s.sweep()
	s.there("after the second", old[1], old[3], young[0])
	old = append(old, s.old("elsewhere"))
	s.sweep()
	s.there("of another database", old[1], old[3], young[0], old[5])
	// What is known to be in use costs one question, however long the conversation is.
	m.have(m.files...)
	s.sweep()
	if m.asked > 3 { // one is about the picture of elsewhere
		t.Errorf("%d questions", m.asked)
	}
}

func TestPicturesOfRecalledMessagesGo(t *testing.T) {
	s, g, m := sweeping(t)
	f := s.lying(g, 3, sendable+time.Minute)
	m.have(f[0], f[1], f[2], "")
	s.sweep()
	s.there("all are in use", f...)
	m.have(f[0], "", "", f[1]) // one is in another message as well: a ticket may be sent twice
	s.sweep()
	s.there("one is recalled", f[0], f[1])
	m.have(f[0], "", "", "")
	s.sweep()
	s.there("another is", f[0])
	// They were kept so long ago; what came much later is not looked through.
	if off := time.Until(m.until) - (usable - sendable - time.Minute); off.Abs() > time.Minute {
		t.Errorf("it is asked until %v, which is off by %v", m.until, off)
	}
}

func TestNothingGoesWhileWorkersAreAway(t *testing.T) {
	s, g, m := sweeping(t)
	f := s.lying(g, 4, sendable+time.Minute)
	m.have(f[0], f[1])
	s.sweep()
	s.there("two in use", f[0], f[1])
	more := s.lying(g, 3, sendable+time.Minute)
	all := append([]string{f[0], f[1]}, more...)
	m.have("", f[1], more[0])
	m.mu.Lock()
	m.away = true
	m.mu.Unlock()
	if err := s.api.sweep(t.Context()); err == nil {
		t.Error("nothing was said of it")
	}
	s.there("away", all...)
	m.page = 1
	for n := range 12 { // it goes away after so many answers; what is in use is there throughout
		m.have("", f[1], more[0])
		m.mu.Lock()
		m.leaves = n
		m.mu.Unlock()
		_ = s.api.sweep(t.Context())
		for _, used := range []string{f[1], more[0]} {
			if !slices.ContainsFunc(s.kept(), func(name string) bool { return filepath.Base(name) == used }) {
				t.Fatalf("%s has gone after %d answers", used, n)
			}
		}
	}
	m.have("", f[1], more[0])
	s.sweep()
	s.there("back", f[1], more[0])
}

func TestWhatAlwaysFailsStaysAndTheOthersGo(t *testing.T) {
	s, g, m := sweeping(t)
	f := s.lying(g, 30, sendable+time.Minute)
	m.have("", f[0])
	broken := s.old("broken")
	for _, name := range s.kept() { // its place is taken by what cannot be removed
		if filepath.Base(name) == f[1] {
			if err := errors.Join(os.Remove(name), os.Mkdir(name, 0o750), os.WriteFile(filepath.Join(name, "x"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if due, err := s.api.files.Due(sweepEvery); err != nil || !due {
		t.Fatalf("due: %v, %v", due, err)
	}
	err := s.api.sweep(t.Context())
	if err == nil || !strings.Contains(err.Error(), f[1]) || fault.CodeOf(err) != fault.Internal {
		t.Errorf("said is: %v", err)
	}
	stay := map[string]bool{f[0]: true, f[1]: true, broken: true}
	for _, name := range s.kept() {
		if id, _, _ := strings.Cut(filepath.Base(name), "."); len(id) == 32 && !stay[id] {
			t.Errorf("%s is there", name)
		}
	}
	if due, err := s.api.files.Due(sweepEvery); err != nil || due {
		t.Errorf("it is to begin at once again: %v", err)
	}
}

func TestTwoSweepOneFolder(t *testing.T) {
	s, g, m := sweeping(t)
	f := s.lying(g, 8, sendable+time.Minute)
	m.have(f[0], f[1], f[2])
	var both sync.WaitGroup
	for range 2 {
		both.Go(s.sweep)
	}
	both.Wait()
	s.there("swept by two", f[0], f[1], f[2])
}
