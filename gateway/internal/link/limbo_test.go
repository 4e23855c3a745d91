package link

import (
	"testing"

	"github.com/parley-im/parley/proto/connid"
)

// A conn is on its way from limbo into the hub, or out of it, while somebody goes
// over all: it must be met.
func TestEachConnMeetsWhoIsOnTheWay(t *testing.T) {
	l := newLink(t)
	var in, out []*conn
	for range 200 {
		a, b := &conn{link: l}, &conn{link: l}
		a.Init(connid.Random(1).Conn, a)
		b.Init(connid.Random(1).Conn, b)
		l.limbo.add(a)
		if err := l.hub.Add(&b.Conn); err != nil {
			t.Fatal(err)
		}
		in, out = append(in, a), append(out, b)
	}
	met := map[*conn]bool{}
	l.eachConn(func(c *conn) {
		met[c] = true
		if len(in) == 0 {
			return
		}
		// As answerOpen and Closed do: first in the new place, then out of the old.
		if err := l.hub.Add(&in[0].Conn); err != nil {
			t.Fatal(err)
		}
		l.limbo.remove(in[0])
		l.limbo.add(out[0])
		l.hub.Remove(&out[0].Conn)
		in, out = in[1:], out[1:]
	})
	if len(met) != 400 {
		t.Errorf("met %d of 400", len(met))
	}
}
