package link_test

import (
	"fmt"
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// A client says three things and is gone. They are handled as what he was when he
// said them, whoever handles them: user, groups and facts are those of his last
// moment, and the session is what the frames before have made of it, also the one
// that OnClose sees.
func TestLastWordsAreHandledAsWhoSaidThem(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{User: "liubei", Groups: []string{"shu"}, Session: []byte("0"), HasSession: true}})
	c := r.enter()
	for _, text := range []string{"1", "2", "3"} {
		c.text(text)
	}
	one := a.message("1")
	c.nc.Close()
	a.next(record.KindClosed) // its session is of the moment when the socket ended
	if r.hub.Len() != 0 {
		t.Fatal("the conn is still in the hub")
	}
	a.doneWith(one, &gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: []byte("1")}})
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 3 })

	check := func(who string, got *gatewayv1.ConnContext, session string) {
		t.Helper()
		if got.GetUser() != "liubei" || fmt.Sprint(got.GetGroups()) != "[shu]" || string(got.GetSession()) != session || got.GetFacts().GetPath() != "/chat" {
			t.Errorf("%s: got %v, want liubei of shu with session %s", who, got, session)
		}
	}
	// Its worker is lost: the next one is told.
	b := r.attach(script{node: "b"})
	a.end()
	check("after a move", b.next(record.KindContext).context(), "1")
	two := b.message("2")
	b.message("3")
	check("closed after a move", b.next(record.KindClosed).closed().GetLast(), "1")

	// This one forgets, and writes once more.
	body, _ := record.AppendDoneWith(nil, record.DoneWith{
		Conn: two.conn, Term: two.term, Seq: two.seq, Forget: true,
		Body: encode(&gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: []byte("2")}}),
	})
	b.give(body)
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 2 })
	d := r.attach(script{node: "d"})
	b.end()
	check("after a second move", d.next(record.KindContext).context(), "2")
	d.done(d.message("3"))
	last := d.next(record.KindClosed)
	check("closed", last.closed().GetLast(), "2")
	if v := last.closed().GetLast().GetSessionVersion(); v != 3 {
		t.Errorf("version of the last session: got %d, want 3", v)
	}
	d.done(last)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
}
