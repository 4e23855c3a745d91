package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

// door is where a call comes from.
type door string

const (
	outside    door = "outside" // a process without a Handler: this one
	fromWorker door = "worker"  // the Sender, in a handler of the worker process
	fromConn   door = "handler" // the handler's own conn
	byHTTP     door = "HTTP"    // a backend, by PushService
	byGRPC     door = "gRPC"    // likewise
)

// take is a row that is played once.
type take struct {
	*seats
	what    *row
	by      door
	in      state
	control *sock // whose frame is handled
	here    chan struct{}
	said    chan said
}

// here reports whether calls begin in this process, and not by a handler's.
func (d door) here() bool { return d != fromWorker && d != fromConn }

func (k *take) key() string { return fmt.Sprintf("%s, %s, %s", k.what.key(), k.by, k.in) }

// takes makes one of every row, through every door, for conns at the gateways that at
// names.
func (m *matrix) takes(t *testing.T, in state, at [4]int) (all []*take) {
	t.Helper()
	galleries := map[bool]*seats{} // rows that change nothing share their conns
	var fresh []*seats
	seat := func(r *row, name string) *seats {
		s := &seats{cell: cell{Name: fmt.Sprintf("%d.%s.%s", m.gateways, in, name)}, row: r}
		fresh = append(fresh, s)
		return s
	}
	var opening []*take
	for i, r := range rows() {
		doors := []door{outside, fromWorker}
		switch {
		case r.conn != nil:
			doors = []door{fromConn}
		case r.push != nil:
			doors = []door{byHTTP, byGRPC}
		}
		if !r.fits(in) {
			continue
		}
		for _, by := range doors {
			k := &take{what: r, by: by, in: in, here: make(chan struct{}), said: make(chan said, 1)}
			switch {
			case r.opens:
				k.seats = &seats{cell: cell{Name: fmt.Sprintf("%d.%s.%d", m.gateways, in, i)}, row: r}
				opening = append(opening, k)
			case r.reads:
				if galleries[r.own] == nil {
					galleries[r.own] = seat(&row{own: r.own}, fmt.Sprint("gallery", r.own))
				}
				k.seats = galleries[r.own]
			default:
				k.seats = seat(r, fmt.Sprintf("%d.%s", i, by))
			}
			all = append(all, k)
		}
	}
	m.sit(t, at, fresh...)
	for _, k := range all {
		if k.what.probation {
			m.doubt, m.last = append(m.doubt, k), time.Now()
		}
	}
	m.prompter.expect(all)
	for _, k := range opening {
		m.dialling.Go(func() {
			q := url.Values{"row": {k.what.key()}, "key": {k.key()}, "cell": {k.Name}}
			s, err := m.open(at[3], q)
			if err != nil {
				t.Errorf("%s: %v", k.key(), err)
				return
			}
			m.mu.Lock()
			k.socks[3] = s
			m.mu.Unlock()
		})
	}
	return all
}

// handle has the handlers of the worker begin with what is theirs, and returns when they
// wait for their cue.
func (m *matrix) handle(t *testing.T, all []*take) {
	t.Helper()
	for _, k := range all {
		switch {
		case k.what.opens || k.by.here():
			continue
		case k.by == fromConn:
			k.control = k.socks[3]
		default:
			var err error
			k.control, err = m.open(0, url.Values{"user": {"control"}, "group": {"control"}})
			must(t, err)
		}
		b, err := json.Marshal(part{Key: k.key(), Row: k.what.key(), Cell: k.cell})
		must(t, err)
		must(t, k.control.conn.Send(string(b)))
	}
	late := time.After(everything)
	for _, k := range all {
		if k.by.here() {
			continue
		}
		select {
		case <-k.here:
		case <-late:
			t.Fatalf("%s: its handler has not begun", k.key())
		}
	}
}

// begin lets it be played; it is done when said has something.
func (m *matrix) begin(k *take, within time.Duration) {
	if !k.by.here() {
		m.prompter.cue(k.key(), within)
		return
	}
	m.playing.Go(func() {
		ctx, cancel := context.WithTimeout(ctxBackground, within)
		defer cancel()
		k.said <- k.what.play(ctx, m.Sender().Sender(), nil, m.backend.calling(k.by), k.cell)
	})
}

// end waits for what the call answers.
func (m *matrix) end(t *testing.T, k *take) said {
	t.Helper()
	select {
	case s := <-k.said:
		return s
	case <-time.After(everything):
		t.Fatalf("%s: no answer after %v", k.key(), everything)
		return said{}
	}
}

// prompter tells the handlers when to begin, and hears what comes of it.
type prompter struct {
	net.Listener
	over sync.WaitGroup

	mu    sync.Mutex
	conn  net.Conn
	takes map[string]*take
}

func newPrompter(t *testing.T) *prompter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &prompter{Listener: l, takes: map[string]*take{}}
	p.over.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conn = conn
		p.mu.Unlock()
		p.listen(conn)
	})
	return p
}

func (p *prompter) listen(conn net.Conn) {
	s := bufio.NewScanner(conn)
	for s.Scan() {
		var r report
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			panic(err)
		}
		p.mu.Lock()
		k := p.takes[r.Key]
		p.mu.Unlock()
		switch {
		case k == nil:
		case r.Here:
			k.begun(r.ID)
		default:
			select {
			case k.said <- r.Said:
			default: // handled again
			}
		}
	}
}

// begun notes that the handler is there. It may be there twice.
func (k *take) begun(id connid.ID) {
	select {
	case <-k.here:
		return
	default:
	}
	if k.what.opens {
		k.IDs[3] = id
	}
	close(k.here)
}

func (p *prompter) expect(all []*take) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range all {
		p.takes[k.key()] = k
	}
}

func (p *prompter) cue(key string, within time.Duration) {
	b, err := json.Marshal(cue{Key: key, Within: within})
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.conn.Write(append(b, '\n')) // who has gone does not answer, and is missed
}

func (p *prompter) end() {
	_ = p.Close()
	p.mu.Lock()
	if p.conn != nil {
		_ = p.conn.Close()
	}
	p.mu.Unlock()
	p.over.Wait()
}

// settle waits until the conns of the given letters have seen what they should, and then
// what is known of them is what the row says.
func (m *matrix) settle(t *testing.T, all []*take, which string, marked bool) {
	t.Helper()
	deadline := time.Now().Add(everything)
	for _, k := range all {
		var wrong string
		if !holds(deadline, func() bool { wrong = m.seen(k, which, marked); return wrong == "" }) {
			t.Errorf("%s: %s", k.key(), wrong)
		}
	}
}

func (m *matrix) seen(k *take, which string, marked bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.what.opens && strings.Contains(which, "D") {
		if k.socks[3] == nil {
			return "D is not let in"
		}
		if h := k.socks[3].conn.Header(); k.what.later && (h.Get("X-Cell") != k.Name || h.Get("Sec-WebSocket-Protocol") != "b") {
			return fmt.Sprintf("D was let in with %v", h)
		}
	}
	return k.happened(which, marked)
}

// holds waits until ok, and reports whether it came to that before the deadline.
func holds(deadline time.Time, ok func() bool) bool {
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

// marks sends one frame behind everything that the takes have sent, through the same
// doors.
func (m *matrix) marks(t *testing.T, all []*take) {
	t.Helper()
	ids := map[bool][]connid.ID{}
	marked := map[*seats]bool{}
	for _, k := range all {
		if marked[k.seats] {
			continue
		}
		marked[k.seats] = true
		for i, id := range k.IDs {
			if !id.IsZero() && !strings.Contains(k.row.ends, letters[i:i+1]) {
				ids[k.by.here()] = append(ids[k.by.here()], id)
			}
		}
	}
	must(t, m.Sender().Sender().ToConns(within(t, everything), ids[true], worker.Text(mark)))
	control, err := m.open(0, url.Values{"user": {"control"}, "group": {"control"}})
	must(t, err)
	b, err := json.Marshal(part{Row: mark, IDs: ids[false]})
	must(t, err)
	must(t, control.conn.Send(string(b)))
}
