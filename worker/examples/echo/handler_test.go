package main

import (
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

func TestAnswersItsSenderOnly(t *testing.T) {
	h := workertest.New(t, echo{})
	ann, bob := h.Dial("/"), h.Dial("/chat")
	ann.SendText("hello")
	ann.Expect("Server: hello")
	ann.SendText("")
	ann.Expect("Server: ")
	ann.SendBinary([]byte{1, 2})
	ann.ExpectNothing()
	bob.ExpectNothing()
}

func TestAnswersOnceThoughItHandlesTwice(t *testing.T) {
	h := workertest.New(t, echo{})
	ann := h.Dial("/")
	h.LoseAcks(1)
	ann.SendText("hello")
	ann.Expect("Server: hello")
	ann.ExpectNothing()
}
