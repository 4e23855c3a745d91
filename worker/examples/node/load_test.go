package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

const (
	clients = 16
	texts   = 240 // that each client says
	every   = 12  // one of so many to the group, the others for the echo
)

// load is clients that all talk at once, each as fast as it is let, and look at what they
// hear: every echo once, in order, and from every client whatever it says to the group.
type load struct {
	t      *testing.T
	list   []*clustertest.Client
	all    sync.WaitGroup
	echoes atomic.Int64
}

func (*load) total() int64  { return clients * (texts - texts/every) }
func (*load) frames() int64 { return clients * (texts + 2) } // with "enter" and the last word

// begin lets them talk once all are in the group.
func begin(t *testing.T, urls []string) *load {
	t.Helper()
	l := &load{t: t}
	for i := range clients {
		c := clustertest.Dial(t, urls[i%len(urls)])
		c.Say("enter G")
		c.Hears("entered G")
		l.list = append(l.list, c)
	}
	for i, c := range l.list {
		l.all.Go(func() {
			for n := range texts {
				text := fmt.Sprintf("%d %d", i, n)
				if n%every == 0 {
					text = "say G " + text
				}
				if err := websocket.Message.Send(c.Conn, text); err != nil {
					t.Errorf("client %d says %q: %v", i, text, err)
					return
				}
			}
		})
		l.all.Go(func() { l.listen(c, i) })
	}
	return l
}

// end waits until all have heard everything, and sends them away before the workers end: no
// gateway has to keep their last events for a worker that never comes.
func (l *load) end(c *clustertest.Cluster) {
	l.t.Helper()
	l.all.Wait()
	for _, client := range l.list {
		_ = client.Close()
	}
	until(l.t, "nobody is connected any more", func() bool {
		totals, err := c.Workers[0].Sender().Totals(l.t.Context())
		return err == nil && totals.Conns == 0
	})
}

// listen hears what client i hears, until that is everything.
func (l *load) listen(c *clustertest.Client, i int) {
	var echo, groups []int // what is to come: of the echo, and of the group from any client
	for n := range texts {
		if n%every == 0 {
			groups = append(groups, n)
		} else {
			echo = append(echo, n)
		}
	}
	from := make([][]int, clients)
	for k := range from {
		from[k] = slices.Clone(groups)
	}
	for left := len(echo) + clients*len(groups); left > 0; left-- {
		text, err := hear(c)
		if err != nil {
			l.t.Errorf("client %d still wants %d texts: %v", i, left, err)
			return
		}
		what, rest, _ := strings.Cut(text, ": ")
		who, n, _ := strings.Cut(rest, " ")
		k, _ := strconv.Atoi(who)
		queue := &echo
		switch {
		case what == "G" && k < clients:
			queue = &from[k]
		case what != "Server" || k != i:
			l.t.Errorf("client %d hears %q", i, text)
			return
		}
		if len(*queue) == 0 || strconv.Itoa((*queue)[0]) != n {
			l.t.Errorf("client %d hears %q, want of that %v first", i, text, (*queue)[:min(3, len(*queue))])
			return
		}
		*queue = (*queue)[1:]
		if what == "Server" {
			l.echoes.Add(1)
		}
	}
	const end = "the end"
	if err := websocket.Message.Send(c.Conn, end); err != nil {
		l.t.Error(err)
	}
	if text, err := hear(c); err != nil || text != "Server: "+end {
		l.t.Errorf("client %d has heard all, and then %q, %v", i, text, err)
	}
}

func hear(c *clustertest.Client) (text string, err error) {
	_ = c.SetReadDeadline(time.Now().Add(clustertest.Patience))
	err = websocket.Message.Receive(c.Conn, &text)
	return text, err
}
