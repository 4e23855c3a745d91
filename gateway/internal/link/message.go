package link

import (
	"time"

	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
)

// A conn that is ending while it has no credit is read on, or the end would never
// be reached when no worker acknowledges anything. It is read at this pace, so
// that a flood on the way is little; what a reader may have buffered when the
// socket has ended passes in a tenth of a second.
const endingPace = 100 * time.Millisecond / (4 << 10) // a byte

// lookPause is how often a conn without credit looks whether it is ending.
const lookPause = 100 * time.Millisecond

// Message takes a frame that was read and remembers it until a worker has
// handled it. It blocks while the conn has no credit: the socket is not read
// then, and its liveness clock stands still. It implements ws.Handler.
func (l *Link) Message(sock *ws.Conn, m *ws.Message) {
	c := sock.Owner().(*conn)
	c.mu.Lock()
	for c.full() && l.life.Err() == nil {
		wait := c.credit()
		c.mu.Unlock()
		l.stats.Pauses.Add(1)
		sock.Pause()
		ending := l.awaitCredit(sock, wait, len(m.Bytes()))
		sock.Resume()
		c.mu.Lock()
		if ending {
			break
		}
	}
	if c.deaf() {
		m.Release()
	} else {
		l.push(c, event{kind: record.KindMessage, binary: m.Binary(), message: m})
	}
	c.mu.Unlock()
}

// awaitCredit waits for credit. It reports true when the conn is ending and has
// waited long enough for a frame of that size.
func (l *Link) awaitCredit(sock *ws.Conn, credit <-chan struct{}, size int) (ending bool) {
	pause := lookPause
	if sock.Closing() {
		pause = time.Duration(size) * endingPace
	}
	look := time.NewTicker(pause + 1)
	defer look.Stop()
	for {
		select {
		case <-credit:
			return false
		case <-l.life.Done():
			return true
		case <-look.C:
			if sock.Closing() {
				return true
			}
		}
	}
}
