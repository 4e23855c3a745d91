package counterpart

import (
	"testing"

	"github.com/parley-im/parley/worker/workertest"
)

func TestFramesGoWhereTheySay(t *testing.T) {
	h := workertest.New(t, Handler{})
	ann, bob, eve := h.Dial("/?group=g"), h.Dial("/?group=g"), h.Dial("/")

	ann.SendText(string(Echo(nil, []byte("hello"))))
	ann.Expect("e hello")
	bob.SendText(string(ToGroup(nil, "g", []byte("to you"))))
	ann.Expect("to you")
	bob.Expect("to you")
	eve.SendText(string(ToAll(nil, []byte("news"))))
	ann.Expect("news")
	bob.Expect("news")
	eve.Expect("news")
	for _, odd := range []string{"", "e", "x y", "g nowhere"} {
		eve.SendText(odd)
	}
	ann.ExpectNothing()
	bob.ExpectNothing()
	eve.ExpectNothing()
}
