package link_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// ledger is a worker that counts a conn's frames in its session: the third frame
// makes "2" a "3" and is answered "3". So whatever is handled twice with effect,
// or acknowledged with half of its effects, or handled without knowing what came
// before, shows at once. It checks what it is given against the protocol.
type ledger struct {
	shared *book
	dice   *rand.Rand

	whole, drained atomic.Bool
	frozen         atomic.Bool // it reads and says nothing any more

	n     uint64 // last command
	pages map[uint64]*page
}

// page is what a ledger knows of a conn.
type page struct {
	term, seq    uint32
	count, joins int
}

// book is what the ledgers of a test write together.
type book struct {
	mu     sync.Mutex
	wrong  []string
	closed map[uint64]bool
}

func (b *book) complain(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// ends returns how many conns somebody has handled the end of.
func (b *book) ends() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.closed)
}

func (l *ledger) script(s script) script {
	l.pages = map[uint64]*page{}
	s.raw = l.answer
	return s
}

// answer is called with one batch after the other.
func (l *ledger) answer(out, batch []byte) []byte {
	if l.frozen.Load() {
		return out
	}
	var delta uint64
	r := record.NewReader(batch)
	for r.Next() {
		switch r.Kind() {
		case record.KindAttached:
			m := &gatewayv1.Attached{}
			_ = proto.Unmarshal(r.Attached(), m)
			l.n = m.GetLastCommand()
		case record.KindDelta:
			delta = max(delta, r.Delta().Seq)
		case record.KindSnapshotEnd:
			delta = max(delta, r.SnapshotEnd())
			l.whole.Store(true)
		case record.KindDrained:
			l.drained.Store(true)
		case record.KindRevoked:
			if p := l.pages[r.Revoked().Conn]; p != nil && p.term < r.Revoked().Term {
				delete(l.pages, r.Revoked().Conn)
			}
		case record.KindOpen:
			out = l.open(out, r.Event())
		case record.KindContext:
			l.learn(r.Event())
		case record.KindMessage:
			out = l.count(out, r.Message())
		case record.KindClosed:
			out = l.close(out, r.Event())
		}
	}
	if delta > 0 {
		out = record.AppendDeltaAck(out, delta)
	}
	if l.dice.IntN(4) == 0 {
		time.Sleep(time.Duration(l.dice.IntN(2000)) * time.Microsecond) // work
	}
	return out
}

func entry(count, joins int) []byte { return fmt.Append(nil, count, " ", joins) }

func userOf(conn uint64) string { return fmt.Sprint("user of ", conn) }

func (l *ledger) open(out []byte, e record.Event) []byte {
	l.pages[e.Conn] = &page{term: e.Term, seq: e.Seq}
	answer := &gatewayv1.OpenAnswer{User: userOf(e.Conn), Groups: []string{"everybody"}, Session: entry(0, 0), HasSession: true}
	out, _ = record.AppendDoneWith(out, record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Body: encode(&gatewayv1.Effects{Answer: answer})})
	return out
}

// learn opens a page anew.
func (l *ledger) learn(e record.Event) {
	m := &gatewayv1.ConnContext{}
	if err := proto.Unmarshal(e.Body, m); err != nil {
		l.shared.complain("context: %v", err)
		return
	}
	p := &page{term: e.Term}
	_, _ = fmt.Sscan(string(m.GetSession()), &p.count, &p.joins)
	if old := l.pages[e.Conn]; old != nil && old.term == e.Term {
		p.seq = old.seq
	}
	l.pages[e.Conn] = p
	if m.GetUser() != userOf(e.Conn) || len(m.GetGroups()) < 1+p.joins {
		l.shared.complain("context of term %d: user %q, groups %q, want %d or more", e.Term, m.GetUser(), m.GetGroups(), 1+p.joins)
	}
}

// count is the handler.
func (l *ledger) count(out []byte, m record.Message) []byte {
	p := l.pages[m.Conn]
	if p == nil || p.term != m.Term {
		l.shared.complain("a message of term %d and no context: have %v", m.Term, p)
		return out
	}
	if p.seq != 0 && m.Seq != p.seq+1 || p.count != int(m.Seq)-2 {
		l.shared.complain("seq %d in term %d behind %+v", m.Seq, m.Term, *p)
	}
	p.seq = m.Seq
	p.count++
	if m.Payload[0] == 'j' {
		p.joins++
		l.n++
		c := join(target(ref(m.Conn, m.Term)), fmt.Sprint("since ", p.count))
		out, _ = record.AppendCommand(out, record.Command{N: l.n, Body: encode(c)})
	}
	out, _ = record.AppendDoneWith(out, record.DoneWith{
		Conn: m.Conn, Term: m.Term, Seq: m.Seq, Forget: l.dice.IntN(20) == 0,
		Body: encode(&gatewayv1.Effects{
			Session: &gatewayv1.SessionWrite{Session: entry(p.count, p.joins)},
			Replies: []*gatewayv1.Frame{{Payload: fmt.Append(nil, p.count)}},
		}),
	})
	return out
}

func (l *ledger) close(out []byte, e record.Event) []byte {
	m := &gatewayv1.Closed{}
	if err := proto.Unmarshal(e.Body, m); err != nil {
		l.shared.complain("closed: %v", err)
		return out
	}
	var count, joins int
	_, _ = fmt.Sscan(string(m.GetLast().GetSession()), &count, &joins)
	if p := l.pages[e.Conn]; p != nil && p.term == e.Term {
		count = max(count, p.count) // as one takes the newer of what it knows and is told
	}
	if count != int(e.Seq)-2 || m.GetLast().GetUser() != userOf(e.Conn) || len(m.GetLast().GetGroups()) < 1+joins {
		l.shared.complain("closed with seq %d: %d frames counted, %v", e.Seq, count, m.GetLast())
	}
	delete(l.pages, e.Conn)
	l.shared.mu.Lock()
	l.shared.closed[e.Conn] = true
	l.shared.mu.Unlock()
	out, _ = record.AppendDone(out, record.Done{Conn: e.Conn, Term: e.Term, Seq: e.Seq})
	return out
}
