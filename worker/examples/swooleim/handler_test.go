package main

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

// person dials and says who it is.
func person(h *workertest.Harness, name string) *workertest.Conn {
	c := h.Dial("/")
	c.SendText(`{"type":"auth","username":"` + name + `","id":0}`)
	c.Expect(`{"type":"ack","id":0}`)
	return c
}

func TestNothingIsHeardThatIsNotMeantForOne(t *testing.T) {
	h := workertest.New(t, chat{}, workertest.WithGateways(2))
	a, b, c := person(h, "a"), person(h, "b"), person(h, "c")
	b.SendText(`{"type":"joinGroup","group":"g"}`)
	h.Settle()

	a.SendText(`{"type":"message","to":"b","message":"1"}`)
	b.Expect(`{"type":"message","from":"a","message":"1"}`)
	a.SendText(`{"type":"message","group":"g","message":"2"}`)
	b.Expect(`{"type":"message","from":"a","group":"g","message":"2"}`)
	b.SendText(`{"type":"message","group":"g","message":"3"}`) // alone in it
	c.ExpectNothing()
	a.SendText(`{"type":"message","message":"4"}`)
	b.Expect(`{"type":"message","from":"a","all":true,"message":"4"}`)
	c.Expect(`{"type":"message","from":"a","all":true,"message":"4"}`)
	for _, who := range []*workertest.Conn{a, b, c} {
		who.ExpectNothing()
	}
}

func TestMistakesGetAnErrorAndEndNothing(t *testing.T) {
	h := workertest.New(t, chat{})
	a, b := person(h, "a"), person(h, "b")
	for _, said := range mistakes {
		a.SendText(said)
		if got := string(a.Next().Payload); !strings.HasPrefix(got, `{"type":"error","message":"`) {
			t.Errorf("%s: got %s, want an error", said, got)
		}
	}
	a.SendBinary([]byte(`{"type":"auth","username":"z"}`))
	a.Next()
	if a.User() != "a" || len(a.Groups()) != 0 {
		t.Errorf("a mistake made it %q in %q", a.User(), a.Groups())
	}
	b.ExpectNothing()
	a.ExpectNothing()
}

func TestAnErrorNamesTheFrame(t *testing.T) {
	h := workertest.New(t, chat{})
	guest := h.Dial("/")
	for said, want := range map[string]string{
		`{"type":"message","to":"a","message":"x","id":"k1"}`:                      `{"type":"error","id":"k1","message":"say who you are before you write to one person"}`,
		`{"type":"message","message":7,"id":3.50}`:                                 `{"type":"error","id":3.50,"message":"not a text frame with one JSON object of this chat"}`,
		`{"type":"auth","id":9007199254740993}`:                                    `{"type":"error","id":9007199254740993,"message":"a user has 1 to 256 bytes, not 0"}`,
		`{"type":"dance","id":null}`:                                               `{"type":"error","message":"unknown type, or a field is missing, or to and group are both there"}`,
		`{"type":"auth","username":"` + strings.Repeat("long", 65) + `"}`:          `{"type":"error","message":"a user has 1 to 256 bytes, not 260"}`,
		`{"type":"auth","username":"x","id":"` + strings.Repeat("long", 32) + `"}`: `{"type":"error","message":"not a text frame with one JSON object of this chat"}`,
	} {
		guest.SendText(said)
		guest.Expect(want)
	}
	if guest.User() != "" {
		t.Errorf("a mistake made it %q", guest.User())
	}
}

func TestARepeatIsAcknowledgedAndNotHeard(t *testing.T) {
	h := workertest.New(t, chat{}, workertest.WithGateways(2))
	a, b := person(h, "a"), person(h, "b")
	again := person(h, "a") // at the other gateway
	guest, other := h.Dial("/"), h.Dial("/")
	const frame = `{"type":"message","message":"x","id":1}`
	for _, who := range []*workertest.Conn{a, a, again, guest, guest, other} {
		who.SendText(frame)
		for got := ""; got != `{"type":"ack","id":1}`; { // what others said may come before
			got = string(who.Next().Payload)
		}
		h.Settle()
	}
	b.Expect(`{"type":"message","from":"a","all":true,"message":"x"}`)
	b.Next() // of guest
	b.Next() // of other: before auth each conn is its own sender
	b.ExpectNothing()

	b.SendText(`{"type":"message","message":"x","id":"1"}`) // a string is not the number
	b.Expect(`{"type":"ack","id":"1"}`)
}

func TestADeathBeforeTheAckChangesNothing(t *testing.T) {
	h := workertest.New(t, chat{})
	a, b := person(h, "a"), person(h, "b")
	h.LoseAcks(2)
	a.SendText(`{"type":"message","to":"b","message":"with an id","id":"k"}`)
	b.Expect(`{"type":"message","from":"a","message":"with an id"}`)
	a.Expect(`{"type":"ack","id":"k"}`)
	h.LoseAcks(1)
	a.SendText(`{"type":"message","to":"b","message":"without"}`)
	b.Expect(`{"type":"message","from":"a","message":"without"}`)
	a.ExpectNothing()
	b.ExpectNothing()
}

func TestWhoComesLaterGetsTheSameMessageByItsID(t *testing.T) {
	h := workertest.New(t, chat{})
	a := person(h, "a")
	const frame = `{"type":"message","to":"b","message":"x","id":1}`
	a.SendText(frame)
	a.Expect(`{"type":"error","id":1,"message":"b is not connected"}`)
	b := person(h, "b")
	a.SendText(frame)
	b.Expect(`{"type":"message","from":"a","message":"x"}`)
	a.Expect(`{"type":"ack","id":1}`)
}

func TestAGroupForgetsWhomALostGatewayHad(t *testing.T) {
	h := workertest.New(t, chat{}, workertest.WithGateways(2))
	a, b, c := person(h, "a"), person(h, "b"), person(h, "c") // b at the second gateway
	for _, who := range []*workertest.Conn{a, b, c} {
		who.SendText(`{"type":"joinGroup","group":"g","id":1}`)
		who.Expect(`{"type":"ack","id":1}`)
	}
	h.LoseGateway(1)
	a.SendText(`{"type":"message","group":"g","message":"who is left?","id":2}`)
	a.Expect(`{"type":"ack","id":2}`)
	c.Expect(`{"type":"message","from":"a","group":"g","message":"who is left?"}`)
	if n, _, err := h.Sender().GroupSize(t.Context(), "g"); n.Conns != 2 || err != nil {
		t.Errorf("%d conns are in the group, %v, want 2", n.Conns, err)
	}
	a.SendText(`{"type":"message","to":"b","message":"and you?","id":3}`)
	a.Expect(`{"type":"error","id":3,"message":"b is not connected"}`)
}
