package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/workertest"
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{file: filepath.Join(t.TempDir(), "support.db"), key: "sesame"}
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

// TestATalkFromTheQueueToItsEnd loses the acknowledgement of everything that is done.
func TestATalkFromTheQueueToItsEnd(t *testing.T) {
	h := workertest.New(t, newDesk(t), workertest.WithGateways(2))
	ann := in(t, h.Dial("/"), visitor("ann"))
	if len(ann.talks) != 0 || len(ann.agents) != 0 {
		t.Errorf("a new visitor is told of %v and %v", ann.talks, ann.agents)
	}
	twice := func(p *person, what string) {
		h.LoseAcks(1)
		p.say(what)
	}
	twice(ann, ask("1", "is there tea?"))
	ann.sees("waiting", "", ": is there tea?")
	eve := in(t, h.Dial("/"), visitor("eve"))
	twice(eve, ask("1", "and coffee?"))
	eve.sees("waiting", "", ": and coffee?")
	eve.until("is the second in the queue", func() bool { return eve.before == 1 })

	bob := in(t, h.Dial("/"), agent("bob", "sesame"))
	talk := bob.sees("waiting", "", ": is there tea?").ID
	if len(bob.talks) != 2 || bob.talks[talk].Name != "Ann <b>" {
		t.Errorf("bob sees %+v", bob.talks)
	}
	twice(bob, act("take", talk, ""))
	ann.sees("open", "bob", ": is there tea?")
	eve.until("is the first in the queue", func() bool { return eve.before == 0 })
	twice(bob, answer(talk, "1", "there is"))
	ann.sees("open", "bob", ": is there tea?", "bob: there is")
	twice(ann, ask("2", "good"))
	ann.sees("open", "bob", ": is there tea?", "bob: there is", ": good")

	cid := in(t, h.Dial("/"), agent("cid", "sesame"))
	bob.until("sees cid", func() bool { return len(bob.agents) == 2 })
	twice(bob, act("transfer", talk, `,"to":"cid"`))
	ann.sees("open", "cid", ": is there tea?", "bob: there is", ": good")
	bob.refusedTo(answer(talk, "2", "but it is not mine"))
	twice(cid, act("close", talk, ""))
	for _, p := range []*person{ann, bob, cid} {
		p.sees("closed", "cid", ": is there tea?", "bob: there is", ": good")
	}
	eve.asked()
	if len(eve.talks) != 1 {
		t.Errorf("eve is told of %+v", eve.talks)
	}

	twice(ann, ask("3", "one more thing"))
	ann.sees("waiting", "", ": is there tea?", "bob: there is", ": good", ": one more thing")
	ann.until("is behind eve", func() bool { return ann.before == 1 })
}

func TestWhoAsksWithNobodyThereFindsTheAnswerLater(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	conn := h.Dial("/")
	ann := in(t, conn, visitor("ann"))
	ann.say(ask("1", "anybody?"))
	ann.sees("waiting", "", ": anybody?")
	conn.Drop()
	bob := in(t, h.Dial("/"), agent("bob", "sesame"))
	talk := bob.sees("waiting", "", ": anybody?").ID
	bob.say(act("take", talk, ""))
	bob.say(answer(talk, "1", "now I am"))
	bob.say(act("close", talk, ""))
	bob.sees("closed", "bob", ": anybody?", "bob: now I am")
	in(t, h.Dial("/"), visitor("ann")).sees("closed", "bob", ": anybody?", "bob: now I am")
}

// TestTheTalkOfAnAgentWhoHasLeftCanBeTaken: but not of one who is there.
func TestTheTalkOfAnAgentWhoHasLeftCanBeTaken(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	ann := in(t, h.Dial("/"), visitor("ann"))
	ann.say(ask("1", "hello"))
	conn := h.Dial("/")
	bob, cid := in(t, conn, agent("bob", "sesame")), in(t, h.Dial("/"), agent("cid", "sesame"))
	talk := bob.sees("waiting", "", ": hello").ID
	bob.say(act("take", talk, ""))
	cid.sees("open", "bob", ": hello")
	cid.refusedTo(act("take", talk, ""))
	bob.refusedTo(act("transfer", talk, `,"to":"dan"`)) // who is not there
	conn.Close(1000, "")
	h.Settle()
	cid.say(act("take", talk, ""))
	ann.sees("open", "cid", ": hello")
}

func TestWhatIsHostileGetsAnErrorAndEndsNothing(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	ann, bob, eve := in(t, h.Dial("/"), visitor("ann")), in(t, h.Dial("/"), agent("bob", "sesame")), in(t, h.Dial("/"), visitor("eve"))
	ann.say(ask("1", "between us"))
	talk := bob.sees("waiting", "", ": between us").ID
	ann.sees("waiting", "", ": between us")
	bob.say(act("take", talk, ""))
	ann.sees("open", "bob", ": between us")

	stranger := in(t, h.Dial("/"), `{"type":"serve","name":"bob","key":"open"}`)
	if stranger.refused == "" || len(stranger.talks) > 0 {
		t.Errorf("a wrong key is good enough: %+v", stranger)
	}
	long := strings.Repeat("x", 65)
	for _, what := range []string{
		``, `{`, `null`, `[]`, `{}`, `{"type":7}`, `{"type":"dance"}`, ask("1", "who am I?"), act("take", talk, ""), `{"type":"visit"}`, `{"type":"visit","visitor":"short"}`, `{"type":"serve","name":"","key":"sesame"}`,
		`{"type":"serve","name":"` + long + `","key":"sesame"}`, `{"type":"visit","visitor":"` + long + `"}`,
	} {
		stranger.refusedTo(what)
	}
	for _, what := range []string{
		act("take", talk, ""), act("close", talk, ""), act("transfer", talk, `,"to":"bob"`), visitor("ann"), agent("eve", "sesame"),
		ask("", "no id"), ask("2", ""), ask(long, "long id"), ask("2", strings.Repeat("x", 1001)), `{"type":"say","id":"1","text":"x","name":"` + long + `"}`,
	} {
		eve.refusedTo(what)
	}
	for _, what := range []string{act("take", 99, ""), answer(99, "1", "x"), act("close", 99, ""), act("transfer", talk, `,"to":"nobody"`), agent("cid", "sesame"), visitor("bob")} {
		bob.refusedTo(what)
	}
	eve.say(fmt.Sprintf(`{"type":"say","id":"3","text":"in the talk of another","talk":%d,"visitor":%q}`, talk, secret("ann")))
	eve.sees("waiting", "", ": in the talk of another") // it is in her own
	ann.asked()
	ann.sees("open", "bob", ": between us")
	if len(eve.talks) != 1 {
		t.Errorf("eve is told of %+v", eve.talks)
	}
}

// TestTheSecretOfAVisitorIsToldNobody: whoever has it is the visitor.
func TestTheSecretOfAVisitorIsToldNobody(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	conn := h.Dial("/")
	conn.SendText(agent("bob", "sesame"))
	ann := in(t, h.Dial("/"), visitor("ann"))
	ann.say(ask("1", "psst"))
	for {
		text := string(conn.Next().Payload)
		if strings.Contains(text, "secret") {
			t.Fatalf("bob hears %s", text)
		}
		if strings.Contains(text, "psst") {
			return
		}
	}
}

func TestWhoAsksAgainKeepsHisName(t *testing.T) {
	h := workertest.New(t, newDesk(t))
	ann, bob := in(t, h.Dial("/"), visitor("ann")), in(t, h.Dial("/"), agent("bob", "sesame"))
	ann.say(ask("1", "hello"))
	talk := bob.sees("waiting", "", ": hello").ID
	bob.say(act("take", talk, ""))
	bob.say(act("close", talk, ""))
	ann.say(`{"type":"say","id":"2","text":"once more"}`)
	if again := bob.sees("waiting", "", ": hello", ": once more"); again.Name != "Ann <b>" {
		t.Errorf("who asks again is %q", again.Name)
	}
}
