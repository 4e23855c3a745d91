package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

func said(kind, group, from, message string) string {
	return fmt.Sprintf(`{"from":%q,"group":%q,"message":%q,"type":%q}`, from, group, message, kind)
}

func TestWhoIsInTheChatHearsItAndWhoIsNotIsReminded(t *testing.T) {
	h := workertest.New(t, house{}, workertest.WithGateways(2))
	ann, bob := h.Dial("/ws/chat/tea/?name=ann"), h.Dial("/ws/chat/tea/?name=bob")
	elsewhere := h.Dial("/ws/chat/coffee/?name=cid")
	anns, bobs, cids, dans := h.Dial("/push/ann/?chat=tea"), h.Dial("/push/bob/?chat=tea&chat=coffee"), h.Dial("/push/cid/?chat=tea"), h.Dial("/push/dan/?chat=coffee")
	cidsPhone := h.Dial("/push/cid/?chat=tea")

	h.LoseAcks(2)
	ann.SendText(`{"message":"water boils"}`)
	for _, c := range []*workertest.Conn{ann, bob} {
		c.Expect(said("message", "tea", "ann", "water boils"))
	}
	for _, c := range []*workertest.Conn{cids, cidsPhone} { // each of his devices, once
		c.Expect(said("reminder", "tea", "ann", "water boils"))
	}
	for name, c := range map[string]*workertest.Conn{
		"ann": ann, "bob": bob, "cid in coffee": elsewhere, "ann's push": anns, "bob's push": bobs, "cid's push": cids, "cid's phone": cidsPhone, "dan's push": dans,
	} {
		t.Log(name)
		c.ExpectNothing()
	}

	bob.Close(1000, "")
	h.Settle()
	ann.SendText(`{"message":"it is ready"}`)
	ann.Expect(said("message", "tea", "ann", "it is ready"))
	bobs.Expect(said("reminder", "tea", "ann", "it is ready"))
	cids.Expect(said("reminder", "tea", "ann", "it is ready"))
	anns.ExpectNothing()
}

// TestNothingIsKept: who comes later is told nothing of before.
func TestNothingIsKept(t *testing.T) {
	h := workertest.New(t, house{})
	ann := h.Dial("/ws/chat/tea/?name=ann")
	ann.SendText(`{"message":"hi"}`)
	ann.Expect(said("message", "tea", "ann", "hi"))
	h.Dial("/ws/chat/tea/?name=bob").ExpectNothing()
	h.Dial("/push/bob/?chat=tea").ExpectNothing()
}

func TestWhoIsNobodyIsNotLetIn(t *testing.T) {
	h := workertest.New(t, house{})
	for target, status := range map[string]int{
		"/": http.StatusNotFound, "/ws/chat/": http.StatusNotFound, "/ws/chat/tea/more/?name=ann": http.StatusNotFound, "/push/": http.StatusNotFound, "/ws/push/ann/": http.StatusNotFound,
		"/push/%3Cb%3E/": http.StatusNotFound, "/ws/chat/-/?name=ann": http.StatusNotFound,
		"/ws/chat/tea/": http.StatusBadRequest, "/ws/chat/tea/?name=a%2Fb": http.StatusBadRequest, "/push/ann/?chat=": http.StatusBadRequest,
		"/push/ann/?" + strings.Repeat("chat=tea&", 33): http.StatusBadRequest, "/ws/chat/tea/?name=" + strings.Repeat("x", 33): http.StatusBadRequest,
	} {
		if _, refusal := h.TryDial(target); refusal == nil || refusal.Status != status {
			t.Errorf("%s: %v, want %d", target, refusal, status)
		}
	}
	for _, target := range []string{"/ws/chat/tea?name=ann", "/push/ann", "/push/ann/?" + strings.Repeat("chat=tea&", 32), "/ws/chat/%E8%8C%B6/?name=%E9%B2%8D%E5%8B%83"} {
		if _, refusal := h.TryDial(target); refusal != nil {
			t.Errorf("%s: %v", target, refusal)
		}
	}
}

func TestWhatIsHostileGetsAnErrorAndEndsNothing(t *testing.T) {
	h := workertest.New(t, house{})
	eve, push, bob := h.Dial("/ws/chat/tea/?name=eve"), h.Dial("/push/eve/?chat=tea"), h.Dial("/ws/chat/tea/?name=bob")
	const refused = `{"type":"error","message":"not an object with 1 to 2,000 bytes of message, said in a chat"}`
	for _, said := range []string{``, `{`, `null`, `[]`, `7`, `{}`, `{"message":""}`, `{"message":7}`, `{"message":"` + strings.Repeat("x", 2001) + `"}`} {
		eve.SendText(said)
		eve.Expect(refused)
	}
	push.SendText(`{"message":"who is on push does not talk"}`)
	push.Expect(refused)
	bob.ExpectNothing()
	eve.SendText(`{"message":"<b>"}`)
	bob.Expect(`{"from":"eve","group":"tea","message":"\u003cb\u003e","type":"message"}`)
}
