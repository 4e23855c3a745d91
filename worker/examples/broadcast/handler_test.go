package main

import (
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

func TestPassesATextToEveryone(t *testing.T) {
	h := workertest.New(t, broadcast{}, workertest.WithGateways(2))
	ann, bob := h.Dial("/"), h.Dial("/")
	ann.SendText("hello")
	ann.Expect("hello")
	bob.Expect("hello")
	bob.SendBinary([]byte("hello"))
	ann.ExpectNothing()
	bob.ExpectNothing()
}

func TestIsHeardOnceThoughItHandlesTwice(t *testing.T) {
	h := workertest.New(t, broadcast{})
	ann, bob := h.Dial("/"), h.Dial("/")
	h.LoseAcks(2)
	ann.SendText("hello")
	for _, c := range []*workertest.Conn{ann, bob} {
		c.Expect("hello")
		c.ExpectNothing()
	}
}
