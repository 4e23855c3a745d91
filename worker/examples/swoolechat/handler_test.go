package main

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/workertest"
)

func room(t *testing.T) *chat {
	t.Helper()
	s := &chat{file: filepath.Join(t.TempDir(), "chat.db")}
	t.Cleanup(func() { closed(s.db) })
	return s
}

func closed(db *gorm.DB) {
	if db == nil {
		return
	}
	if pool, err := db.DB(); err == nil {
		pool.Close()
	}
}

// lines waits until the history has so many lines, and returns them as texts.
func lines(t *testing.T, c *workertest.Conn, want int) (texts []string) {
	t.Helper()
	for deadline := time.Now().Add(workertest.Timeout); ; time.Sleep(5 * time.Millisecond) {
		c.SendText(`{"type":"history","limit":50}`)
		texts = history(t, string(c.Next().Payload))
		if len(texts) == want || time.Now().After(deadline) {
			return texts
		}
	}
}

func history(t *testing.T, text string) (texts []string) {
	t.Helper()
	var f struct {
		Type  string
		Lines []struct {
			Name, Content string
			At            time.Time
		}
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.Type != "history" || f.Lines == nil {
		t.Fatalf("the history is %s, %v", text, err)
	}
	for _, l := range f.Lines {
		if time.Since(l.At).Abs() > time.Minute {
			t.Errorf("%q was said at %v", l.Content, l.At)
		}
		texts = append(texts, l.Name+": "+l.Content)
	}
	return texts
}

func TestAllHearItAndItIsSavedOnce(t *testing.T) {
	h := workertest.New(t, room(t), workertest.WithGateways(2))
	ann, bob := h.Dial("/?name=ann"), h.Dial("/")
	unnamed := fmt.Sprintf("user%d: ", bob.Number())
	h.LoseAcks(2)
	ann.SendText(`{"type":"chat","content":"hi"}`)
	for _, who := range []*workertest.Conn{ann, bob} {
		who.Expect("ann: hi")
		who.ExpectNothing()
	}
	bob.SendText(`{"type":"chat","content":"<b>你好</b>"}`)
	for _, who := range []*workertest.Conn{ann, bob} {
		who.Expect(unnamed + "<b>你好</b>")
	}
	if got, want := lines(t, ann, 2), []string{"ann: hi", unnamed + "<b>你好</b>"}; !slices.Equal(got, want) {
		t.Errorf("the history is %q, want %q", got, want)
	}
	bob.ExpectNothing()
}

func TestTheHistoryIsTheLatest(t *testing.T) {
	h := workertest.New(t, room(t))
	ann := h.Dial("/?name=ann")
	ann.SendText(`{"type":"history"}`)
	ann.Expect(`{"lines":[],"type":"history"}`)
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprint("ann: ", i))
		ann.SendJSON(map[string]any{"type": "chat", "content": fmt.Sprint(i)})
		ann.Next()
	}
	if got := lines(t, ann, 50); got[len(got)-1] != "ann: 59" {
		for deadline := time.Now().Add(workertest.Timeout); got[len(got)-1] != "ann: 59" && time.Now().Before(deadline); {
			got = lines(t, ann, 50)
		}
	}
	for limit, want := range map[int]int{-1: 20, 0: 20, 1: 1, 20: 20, 1000: 50} {
		ann.SendJSON(map[string]any{"type": "history", "limit": limit})
		if got := history(t, string(ann.Next().Payload)); !slices.Equal(got, all[60-want:]) {
			t.Errorf("the latest %d: %q", limit, got)
		}
	}
}

func TestWhatIsSaidBeforeAStopIsSaved(t *testing.T) {
	s := room(t)
	h := workertest.New(t, s)
	ann := h.Dial("/?name=ann")
	for i := range 300 {
		ann.SendJSON(map[string]any{"type": "chat", "content": fmt.Sprint(i)})
	}
	h.Settle()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	var kept int64
	if err := s.db.Model(&line{}).Count(&kept).Error; err != nil || kept != 300 {
		t.Errorf("%d lines are kept, %v, want 300", kept, err)
	}
}

// TestAStartThatFailsLeavesNothingRunning relies on the look for leaks of TestMain: a
// worker that does not start is not stopped either.
func TestAStartThatFailsLeavesNothingRunning(t *testing.T) {
	noFile := room(t)
	noFile.file = t.TempDir() // a folder
	if err := noFile.OnStart(t.Context(), nil); err == nil {
		t.Error("it starts without a database")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("PARLEY_PAGE", taken.Addr().String())
	if err := room(t).OnStart(t.Context(), nil); err == nil || !strings.HasPrefix(err.Error(), "PARLEY_PAGE: ") {
		t.Errorf("with a port that is taken it starts with %v", err)
	}
}

// TestWhoTalksFasterThanIsSavedWaits holds the file, as another process may.
func TestWhoTalksFasterThanIsSavedWaits(t *testing.T) {
	s := room(t)
	h := workertest.New(t, s)
	ann := h.Dial("/?name=ann")
	hold := s.db.Begin()
	const more = 256 + 10 // what the saver holds, and some that wait for the queue
	for i := range cap(s.queue) + more {
		ann.SendJSON(map[string]any{"type": "chat", "content": fmt.Sprint(i)})
	}
	for len(s.queue) < cap(s.queue) {
		time.Sleep(time.Millisecond)
	}
	if err := hold.Rollback().Error; err != nil {
		t.Fatal(err)
	}
	for i := range cap(s.queue) + more {
		ann.Expect(fmt.Sprint("ann: ", i))
	}
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	var kept int64
	if err := s.db.Model(&line{}).Count(&kept).Error; err != nil || int(kept) != cap(s.queue)+more {
		t.Errorf("%d lines are kept, %v, want %d", kept, err, cap(s.queue)+more)
	}
}

func TestMistakesGetAnErrorAndEndNothing(t *testing.T) {
	h := workertest.New(t, room(t))
	ann, bob := h.Dial("/?name=ann"), h.Dial("/?name=bob")
	for _, said := range []string{
		``, `{`, `null`, `[]`, `7`, `"hi"`, `{}`, `{"type":7}`, `{"type":"dance"}`, `{"type":"chat"}`, `{"type":"chat","content":""}`, `{"type":"chat","content":7}`,
		`{"type":"chat","content":{"a":1}}`, `{"type":"chat","content":"` + strings.Repeat("x", 2001) + `"}`, `{"type":"history","limit":"20"}`, `{"type":"history","limit":1e99}`,
	} {
		ann.SendText(said)
		if got := string(ann.Next().Payload); !strings.HasPrefix(got, `{"type":"error","message":"`) {
			t.Errorf("%s: got %s, want an error", said, got)
		}
	}
	bob.ExpectNothing()
	for _, query := range []string{"", "?name=", "?name=user7", "?name=%3Cb%3E", "?name=a%0Ab", "?name=a:", "?name=" + strings.Repeat("x", 33), "?name=%FF", "?%zz"} {
		who := h.Dial("/" + query)
		who.SendText(`{"type":"chat","content":"x"}`)
		who.Expect(fmt.Sprintf("user%d: x", who.Number()))
	}
}
