package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/workertest"
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{file: filepath.Join(t.TempDir(), "doc.db")}
	t.Cleanup(func() { closed(d.db) })
	return d
}

func closed(db *gorm.DB) {
	if db == nil {
		return
	}
	if pool, err := db.DB(); err == nil {
		pool.Close()
	}
}

// frame is what any frame of the server has.
type frame struct {
	Version   int
	Text      *string
	Edits     []edit
	People    []string
	ID, Error string
}

func next(t *testing.T, c *workertest.Conn) (f frame) {
	t.Helper()
	c.NextJSON(&f)
	return f
}

// says sends an edit and returns what it became.
func says(t *testing.T, c *workertest.Conn, id string, base, at, del int, ins string) edit {
	t.Helper()
	c.SendJSON(map[string]any{"id": id, "base": base, "at": at, "del": del, "ins": ins})
	f := next(t, c)
	if len(f.Edits) != 1 || f.Edits[0].ID != id {
		t.Fatalf("answered with %+v", f)
	}
	return f.Edits[0]
}

// stored asks for the text.
func stored(t *testing.T, c *workertest.Conn) string {
	t.Helper()
	c.SendText(`{}`)
	f := next(t, c)
	if f.Text == nil {
		t.Fatalf("answered with %+v", f)
	}
	return fmt.Sprintf("%d %s", f.Version, *f.Text)
}

func TestEditsAreHeardOnceAndALateJoinerGetsTheText(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann, bob, other := h.Dial("/?doc=notes&name=ann"), h.Dial("/?doc=notes&name=bob"), h.Dial("/?doc=letters&name=cid")
	if got := stored(t, ann); got != "0 " {
		t.Errorf("a new text is %q", got)
	}
	h.LoseAcks(2)
	if e := says(t, ann, "a", 0, 0, 0, "hello <b>世界"); e.Version != 1 || e.By != "ann" {
		t.Errorf("it became %+v", e)
	}
	f := next(t, bob)
	if len(f.Edits) != 1 || f.Edits[0] != (edit{Version: 1, ID: "a", By: "ann", Ins: "hello <b>世界"}) {
		t.Errorf("bob hears %+v", f)
	}
	says(t, bob, "b", 1, 9, 2, "🌍")
	if f := next(t, ann); len(f.Edits) != 1 || f.Edits[0].At != 9 || f.Edits[0].Del != 2 {
		t.Errorf("ann hears %+v", f)
	}
	late := h.Dial("/?doc=notes&name=dan")
	if got := stored(t, late); got != "2 hello <b>🌍" {
		t.Errorf("who comes later gets %q", got)
	}
	late.SendText(`{"base":1}`)
	if f := next(t, late); len(f.Edits) != 1 || f.Edits[0].ID != "b" || fmt.Sprint(f.People) != "[ann bob dan]" && len(f.People) != 3 {
		t.Errorf("since 1: %+v", f)
	}
	for _, c := range []*workertest.Conn{ann, bob, late, other} {
		c.ExpectNothing()
	}
	if got := stored(t, other); got != "0 " {
		t.Errorf("the other text is %q", got)
	}
}

func TestEditsOfTheSameVersionAllStay(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	ann := h.Dial("/?doc=notes&name=ann")
	says(t, ann, "1", 0, 0, 0, "one two three")
	says(t, ann, "2", 1, 4, 3, "2")     // one 2 three
	says(t, ann, "3", 1, 13, 0, " end") // one 2 three end
	says(t, ann, "4", 1, 0, 3, "1")     // 1 2 three end
	says(t, ann, "5", 1, 0, 13, "all:") // whoever deletes around what others put there keeps it
	if got := stored(t, ann); got != "5 1all:2 end" {
		t.Errorf("it is %q", got)
	}
}

func TestTheSameIDIsAppliedOnce(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann, bob := h.Dial("/?doc=notes&name=ann"), h.Dial("/?doc=notes&name=bob")
	for range 3 {
		if e := says(t, ann, "x", 0, 0, 0, "once"); e.Version != 1 {
			t.Errorf("it became %+v", e)
		}
	}
	if e := says(t, ann, "x", 1, 4, 0, "another with its id"); e.Version != 1 || e.Ins != "once" {
		t.Errorf("it became %+v", e)
	}
	next(t, bob)
	bob.ExpectNothing()
	if got := stored(t, bob); got != "1 once" {
		t.Errorf("it is %q", got)
	}
}

func TestWhatIsHostileGetsAnErrorAndEndsNothing(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	for _, target := range []string{"/", "/?doc=notes", "/?name=eve", "/?doc=notes&name=" + strings.Repeat("x", 500)} {
		if _, refusal := h.TryDial(target); refusal == nil || refusal.Status != http.StatusBadRequest {
			t.Errorf("%.40s: %v", target, refusal)
		}
	}
	eve, bob := h.Dial("/?doc=notes&name=eve"), h.Dial("/?doc=notes&name=bob")
	says(t, eve, "1", 0, 0, 0, "text")
	next(t, bob)
	for _, said := range []string{
		``, `{`, `[]`, `7`, `{"id":7}`, `{"base":1,"ins":"x"}`, `{"id":"","base":1,"del":1}`, `{"id":"x","at":1.5}`, `{"id":"` + strings.Repeat("x", 65) + `"}`,
		`{"id":"x","base":1,"at":5}`, `{"id":"x","base":1,"at":-1}`, `{"id":"x","base":1,"at":4,"del":1}`, `{"id":"x","base":1,"at":0,"del":-1}`, `{"id":"x","base":2,"at":0}`,
		`{"id":"x","base":1,"at":9223372036854775807,"del":9223372036854775807}`, `{"id":"x","base":-9223372036854775808,"at":-9223372036854775808,"del":9223372036854775807}`,
		`{"id":"x","base":1,"at":0,"ins":"` + strings.Repeat("x", 19997) + `"}`,
	} {
		eve.SendText(said)
		if f := next(t, eve); f.Error == "" || f.Edits != nil {
			t.Errorf("%.60s: %+v", said, f)
		}
	}
	eve.SendText(`{"id":"y","base":1,"at":4,"ins":"","version":7,"by":"bob"}`)
	if f := next(t, eve); len(f.Edits) != 1 || f.Edits[0].Version != 2 || f.Edits[0].By != "eve" {
		t.Errorf("she says who and which version it is: %+v", f)
	}
	next(t, bob)
	bob.ExpectNothing()
	eve.SendText(`{"base":0,"version":1}`)
	if f := next(t, eve); f.Text == nil || *f.Text != "text" || f.Version != 2 {
		t.Errorf("it is %+v", f)
	}
}

// TestAfterKeepsWhatEverybodyMeant applies two random edits of one text after each other:
// what either of them inserted is there once, and what either deleted is not.
func TestAfterKeepsWhatEverybodyMeant(t *testing.T) {
	random := func(n int, ins string) edit {
		at := rand.IntN(n + 1)
		return edit{At: at, Del: rand.IntN(n - at + 1), Ins: ins[:rand.IntN(len(ins)+1)]}
	}
	apply := func(text []rune, e edit) []rune {
		return []rune(string(text[:e.At]) + e.Ins + string(text[e.At+e.Del:]))
	}
	gone := func(e edit, i int) bool { return e.At <= i && i < e.At+e.Del }
	for range 100_000 {
		text := []rune("abcdefghij"[:rand.IntN(11)])
		e, o := random(len(text), "123"), random(len(text), "789")
		moved := e
		moved.after(o)
		got := string(apply(apply(text, o), moved))
		for _, ins := range []string{e.Ins, o.Ins} {
			if strings.Count(got, ins) != 1 && ins != "" {
				t.Fatalf("%s, %s and then %s: %q", string(text), show(o), show(e), got)
			}
		}
		kept := 0
		for i, r := range text {
			if want := !gone(e, i) && !gone(o, i); strings.ContainsRune(got, r) != want {
				t.Fatalf("%s, %s and then %s: %q has %c: %v", string(text), show(o), show(e), got, r, !want)
			} else if want {
				kept++
			}
		}
		if len([]rune(got)) != kept+len(e.Ins)+len(o.Ins) {
			t.Fatalf("%s, %s and then %s: %q", string(text), show(o), show(e), got)
		}
	}
}

func show(e edit) string {
	b, _ := json.Marshal(e)
	return string(b)
}
