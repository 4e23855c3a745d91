package ws

import (
	"sync/atomic"
	"time"
)

// reading is what the read goroutine keeps about the inbound side of its conn.
// The wheel reads the atomics.
type reading struct {
	since  atomic.Uint32 // tick at which the present Read began; 0: not reading
	begun  atomic.Uint32 // tick at which the unfinished message began; 0: none
	paused atomic.Bool
	nap    atomic.Bool // the wheel asks the read goroutine to nap

	in    *inbound              // read, and not yet asked for
	ready func(fd uintptr) bool // Conn.ready; nil when reads can only block

	lost    bool   // the socket failed or ended
	napping bool   // leaving gws for a nap, or coming back: it is not listened to
	fault   uint16 // close code of a broken rule, or 0
	header  int32  // bytes that the handshake may still read; -1: it is over
	fd      int32  // the napper's

	left    uint32 // tick at which the last Read ended, while a message is unfinished
	holding uint32 // bytes counted in Server.inbound for this conn
	bytes   uint64
	frames  uint64
	meter   meter
	rate    rate
}

// enter is the begin of a Read.
func (r *reading) enter(now uint32) {
	if b := r.begun.Load(); b != 0 {
		r.begun.Store(b + now - r.left) // time in which we did not read is not the peer's
	}
	r.since.Store(now)
}

// leave is the end of a Read.
func (r *reading) leave(now uint32) {
	r.since.Store(0)
	switch {
	case !r.meter.unfinished():
		if r.left != 0 {
			r.begun.Store(0)
			r.left = 0
		}
	case r.left == 0:
		r.begun.Store(now)
		r.left = now
	default:
		r.left = now
	}
}

// waited says for how many ticks nothing has come, and for how many a message
// is unfinished; 0 while the conn is paused or not being read.
func (r *reading) waited(now uint32) (silent, unfinished uint32) {
	since := r.since.Load()
	if since == 0 || r.paused.Load() {
		return 0, 0
	}
	if b := r.begun.Load(); b != 0 && now > b {
		unfinished = now - b
	}
	return now - since, unfinished
}

func (r *reading) resume(now uint32) {
	if since := r.since.Load(); since != 0 {
		r.since.CompareAndSwap(since, now)
	}
	r.paused.Store(false)
}

// rate is a pair of token buckets, each a second deep. Debt is paid by waiting
// before the next Read, so that a flood costs the flooder and no one else.
type rate struct {
	frames float32
	bytes  float32
	at     uint32 // tick of the last refill; 0: still full
}

// take counts what was read.
func (r *rate) take(l *Limits, now uint32, frames, bytes int) {
	if r.at == 0 {
		r.at = now
		r.frames, r.bytes = float32(l.FrameRate), float32(l.ByteRate)
	}
	r.refill(l, now)
	if l.FrameRate > 0 {
		r.frames -= float32(frames)
	}
	if l.ByteRate > 0 {
		r.bytes -= float32(bytes)
	}
}

// refill adds what time has earned. It runs even when no tick has passed: a limit that
// was lowered holds for what is saved up, too.
func (r *rate) refill(l *Limits, now uint32) {
	seconds := float32(now-r.at) * float32(tick.Seconds())
	r.at = now
	r.frames = fill(r.frames, float32(l.FrameRate), seconds)
	r.bytes = fill(r.bytes, float32(l.ByteRate), seconds)
}

func fill(have, rate, seconds float32) float32 {
	if rate <= 0 {
		return 0
	}
	return min(have+rate*seconds, rate)
}

// owes tells whether debt may be more than zero.
func (r *rate) owes() bool { return r.frames < 0 || r.bytes < 0 }

// debt is how long to wait before more may be read.
func (r *rate) debt(l *Limits) time.Duration {
	var d float32
	if l.FrameRate > 0 && r.frames < 0 {
		d = -r.frames / float32(l.FrameRate)
	}
	if l.ByteRate > 0 && r.bytes < 0 {
		d = max(d, -r.bytes/float32(l.ByteRate))
	}
	return time.Duration(d * float32(time.Second))
}
