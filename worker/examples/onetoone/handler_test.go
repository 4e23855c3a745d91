package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/workertest"
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{file: filepath.Join(t.TempDir(), "desk.db")}
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
	Flag, From, To, Content, Code string
	ID                            any
	Unread                        []struct {
		Peer  string
		Count int
	}
}

func next(t *testing.T, c *workertest.Conn) (f frame) {
	t.Helper()
	c.NextJSON(&f)
	return f
}

// enters says init and returns what waited.
func enters(t *testing.T, c *workertest.Conn, from, to string) (waited []string) {
	t.Helper()
	c.SendText(fmt.Sprintf(`{"flag":"init","from":%q,"to":%q}`, from, to))
	for {
		switch f := next(t, c); {
		case f.Flag == "msg" && f.From == to && f.To == from:
			waited = append(waited, f.Content)
		case f.Flag == "init" && f.From == from && f.To == to:
			return waited
		default:
			t.Fatalf("heard %+v", f)
		}
	}
}

// says sends a message and waits for its answer.
func says(t *testing.T, c *workertest.Conn, from, to, content string) {
	t.Helper()
	c.SendText(fmt.Sprintf(`{"flag":"msg","from":%q,"to":%q,"content":%q,"id":%q}`, from, to, content, "id of "+content))
	if f := next(t, c); f.Flag != "sent" || f.ID != "id of "+content {
		t.Fatalf("answered with %+v", f)
	}
}

func unread(t *testing.T, c *workertest.Conn, user string) string {
	t.Helper()
	c.SendText(fmt.Sprintf(`{"flag":"unread","from":%q}`, user))
	f := next(t, c)
	if f.Flag != "unread" || f.Unread == nil {
		t.Fatalf("answered with %+v", f)
	}
	return fmt.Sprint(f.Unread)
}

func TestWhoIsHereGetsItAtOnce(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann, bob := h.Dial("/"), h.Dial("/")
	enters(t, ann, "1", "2")
	enters(t, bob, "2", "1")
	h.LoseAcks(2)
	says(t, ann, "1", "2", "hi <b>")
	if f := next(t, bob); f.Flag != "msg" || f.From != "1" || f.To != "2" || f.Content != "hi <b>" {
		t.Errorf("heard %+v", f)
	}
	bob.ExpectNothing()
	ann.ExpectNothing()
	if got := unread(t, bob, "2"); got != "[]" {
		t.Errorf("unread is %s", got)
	}
}

func TestWhatWaitedComesOnceAndOldestFirst(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann, cid := h.Dial("/"), h.Dial("/")
	enters(t, ann, "1", "2")
	enters(t, cid, "3", "2")
	var want []string
	for i := range 250 { // more than one hand can carry
		want = append(want, fmt.Sprint(i))
		says(t, ann, "1", "2", want[i])
	}
	says(t, cid, "3", "2", "of cid")
	bob := h.Dial("/")
	if got := enters(t, bob, "2", "3"); fmt.Sprint(got) != "[of cid]" {
		t.Errorf("of cid waited %q", got)
	}
	if got := unread(t, bob, "2"); got != "[{1 250}]" {
		t.Errorf("unread is %s", got)
	}
	h.LoseAcks(2)
	if got := enters(t, bob, "2", "1"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("waited %q", got)
	}
	if got := enters(t, bob, "2", "1"); got != nil {
		t.Errorf("waited again: %q", got)
	}
	if got := unread(t, bob, "2"); got != "[]" {
		t.Errorf("unread is %s", got)
	}
}

func TestTwoDevicesGetItOnceTogether(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann := h.Dial("/")
	enters(t, ann, "1", "2")
	for i := range 20 {
		says(t, ann, "1", "2", fmt.Sprint(i))
	}
	devices := []*workertest.Conn{h.Dial("/"), h.Dial("/"), h.Dial("/")}
	for _, c := range devices {
		c.SendText(`{"flag":"init","from":"2","to":"1"}`)
	}
	got := map[string]int{}
	for _, c := range devices {
		for f := next(t, c); f.Flag != "init"; f = next(t, c) {
			got[f.Content]++
		}
		c.ExpectNothing()
	}
	for i := range 20 {
		if n := got[fmt.Sprint(i)]; n != 1 {
			t.Errorf("%d came %d times", i, n)
		}
	}
}

// TestNothingFallsBetweenSayingAndEntering says and enters in the same moment, again and
// again: what is said is either pushed or has waited.
func TestNothingFallsBetweenSayingAndEntering(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann := h.Dial("/")
	enters(t, ann, "1", "2")
	for i := range 30 {
		bob := h.Dial("/")
		var both sync.WaitGroup
		both.Go(func() { ann.SendText(fmt.Sprintf(`{"flag":"msg","from":"1","to":"2","content":"%d"}`, i)) })
		both.Go(func() { bob.SendText(`{"flag":"init","from":"2","to":"1"}`) })
		both.Wait()
		contents := ""
		for range 2 { // in any order
			f := next(t, bob)
			contents += f.Flag + f.Content
		}
		if contents != fmt.Sprint("initmsg", i) && contents != fmt.Sprintf("msg%dinit", i) {
			t.Fatalf("heard %s", contents)
		}
		next(t, ann)
		bob.ExpectNothing()
		bob.Close(1000, "")
		h.Settle()
	}
}

func TestARepeatWithTheSameIDIsKeptOnce(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	ann, bob := h.Dial("/"), h.Dial("/")
	enters(t, ann, "1", "2")
	says(t, ann, "1", "2", "hi")
	says(t, ann, "1", "2", "hi")
	if got := enters(t, bob, "2", "1"); fmt.Sprint(got) != "[hi]" {
		t.Errorf("waited %q", got)
	}
	says(t, ann, "1", "2", "hi")
	bob.ExpectNothing()
}

func TestWhatIsHostileGetsAnErrorAndEndsNothing(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	ann, eve := h.Dial("/"), h.Dial("/")
	enters(t, ann, "1", "2")
	refused := func(said, code string) {
		t.Helper()
		eve.SendText(said)
		if f := next(t, eve); f.Flag != "error" || f.Code != code {
			t.Errorf("%.80s: got %+v, want %s", said, f, code)
		}
	}
	for _, flag := range []string{"msg", "unread"} {
		refused(`{"flag":"`+flag+`","from":"3","to":"1","content":"x"}`, "FORBIDDEN") // before init
	}
	enters(t, eve, "3", "1")
	for _, flag := range []string{"init", "msg", "unread"} {
		refused(`{"flag":"`+flag+`","from":"2","to":"1","content":"x"}`, "FORBIDDEN")
	}
	long := strings.Repeat("x", 65)
	for _, said := range []string{
		``, `{`, `null`, `[]`, `7`, `{}`, `{"flag":7}`, `{"flag":"dance"}`, `{"flag":"init","from":"3"}`, `{"flag":"init","from":"","to":"1"}`, `{"flag":"init","from":3,"to":1}`,
		`{"flag":"init","from":"` + long + `","to":"1"}`, `{"flag":"msg","from":"3","to":"` + long + `","content":"x"}`, `{"flag":"msg","from":"3","to":"1","content":"x","id":"` + long + `"}`,
		`{"flag":"dance","from":"3","to":"1"}`, `{"flag":"msg","from":"3","to":"1"}`, `{"flag":"msg","from":"3","to":"1","content":""}`, `{"flag":"msg","from":"3","to":"1","content":["x"]}`,
		`{"flag":"msg","from":"3","content":"x"}`, `{"flag":"msg","from":"3","to":"1","content":"` + strings.Repeat("x", 4001) + `"}`,
	} {
		refused(said, "INVALID")
	}
	eve.SendText(`{"flag":"msg","from":"3","to":"'; DROP TABLE messages; --","content":"to nobody"}`)
	if f := next(t, eve); f.Flag != "sent" {
		t.Errorf("to somebody unknown: %+v", f)
	}
	ann.ExpectNothing()
	b, _ := json.Marshal(eve.User())
	if string(b) != `"3"` {
		t.Errorf("she is %s", b)
	}
}
