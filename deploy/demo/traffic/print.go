package traffic

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// printer writes what a person reads: lines that stay, and one that is written over.
type printer struct {
	out      io.Writer
	terminal bool

	mu   sync.Mutex // guards what follows, and out
	over bool       // the last line is the live one
}

// say writes a line that stays.
func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// wipe takes the live line away. p.mu is held.
func (p *printer) wipe() {
	if p.over {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.over = false
	}
}

// How often the live line is written: over itself, or one below the other.
const (
	liveEvery  = 200 * time.Millisecond
	plainEvery = time.Second
)

// live writes the live line until ctx ends.
func (p *printer) live(ctx context.Context, look func() live) {
	every := plainEvery
	if p.terminal {
		every = liveEvery
	}
	began := time.Now()
	for pause(ctx, every) {
		l := look()
		line := fmt.Sprintf("%5.1f s  sent %d  stored %d  seen %d  lost %d  doubled %d  sockets dropped %d", time.Since(began).Seconds(),
			l.sent, l.stored, l.seen, l.lost, l.doubled, l.sockets.dropped)
		if l.sockets.killed > 0 {
			line += fmt.Sprintf(" (and %d with a killed gateway)", l.sockets.killed)
		}
		p.mu.Lock()
		p.wipe()
		fmt.Fprint(p.out, line)
		if p.over = p.terminal; !p.over {
			fmt.Fprintln(p.out)
		}
		p.mu.Unlock()
	}
}

// last writes what came of it.
func (p *printer) last(r *result) {
	killed := ""
	if n := r.kills["worker"] + r.kills["gateway"]; n > 0 {
		killed = fmt.Sprintf("killed: workers %d times, gateways %d times\n", r.kills["worker"], r.kills["gateway"])
	}
	sockets := fmt.Sprint(r.sockets.dropped)
	if r.sockets.killed > 0 {
		sockets += fmt.Sprintf("  (and %d with a killed gateway, all back)", r.sockets.killed)
	}
	p.say("\n%ssent             %d\nstored           %d\nseen             %d of %d\nlost             %d\ndoubled          %d\nsockets dropped  %s",
		killed, r.Sent, r.Acked-r.Unstored, r.seen, r.toBeSeen, r.lost(), r.doubled(), sockets)
	if n := r.wrong(); n > 0 {
		p.say("otherwise wrong  %d", n)
	}
	if r.First != nil {
		p.say("\nthe first broken promise: %s, message %d of %s", r.First.What, r.First.Seq, r.First.Conversation)
		for _, line := range r.First.Lines {
			p.say("  %s", line)
		}
	}
	if r.waiting > 0 {
		p.say("%d messages have no answer after %v", r.waiting, settleWithin)
	}
}
