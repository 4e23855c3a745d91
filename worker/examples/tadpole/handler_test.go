package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

// swimmer dials and is welcomed.
func swimmer(h *workertest.Harness) *workertest.Conn {
	c := h.Dial("/")
	c.Expect(fmt.Sprintf(`{"id":%d,"type":"welcome"}`, c.Number()))
	return c
}

// at is where all see a tadpole of that name.
func at(c *workertest.Conn, where, name string) string {
	return fmt.Sprintf(`{"type":"update","id":%d,%s,"life":1,"name":%q,"authorized":false}`, c.Number(), where, name)
}

func TestEverybodySeesWhereOneIs(t *testing.T) {
	h := workertest.New(t, pond{}, workertest.WithGateways(2))
	ann, bob := swimmer(h), swimmer(h)
	ann.SendText(`{"type":"login"}`)
	// As the page of the original sends it: numbers are strings.
	ann.SendText(`{"type":"update","x":"12.5","y":"-3.0","angle":"1.571","momentum":"0.000","name":"Ann"}`)
	for _, who := range []*workertest.Conn{ann, bob} {
		who.Expect(at(ann, `"angle":1.571,"momentum":0,"x":12.5,"y":-3`, "Ann"))
	}
	bob.SendText(`{"type":"update","x":1,"y":2,"angle":3,"momentum":4}`)
	for _, who := range []*workertest.Conn{ann, bob} {
		who.Expect(at(bob, `"angle":3,"momentum":4,"x":1,"y":2`, fmt.Sprint("Guest.", bob.Number())))
		who.ExpectNothing()
	}
}

func TestAMessageIsHeardOnceThoughItIsHandledTwice(t *testing.T) {
	h := workertest.New(t, pond{}, workertest.WithGateways(2))
	ann, bob := swimmer(h), swimmer(h)
	h.LoseAcks(2)
	ann.SendText(`{"type":"message","message":"hi <b>"}`)
	for _, who := range []*workertest.Conn{ann, bob} {
		who.Expect(fmt.Sprintf(`{"id":%d,"message":"hi \u003cb\u003e","type":"message"}`, ann.Number()))
		who.ExpectNothing()
	}
}

func TestAllHearThatOneHasGone(t *testing.T) {
	h := workertest.New(t, pond{}, workertest.WithGateways(2))
	ann, bob, cid := swimmer(h), swimmer(h), swimmer(h)
	bob.Close(1000, "")
	ann.Expect(fmt.Sprintf(`{"id":%d,"type":"closed"}`, bob.Number()))
	cid.Expect(fmt.Sprintf(`{"id":%d,"type":"closed"}`, bob.Number()))
	eve := swimmer(h) // at the second gateway, as bob was
	h.LoseGateway(1)
	ann.Expect(fmt.Sprintf(`{"id":%d,"type":"closed"}`, eve.Number()))
}

func TestWhatIsHostileReachesNobody(t *testing.T) {
	h := workertest.New(t, pond{})
	ann, bob := swimmer(h), swimmer(h)
	for _, said := range []string{
		``, `{`, `null`, `[]`, `7`, `{}`, `{"type":7}`, `{"type":"dance"}`, `{"type":"message"}`, `{"type":"message","message":{"a":1}}`,
		`{"type":"update","x":"left"}`, `{"type":"update","x":1e999}`, `{"type":"update","x":"NaN"}`, `{"type":"update","x":[1]}`,
		`{"type":"update","name":7}`, `{"type":"welcome","id":1}`, `{"type":"closed","id":1}`,
	} {
		ann.SendText(said)
	}
	ann.SendBinary([]byte{0, 255})
	ann.ExpectNothing()
	bob.ExpectNothing()

	ann.SendText(`{"type":"update","name":"` + strings.Repeat("鱼", 100) + `"}`)
	bob.Expect(at(ann, `"angle":0,"momentum":0,"x":0,"y":0`, strings.Repeat("鱼", 21)))
	ann.SendText(`{"type":"message","message":"` + strings.Repeat("x", 60_000) + `"}`)
	if got := len(bob.Next().Payload); got > 600 {
		t.Errorf("all others read %d bytes", got)
	}
}
